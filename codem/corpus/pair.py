"""One instruction with its response: what an instruction corpus is made of (Figure 1 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Pair:
    id: str
    """Unique within its corpus."""
    instruction: str
    response: str
    lang: str = ""
    """The name of a conf/lang/ file; empty: not known."""
    where: str = ""
    """`file:line` it was read from; empty: it was made, not read."""
    more: dict[str, Any] = field(default_factory=dict, hash=False)
    """The other fields of its row, as they were read."""
