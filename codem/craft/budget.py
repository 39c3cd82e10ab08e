"""What may still be spent. A request goes out only if the budget would not be passed were it, and all that are under
way, as dear as they can be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from codem.craft.settings import Teacher

FRAME_TOKENS = 64
"""What an endpoint puts around a prompt: roles, marks, a date."""


@dataclass(frozen=True)
class Cost:
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out, self.usd + other.usd)

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out, self.usd - other.usd)

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


class Exhausted(Exception):
    """The next request could pass the budget."""


class Budget:
    """Single-threaded: for the tasks of one event loop."""

    def __init__(self, teacher: Teacher, max_usd: float | None, max_tokens: int | None, spent: Cost):
        self.teacher, self.max_usd, self.max_tokens = teacher, max_usd, max_tokens
        self.spent = spent
        """Answers, and what may have been charged for requests that brought none."""
        self._under_way = Cost()
        self._count = 0
        self._freed = asyncio.Event()

    def worst(self, prompt: str) -> Cost:
        """A tokenizer whose smallest pieces are bytes never makes more tokens than there are bytes."""
        tokens_in = len(prompt.encode("utf-8", "surrogatepass")) + FRAME_TOKENS
        return Cost(tokens_in, self.teacher.max_tokens, self.teacher.usd(tokens_in, self.teacher.max_tokens))

    async def reserve(self, prompt: str) -> Cost:
        """Waits for requests under way if their being cheaper than the worst could make room. Raises Exhausted."""
        wanted = self.worst(prompt)
        while not self._fits(wanted):
            if not self._count:
                raise Exhausted(self.text())
            self._freed.clear()
            await self._freed.wait()
        self._under_way += wanted
        self._count += 1
        return wanted

    def settle(self, reserved: Cost, cost: Cost) -> None:
        """A request is over, and cost this."""
        self._under_way -= reserved
        self._count -= 1
        self.spent += cost
        self._freed.set()

    def text(self) -> str:
        limits = [f"{self.max_usd:g} USD"] if self.max_usd is not None else []
        limits += [f"{self.max_tokens:,} tokens"] if self.max_tokens is not None else []
        usd = f", {self.spent.usd:.4f} USD" if self.teacher.is_priced else ""
        return f"the budget of {' and '.join(limits)} is used up: {self.spent.tokens:,} tokens{usd} are spent"

    def _fits(self, wanted: Cost) -> bool:
        total = self.spent + self._under_way + wanted
        return (self.max_usd is None or total.usd <= self.max_usd) and (
            self.max_tokens is None or total.tokens <= self.max_tokens
        )
