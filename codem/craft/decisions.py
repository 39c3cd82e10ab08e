"""What became of each candidate, in their order: the filters' word, on disk as it is said.

The same command does not compile again what was compiled: a decision counts for as long as the answers that it was
made of are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason, Rejection
from codem.craft import lines
from codem.craft.item import Made
from codem.records import cut_torn
from codem.run import write_whole


@dataclass(frozen=True)
class Decision:
    item: str
    sha256: str
    """Made.sha256: of the answers."""
    rejection: Rejection | None
    """None: kept."""
    validated: str = ""
    """What came of the teacher's tests; empty: there were none."""


class Filters(Protocol):
    """Pairs in order -> what speaks against each; None: nothing. State goes on from call to call."""

    def judge(self, made: Sequence[Made]) -> list[Decision]: ...
    def remember(self, pair: Pair) -> None:
        """A pair that was kept before: later ones must not be too like it."""


class Decisions:
    """Settles candidates from the first on. Not for two threads at once."""

    def __init__(self, path: Path, filters: Filters, wanted: int):
        """wanted: how many pairs are to be kept; what comes after the last of them is not decided."""
        self._path, self._filters, self.wanted = path, filters, wanted
        cut_torn(path)
        self._known = [_decision(row) for _, row in lines.read(path)]
        self.settled = 0
        self.kept: list[tuple[Pair, str]] = []
        """With what came of their tests."""
        self.rejected: list[tuple[Pair, Rejection]] = []

    @property
    def is_complete(self) -> bool:
        return len(self.kept) >= self.wanted

    def counts(self) -> Counter[Reason]:
        return Counter(rejection.reason for _, rejection in self.rejected)

    def recall(self, made: Made) -> bool:
        """Decide about the next candidate as before; False when that is not known, or was about other answers."""
        known = self._known[self.settled] if self.settled < len(self._known) else None
        if known is None or (known.item, known.sha256) != (made.pair.id, made.sha256):
            return False
        if known.rejection is None:
            self._filters.remember(made.pair)
        self._count(made, known)
        return True

    def decide(self, batch: Sequence[Made]) -> None:
        """About the next candidates, in order. Takes as long as it takes to compile and test them."""
        if self.settled < len(self._known):
            self._forget()
        new = []
        for made, decision in zip(batch, self._filters.judge(batch), strict=True):
            if self.is_complete:
                break
            self._count(made, decision)
            new.append(decision)
        lines.append(self._path, b"".join(lines.line(_row(d)) for d in new))
        self._known += new

    def _count(self, made: Made, decision: Decision) -> None:
        self.settled += 1
        if decision.rejection is None:
            self.kept.append((made.pair, decision.validated))
        else:
            self.rejected.append((made.pair, decision.rejection))

    def _forget(self) -> None:
        """What was decided after an answer that is another one now: near-duplicates may differ from there on."""
        self._known = self._known[: self.settled]
        rows = [d for d in self._known if d is not None]
        write_whole(self._path, "".join(lines.line(_row(d)).decode() for d in rows))


def _row(decision: Decision) -> dict[str, Any]:
    row = {"item": decision.item, "sha256": decision.sha256, "kept": decision.rejection is None}
    if decision.rejection is not None:
        row |= {k: v for k, v in asdict(decision.rejection).items() if k != "pair"}
    return row | ({"validated": decision.validated} if decision.validated else {})


def _decision(row: Any) -> Decision | None:
    """None when the row is not one that this code wrote."""
    try:
        rejection = None
        if not row["kept"]:
            rejection = Rejection(row["item"], Reason(row["reason"]), row["evidence"], row["other"], row["score"])
        return Decision(row["item"], row["sha256"], rejection, row.get("validated", ""))
    except (KeyError, TypeError, ValueError):
        return None
