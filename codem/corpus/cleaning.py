"""All filters of a corpus in a row: benchmark leaks, content, compiling, near-duplicates.

    with Cleaner(content=..., leaks=leaks.index(problems), workers=2) as cleaner:
        for batch in batches:
            verdicts = cleaner.add(batch)

What a pair is told depends on the pairs before it, never on how they are cut into batches or on the workers. Leaks come
first, so that whatever holds a problem of a benchmark is listed as such; near-duplicates last, so that a pair that is
left out for another reason is never the one that stays of several.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from codem.corpus import duplicates
from codem.corpus.duplicates import NearDuplicates, Sketch
from codem.corpus.leaks import Leak, Leaks
from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason, Rejection

Content = Callable[[Pair], Rejection | None]
Compiles = Callable[[list[Pair]], list[Rejection]]

CHUNK = 256
"""Pairs that a worker gets at once."""


@dataclass(frozen=True)
class Alone:
    """What each pair is asked without the others."""

    content: Content | None
    leaks: Leaks | None
    sketches: bool
    every: bool

    def look(self, pair: Pair) -> tuple[list[Rejection], Sketch | None]:
        found = [] if self.leaks is None else [leaked(leak) for leak in self.leaks.matches(pair)]
        if self.content is not None and (self.every or not found):
            found += filter(None, [self.content(pair)])
        wanted = self.sketches and (self.every or not found)
        return found, duplicates.sketch(pair) if wanted else None


class Cleaner:
    """Pairs in their order -> what is wrong with each.

    content: of one pair; compiles: of many, those that do not; either raises when it cannot work, and no pair is
    blamed. leaks, duplicates: None: not looked for. every: ask every filter about every pair, and let every pair be the
    first of near-duplicates (to examine a corpus, not to clean it). workers: processes for what needs no other pair;
    `content` and `leaks` are then sent to them by pickle.
    """

    def __init__(
        self,
        content: Content | None = None,
        compiles: Compiles | None = None,
        duplicates: NearDuplicates | None = None,
        leaks: Leaks | None = None,
        workers: int = 1,
        every: bool = False,
    ) -> None:
        self._alone = Alone(content, leaks, duplicates is not None, every)
        self._compiles = compiles
        self._duplicates = duplicates
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self.rows = 0
        self.kept = 0
        self.counts: Counter[Reason] = Counter()
        """Pairs by reason; with `every` a pair may have several."""

    def __enter__(self) -> Cleaner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. The cleaner may be used again, and starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def add(self, pairs: Sequence[Pair]) -> list[Rejection | None]:
        """For each pair, in order, the first thing that is wrong with it; None: it is kept."""
        return [found[0] if found else None for found in self.examine(pairs)]

    def examine(self, pairs: Sequence[Pair]) -> list[tuple[Rejection, ...]]:
        """For each pair, in order, what is wrong with it: one thing at most, or with `every` all.

        A pair that several benchmark tasks match has a rejection for each, the likest first, in either case.
        """
        seen = list(self._each_alone(pairs))
        broken = self._broken([p for p, (found, _) in zip(pairs, seen, strict=True) if self._alone.every or not found])
        made = []
        for pair, (found, sketch) in zip(pairs, seen, strict=True):
            if pair.id in broken:
                found.append(broken[pair.id])
            made.append(tuple(self._with_duplicate(pair, found, sketch)))
        self.rows += len(made)
        self.kept += sum(not found for found in made)
        self.counts.update(reason for found in made for reason in {f.reason for f in found})
        return made

    def _broken(self, pairs: list[Pair]) -> dict[str, Rejection]:
        if self._compiles is None or not pairs:
            return {}
        return {r.pair: r for r in self._compiles(pairs)}

    def _with_duplicate(self, pair: Pair, found: list[Rejection], sketch: Sketch | None) -> list[Rejection]:
        if self._duplicates is None or sketch is None or (found and not self._alone.every):
            return found
        like = self._duplicates.look_up(sketch)
        return found if like is None else [*found, duplicates.rejection(pair, *like)]

    def _each_alone(self, pairs: Sequence[Pair]) -> Iterator[tuple[list[Rejection], Sketch | None]]:
        if self._workers <= 1 or len(pairs) < 2 * CHUNK:
            return map(self._alone.look, pairs)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self._alone,)
            )
        return self._pool.map(_look, pairs, chunksize=CHUNK)


_HERE: list[Alone] = []
"""In a worker: what it was started with."""


def _begin(alone: Alone) -> None:
    _HERE[:] = [alone]


def _look(pair: Pair) -> tuple[list[Rejection], Sketch | None]:
    return _HERE[0].look(pair)


def leaked(leak: Leak) -> Rejection:
    return Rejection(leak.pair, Reason.CONTAMINATED, leak.evidence, leak.problem, leak.score)
