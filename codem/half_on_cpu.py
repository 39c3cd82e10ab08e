"""Train in fp16 at fp32's speed on a CPU that has no 16-bit floating-point instructions.

There, torch multiplies fp16 matrices tens of times slower than fp32 ones. Inside `half_on_cpu` the products of fp16
tensors are computed in fp32, and their results rounded to fp16: what a GPU does, which multiplies in fp16 and sums in
fp32. Weights, activations and gradients stay fp16, so the loss scale, its overflows and its skipped steps are real.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Names of torch.ops.aten. Those of the second line arrive whole, instead of as those of the first, in inference mode.
PRODUCTS = (
    *("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot"),
    *("linear", "matmul", "scaled_dot_product_attention"),
)
ATTENTION = "_scaled_dot_product_flash_attention_for_cpu"


def is_needed(precision: str) -> bool:
    """Training in `precision` on this machine would multiply fp16 matrices on a CPU that cannot."""
    import torch

    if precision != "fp16" or torch.cuda.is_available():
        return False
    native = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_fp16_supported()
    return not native


def described(precision: str) -> str:
    """How numbers are held and multiplied here, as one phrase for the record."""
    return f"{precision}, matrix products in fp32" if is_needed(precision) else precision


@contextmanager
def half_on_cpu(precision: str) -> Iterator[None]:
    """Inside, fp16 products are computed in fp32 where the machine needs it; elsewhere it does nothing.

    It holds for the thread that enters it, and for the backward passes that this thread starts.
    """
    if not is_needed(precision):
        yield
        return
    with _wider()():
        yield


@functools.cache
def _wider() -> Any:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    aten = torch.ops.aten
    products = {getattr(aten, name).default for name in PRODUCTS}
    attention = {getattr(aten, ATTENTION).default, getattr(aten, ATTENTION + "_backward").default}

    def widened(value: Any) -> Any:
        return value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.float16 else value

    class Wider(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            if not (func in products or func in attention) or args[0].dtype != torch.float16:
                return func(*args, **kwargs)
            result = func(*map(widened, args), **{name: widened(value) for name, value in kwargs.items()})
            if isinstance(result, torch.Tensor):
                return result.half()
            if func.name().endswith("_backward"):
                return tuple(gradient.half() for gradient in result)
            output, log_sum = result  # the latter is fp32 for fp16 inputs too
            return output.half(), log_sum

    return Wider
