"""Keep the training libraries' chatter off the terminal; what matters is in metrics.jsonl and on the progress line."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings and errors of these libraries still come through as exceptions; their banners and bars do not."""
    import torch
    from transformers.utils import logging as hf

    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")  # else DeepSpeed warns that it found none
    verbosity, bars = hf.get_verbosity(), hf.is_progress_bar_enabled()
    hf.set_verbosity_error()
    hf.disable_progress_bar()
    loud = [logging.getLogger(name) for name in ("DeepSpeed", "torch.distributed", "accelerate")]
    levels = [logger.level for logger in loud]
    for logger in loud:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        hf.set_verbosity(verbosity)
        if bars:
            hf.enable_progress_bar()
        for logger, level in zip(loud, levels, strict=True):
            logger.setLevel(level)
