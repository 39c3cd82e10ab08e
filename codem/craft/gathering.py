"""Ask for items and settle them, side by side, until enough are kept.

Items are begun in the order of the candidates, as many at once as the teacher may be asked, and settled in that order,
in a thread, so that compiling holds up no request. How far asking runs ahead of settling follows from the share that
was kept so far: it decides what is paid for beyond need, never what is kept.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codem import interruption
from codem.craft.budget import Exhausted
from codem.craft.decisions import Decisions
from codem.craft.evolve import Candidate
from codem.craft.item import Items, Made
from codem.craft.patience import Ended, GaveUp, Patience

BATCH = 32
"""Candidates that are settled at once, at most: a signal is obeyed when they are."""
TICK_S = 0.2
LOOKS_EVERY_S = 0.05
"""While it settles faster than items are made."""
GIVE_UPS = 8
"""Items without an answer after which no others are begun: the endpoint is not well."""


@dataclass
class Gathered:
    """How it ended. Neither field set: enough is kept, or there is no further candidate."""

    gave_up: list[GaveUp] = field(default_factory=list)
    exhausted: Exhausted | None = None


class Gathering:
    """One run over the candidates of one corpus."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        items: Items,
        decisions: Decisions,
        patience: Patience,
        concurrency: int,
        tick: Callable[[], None] = lambda: None,
    ):
        """tick: called a few times a second, to show how far it is."""
        self.candidates, self.items, self.decisions, self.patience = candidates, items, decisions, patience
        self.concurrency, self.tick = concurrency, tick
        self.gathered = Gathered()
        self._made: dict[int, Made] = {}
        """By number; those that are not settled yet."""
        self._begun = 0
        self._running: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._changed = asyncio.Event()

    async def run(self) -> Gathered:
        """Raises Stop and StageError, Terminated after a signal; what has arrived by then is in the journal."""
        settling = asyncio.create_task(self._settle())
        try:
            while not settling.done():
                interruption.obey()
                self._begin()
                self.tick()
                self._changed.clear()
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait({settling, changed}, timeout=TICK_S, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            await settling
            self._end()
            while self._running:  # each has at most the try under way left
                interruption.obey()
                self.tick()
                await asyncio.wait(self._running, timeout=TICK_S)
            if self._error is not None:
                raise self._error
            return self.gathered
        finally:
            for task in [settling, *self._running]:
                task.cancel()
            await asyncio.gather(settling, *self._running, return_exceptions=True)

    def _begin(self) -> None:
        while len(self._running) < self.concurrency and self._may_begin():
            task = asyncio.create_task(self._one(self._begun))
            self._begun += 1
            self._running.add(task)
            task.add_done_callback(self._over)

    def _may_begin(self) -> bool:
        return (
            not self.patience.ending
            and self._begun < len(self.candidates)
            and self._begun - self.decisions.settled < self._ahead()
        )

    def _ahead(self) -> int:
        """Candidates that may be begun beyond the last settled one: as many as are needed, by the share kept so far."""
        d = self.decisions
        share = (len(d.kept) + 1) / (d.settled + 1)
        return math.ceil((d.wanted - len(d.kept)) / share)

    async def _one(self, number: int) -> None:
        try:
            self._made[number] = await self.items.make(self.candidates[number])
        except GaveUp as e:
            self.gathered.gave_up.append(e)
            if len(self.gathered.gave_up) >= GIVE_UPS:
                self._end()
        except Exhausted as e:
            self.gathered.exhausted = e
            self._end()
        except Ended:
            pass
        except Exception as e:
            self._error = self._error or e
            self._end()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._changed.set()

    def _end(self) -> None:
        self.patience.ending = True
        self._changed.set()

    async def _settle(self) -> None:
        d = self.decisions
        while not d.is_complete and self._error is None:
            while d.settled in self._made and not d.is_complete and d.recall(self._made[d.settled]):
                del self._made[d.settled - 1]
            batch: list[Made] = []
            while len(batch) < BATCH and (n := d.settled + len(batch)) in self._made:
                batch.append(self._made[n])
            if d.is_complete:
                return
            if batch:
                first = d.settled
                await asyncio.to_thread(d.decide, batch)
                for n in range(first, d.settled):
                    del self._made[n]
                self._changed.set()
            elif not self._running and not self._may_begin():
                return  # also where the next one to settle got no answer
            else:
                await asyncio.sleep(LOOKS_EVERY_S)
