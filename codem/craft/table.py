"""How far a corpus is, while it grows and at its end: on a terminal as a table that stays, elsewhere as lines."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from codem.craft.budget import Cost
from codem.progress import LINE_EVERY_S, duration


@dataclass
class Tally:
    lang: str
    wanted: int
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    under_way: int = 0
    cost: Cost = field(default_factory=Cost)
    is_priced: bool = False
    began: float = field(default_factory=time.monotonic)
    kept_before: int | None = None
    """What was there when this run had looked through the journal: it took no time now."""

    def rows(self) -> list[tuple[str, str]]:
        rows = [("kept", f"{self.kept:,} of {self.wanted:,}"), ("rejected", f"{self.rejected.total():,}")]
        rows += [(f"  {reason}", f"{count:,}") for reason, count in self.rejected.most_common()]
        rows += [("answers", f"{self.answers:,}")]
        rows += [("failed requests", _counted(self.retries))] if self.retries else []
        rows += [("tokens", f"{self.cost.tokens_in:,} in, {self.cost.tokens_out:,} out")]
        rows += [("cost", f"{self.cost.usd:.4f} USD" if self.is_priced else "no prices stated")]
        rows += [("rate", rate)] if (rate := self.rate()) else []
        rows += [("time left", left)] if (left := self.left()) else []
        return rows

    def rate(self) -> str:
        made, minutes = self._kept_now(), (time.monotonic() - self.began) / 60
        return f"{made / minutes:.1f} kept/min" if made > 0 and minutes > 0 else ""

    def left(self) -> str:
        made = self._kept_now()
        if made <= 0 or self.kept >= self.wanted:
            return ""
        return duration((time.monotonic() - self.began) / made * (self.wanted - self.kept))

    def line(self) -> str:
        parts = [f"{self.kept:,}/{self.wanted:,} kept", f"{self.rejected.total():,} rejected"]
        parts += [f"{self.cost.tokens:,} tokens"] + ([f"{self.cost.usd:.2f} USD"] if self.is_priced else [])
        parts += [f"failed requests: {_counted(self.retries)}"] if self.retries else []
        parts += [rate] if (rate := self.rate()) else []
        parts += [f"{left} left"] if (left := self.left()) else []
        return f"  {self.lang}: " + ", ".join(parts)

    def table(self) -> Any:
        """For rich."""
        from rich.table import Table

        table = Table(title=self.lang, show_header=False, title_justify="left")
        table.add_column()
        table.add_column(justify="right")
        for name, value in self.rows():
            table.add_row(name, value)
        return table

    def _kept_now(self) -> int:
        return self.kept - self.kept_before if self.kept_before is not None else 0


class Shown:
    """`update()` as often as one likes."""

    def __init__(self, tally: Tally):
        self.tally = tally
        self._spoke = time.monotonic()

    def update(self) -> None:
        now = time.monotonic()
        if now - self._spoke >= LINE_EVERY_S:
            self._spoke = now
            print(self.tally.line(), flush=True)


class _Live(Shown):
    def __init__(self, tally: Tally):
        super().__init__(tally)
        from rich.live import Live

        self.live = Live(tally.table(), auto_refresh=False, transient=True)
        self.live.start()

    def update(self) -> None:
        self.live.update(self.tally.table(), refresh=True)


@contextmanager
def shown(tally: Tally) -> Iterator[Shown]:
    """While the block runs, and once more when it is over, however it ended."""
    made = _Live(tally) if sys.stdout.isatty() else Shown(tally)
    try:
        yield made
    finally:
        if isinstance(made, _Live):
            made.live.stop()
        print(text(tally), flush=True)


def text(tally: Tally) -> str:
    """The table, as plain as a log file wants it."""
    width = max(len(name) for name, _ in tally.rows())
    lines = [f"    {name:<{width}}  {value}" for name, value in tally.rows()]
    return "\n".join([f"  {tally.lang}", *lines])


def _counted(causes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {cause}" for cause, count in causes.most_common())
