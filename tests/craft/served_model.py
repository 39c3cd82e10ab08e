"""A real endpoint: `transformers serve` with the tiny local model, as a process.

What it needs, and does not say: the request's model must be the folder that it serves; the tokenizer needs a chat
template; until the hub's cache folder exists it answers /v1/models with 500.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from crafting import environment

CHAT_TEMPLATE = "{% for message in messages %}### Instruction:\n{{ message['content'] }}\n\n{% endfor %}### Response:\n"
PATIENCE_S = 120.0


def missing() -> str:
    """What keeps a model from being served here; empty: nothing."""
    absent = [name for name in ("fastapi", "uvicorn", "torch") if importlib.util.find_spec(name) is None]
    return f"transformers serve needs {', '.join(absent)}" if absent else ""


def servable(model: Path, folder: Path) -> Path:
    """A copy of a model folder with what a chat needs."""
    target = folder / "served"
    shutil.copytree(model, target)
    settings = target / "tokenizer_config.json"
    stated = json.loads(settings.read_text("utf-8"))
    settings.write_text(json.dumps({**stated, "chat_template": CHAT_TEMPLATE}), encoding="utf-8")
    return target


class ServedModel:
    """Stop it when done."""

    def __init__(self, model: Path, folder: Path):
        hub = folder / "hub"
        hub.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.model, self.url = str(model), f"http://127.0.0.1:{port}/v1"
        self._said = folder / "serve.out"
        command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--device", "cpu"]
        offline = {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        with open(self._said, "wb") as out:
            self._process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)],
                env={**environment(), **offline},
                cwd=folder,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_it_answers(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            assert self._process.poll() is None, f"transformers serve ended: {self.said()[-2000:]}"
            try:
                with urllib.request.urlopen(f"{self.url}/models", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError(f"transformers serve did not answer in {PATIENCE_S:g} s: {self.said()[-2000:]}")

    def said(self) -> str:
        return self._said.read_text("utf-8", "replace")

    def stop(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, 9)
        self._process.wait()
