"""How every stage opens its folder: one process at a time, the same recipe or a refusal, status written last."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem import run as runs
from codem.errors import RecipeDiffers
from codem.provenance import provenance


@dataclass(frozen=True)
class Stage:
    folder: Path
    record: Path
    recipe: dict[str, Any]
    ways_out: str
    """What to do when the folder holds another recipe's results."""
    key: str | None = None
    """Where in the record this stage writes; None: at the top."""
    done: str = "done"
    """The record's status when this stage is complete."""
    data: tuple[Path, ...] = ()
    """What this stage writes. The record comes first, so data without a record is of unknown origin: refused."""

    def read(self) -> dict[str, Any]:
        """What this stage wrote, or an empty dict. Raises RecipeDiffers."""
        whole = runs.read_record(self.record) or {}
        mine = whole if self.key is None else whole.get(self.key) or {}
        if "recipe" in mine:
            runs.refuse_if_different(self.folder, mine["recipe"], self.recipe, f"Ways out: {self.ways_out}.")
        elif orphans := [path for path in self.data if path.exists()]:
            raise RecipeDiffers(
                f"{orphans[0]} is there, but nothing in {self.record} says which recipe made it. "
                f"Ways out: restore the record; or {self.ways_out}."
            )
        return mine

    def is_done(self) -> bool:
        return bool(self.read().get("finished"))

    @contextmanager
    def opened(self, is_done: Callable[[], bool], log: Path | None = None) -> Iterator[dict[str, Any] | None]:
        """The stage's part of the record, to be added to. It is marked finished only if the block ends well; an error
        is written into it, with status failed, and goes on to the caller.

        `spent_s` adds up over attempts, but for those that were killed without a word.

        is_done: asked again once the folder is ours; None is yielded when another process has finished meanwhile.
        """
        with runs.held(self.folder):
            if is_done():
                yield None
                return
            mine = {**self.read(), "recipe": self.recipe, "fingerprint": runs.fingerprint(self.recipe), **provenance()}
            for stale in {"error", "finished", "result", "launch"} - provenance().keys():
                mine.pop(stale, None)
            mine.setdefault("started", runs.now())
            began, spent_s = time.monotonic(), mine.get("spent_s", 0.0)
            handler = _log_to(log) if log else None
            try:
                self._write(mine, "running")
                yield mine
                mine["spent_s"] = round(spent_s + time.monotonic() - began, 1)
                mine["finished"] = runs.now()
                self._write(mine, self.done)
            except BaseException as e:
                logging.getLogger("codem").exception("%s stopped", self.folder)
                mine.pop("finished", None)  # a signal may come while that is being written
                mine["spent_s"] = round(spent_s + time.monotonic() - began, 1)
                mine["error"] = "".join(traceback.format_exception_only(e)).strip()
                with suppress(OSError):  # the disk is full: what is there stays true, and the error itself is shown
                    self._write(mine, "failed")
                raise
            finally:
                if handler:
                    logging.getLogger("codem").removeHandler(handler)
                    handler.close()

    def _write(self, mine: dict[str, Any], status: str) -> None:
        whole = mine if self.key is None else {**(runs.read_record(self.record) or {}), self.key: mine}
        runs.write_record(self.record, {**whole, "status": status})


def _log_to(path: Path) -> logging.Handler:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # a full disk is reported once, by the stage
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("codem")
    logger.addHandler(handler)
    logger.propagate = False
    return handler
