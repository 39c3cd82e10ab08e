"""Find languages, methods, benchmarks and engines by file name: a file in the folder is all it takes to exist."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def names(kind: str) -> list[str]:
    """The plug-ins of a kind (`languages`, `methods`, `benchmarks`, `engines`), sorted, without importing any."""
    return sorted(m.name for m in pkgutil.iter_modules([str(HERE / kind)]) if not m.name.startswith("_"))


def load(kind: str, name: str) -> ModuleType:
    """Import one plug-in. A dash in a name is an underscore in its file (`humaneval-x`: `humaneval_x.py`).

    Raises ValueError with the near match when there is none; a plug-in that does not import raises what it raised.
    """
    stem = name.replace("-", "_")
    if (loaded := sys.modules.get(f"codem.{kind}.{stem}")) is not None:
        return loaded
    if stem not in names(kind):
        raise ValueError(f"{name}: no codem/{kind}/{stem}.py; {suggest(name, names(kind))}")
    return importlib.import_module(f"codem.{kind}.{stem}")


def suggest(name: str, have: list[str]) -> str:
    """`did you mean python? have c, cpp, ...`"""
    near = get_close_matches(name, have, n=1)
    return (f"did you mean {near[0]}? " if near else "") + "have " + ", ".join(have)
