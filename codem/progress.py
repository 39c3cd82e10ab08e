"""Progress of a long step, with the time left: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LINE_EVERY_S = 15.0


class Progress:
    """One step. `update(done, note)` as often as one likes; `total` may be set later, when it is known."""

    def __init__(self, label: str, total: int | None):
        self.label, self.total = label, total
        self.started = self.spoke = time.monotonic()
        self.first: int | None = None

    def update(self, done: int, note: str = "") -> None:
        if self.first is None:
            self.first = done  # resumed work took no time now: it must not make the rest look fast
        now = time.monotonic()
        if self.total and now - self.spoke >= LINE_EVERY_S and done < self.total:
            self.spoke = now
            print(f"  {self.label}: {done}/{self.total}{self._left(self.total, done)} {note}".rstrip(), flush=True)

    def _left(self, total: int, done: int) -> str:
        made = done - (self.first or 0)
        if made <= 0:
            return ""
        left = (time.monotonic() - self.started) / made * (total - done)
        return f", {duration(left)} left"

    def close(self, note: str) -> None:
        print(f"  {self.label}: {note} in {duration(time.monotonic() - self.started)}", flush=True)


class _Bar(Progress):
    """The same on a terminal, through rich."""

    def __init__(self, label: str, total: int | None):
        super().__init__(label, total)
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Rich

        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.rich = Rich(*columns, TextColumn("{task.fields[note]}"), transient=True)
        self.task = self.rich.add_task(label, total=self.total, note="")
        self.rich.start()

    def update(self, done: int, note: str = "") -> None:
        self.rich.update(self.task, completed=done, total=self.total, note=note)

    def close(self, note: str) -> None:
        self.rich.stop()
        super().close(note)


@contextmanager
def progress(label: str, total: int | None, done_note: str = "done") -> Iterator[Progress]:
    """Shows a step while it runs and one line when it is over (also in a log file)."""
    shown = _Bar(label, total) if sys.stdout.isatty() else Progress(label, total)
    ending = "stopped"
    try:
        yield shown
        ending = done_note
    finally:
        shown.close(ending)


def duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
