"""How long to wait, and when to try again: for one request, and for all of them together."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass

from codem.craft.budget import Budget, Cost
from codem.craft.journal import Journal
from codem.craft.settings import Teacher
from codem.craft.teacher import Answers, Refused, Reply, Request, Stop, Transient

LOOKS_EVERY_S = 0.25
"""While it waits: whether the run is to end."""


class GaveUp(Exception):
    """A request that failed as often as it may. Nothing is decided about its item: it is asked for again next time."""

    def __init__(self, request: Request, last: Transient, tries: int):
        super().__init__(f"{request.item}, {request.step}: {last.cause} ({last}), tried {tries} times")
        self.cause = last.cause


class Ended(Exception):
    """Enough is there, or the run is to end: no further try."""


@dataclass(frozen=True)
class Answered:
    reply: Reply
    cost: Cost
    is_estimated: bool
    tries: int
    seconds: float
    """The last try took."""
    sent: int
    """Its number in the journal."""


class Patience:
    """Sends requests: so many a minute, each until it is answered or has failed too often.

    What one request is told of waiting (Retry-After) holds for all of them: they have one account. How many are sent
    at once is the caller's matter.
    """

    def __init__(self, endpoint: Answers, teacher: Teacher, budget: Budget, journal: Journal, seed: int):
        self.endpoint, self.teacher, self.budget, self.journal, self.seed = endpoint, teacher, budget, journal, seed
        self.ending = False
        """Set from outside: requests under way are waited for, and no others are sent."""
        self._not_before = 0.0
        """On the monotonic clock: until then nothing is sent."""
        self._next = 0.0
        """When the next request may be sent, by requests per minute."""
        self._answers = 0
        self.has_asked = False
        """Until then everything came from the journal."""

    async def answer(self, request: Request) -> Answered:
        """Raises GaveUp, Refused, Stop, Ended, or budget.Exhausted when the request could pass the budget."""
        drawn = random.Random(f"{self.seed}/{request.item}/{request.step}")
        tries = failures = 0
        seen = self._answers
        while True:
            await self._turn()
            tries += 1
            try:
                return await self._send(request, tries)
            except Transient as e:
                # told to slow down while others are answered: the endpoint is well, there are only many of us
                failures += e.cause != "429" or self._answers == seen
                seen = self._answers
                if failures > self.teacher.retries:
                    raise GaveUp(request, e, tries) from None
                await self._rest(self._pause(e, failures, drawn))

    async def _send(self, request: Request, tries: int) -> Answered:
        worst = await self.budget.reserve(request.prompt)
        cost = worst  # also when this task is cancelled: the endpoint may have made the answer
        began = time.monotonic()
        try:
            sent = self.journal.sent(request, worst)
            self.has_asked = True
            try:
                reply = await self.endpoint.ask(request)
            except Transient as e:
                self.journal.failed(sent, e.cause, e.charged)
                cost = worst if e.charged else Cost()
                raise
            except (Refused, Stop) as e:
                cost = Cost()
                if isinstance(e, Stop):
                    self.journal.failed(sent, "stop", False)
                else:
                    e.sent = sent
                raise
            cost, is_estimated = self._cost(reply, worst)
            self._answers += 1
            return Answered(reply, cost, is_estimated, tries, time.monotonic() - began, sent)
        finally:
            self.budget.settle(worst, cost)

    def _cost(self, reply: Reply, worst: Cost) -> tuple[Cost, bool]:
        """As the endpoint counted; else as many tokens as there can have been."""
        tokens_in = worst.tokens_in if reply.tokens_in is None else reply.tokens_in
        most = min(self.teacher.max_tokens, len(reply.text.encode("utf-8", "surrogatepass")) + 1)
        tokens_out = most if reply.tokens_out is None else reply.tokens_out
        is_estimated = reply.tokens_in is None or reply.tokens_out is None
        return Cost(tokens_in, tokens_out, self.teacher.usd(tokens_in, tokens_out)), is_estimated

    async def _turn(self) -> None:
        """Returns when a request may be sent. Raises Ended."""
        if self.teacher.requests_per_minute:
            at = max(self._next, time.monotonic())
            self._next = at + 60 / self.teacher.requests_per_minute
            await self._rest(at - time.monotonic())
        while (
            not self.ending and (wait := self._not_before - time.monotonic()) > 0
        ):  # others may be told to wait for longer meanwhile
            await self._rest(wait)
        if self.ending:
            raise Ended

    async def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (wait := until - time.monotonic()) > 0 and not self.ending:
            await asyncio.sleep(min(wait, LOOKS_EVERY_S))

    def _pause(self, failure: Transient, failures: int, drawn: random.Random) -> float:
        """Seconds before the next try of this request. Raises Stop when all are asked to wait for too long."""
        told = failure.retry_after_s
        if told is not None:
            if told > self.teacher.patience_s:
                raise Stop(
                    f"{self.teacher.base_url} asks to wait {told:.0f} s ({failure}), and teacher.patience_s is "
                    f"{self.teacher.patience_s:g}; the same command goes on later"
                )
            self._not_before = max(self._not_before, time.monotonic() + told)
            return told + drawn.random() * self.teacher.backoff_s  # not all in the same instant
        longest = min(self.teacher.max_wait_s, self.teacher.backoff_s * 2 ** max(0, failures - 1))
        return longest * (0.5 + 0.5 * drawn.random())
