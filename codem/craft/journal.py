"""Everything that was asked and answered, on disk before it is used. The same command asks only for what is not here.

answers.jsonl    an answer a line, flushed and synced to disk before anything is made of it
requests.jsonl   what was sent, and what failed: written at once, not synced; a killed process loses none of it

A line is whole or it is not there: what a killed writer left of its last line is cut off. A line that was damaged later
is reported, and its answer is asked for again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from codem.craft import lines
from codem.craft.budget import Cost
from codem.craft.settings import Teacher
from codem.craft.teacher import Request
from codem.errors import StageError
from codem.records import cut_torn


@dataclass(frozen=True)
class Answer:
    item: str
    step: str
    seed_id: str
    operation: str
    round: int
    prompt_sha256: str
    text: str
    """Raw, as the teacher wrote it."""
    finish_reason: str
    """`refused`: the endpoint would not answer, and `text` is what it said."""
    refusal: str
    model: str
    """That was asked for."""
    answered_by: str
    """As the endpoint names it."""
    base_url: str
    response: str
    """The endpoint's id of the answer."""
    tokens_in: int
    tokens_out: int
    is_estimated: bool
    """The endpoint did not say how many tokens: they are as many as there can have been."""
    usd: float | None
    """By the prices of that day; None: none were stated."""
    seconds: float
    tries: int
    time: str
    sent: int
    """The number of the request in requests.jsonl."""

    def cost(self, teacher: Teacher) -> Cost:
        """By today's prices where there were none."""
        usd = teacher.usd(self.tokens_in, self.tokens_out) if self.usd is None else self.usd
        return Cost(self.tokens_in, self.tokens_out, usd)


FIELDS = dict(Answer.__annotations__)
KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
}


class Journal:
    """For the tasks of one event loop, while this process holds the folder."""

    def __init__(self, answers: Path, requests: Path, teacher: Teacher):
        self._answers, self._requests, self._teacher = answers, requests, teacher
        self.damaged: list[str] = []
        """`file:line` of what cannot be read."""
        self._known: dict[tuple[str, str, str], Answer] = {}
        self.causes: Counter[str] = Counter()
        """Requests that failed, by cause."""
        self.spent = Cost()
        """Of all answers, those of damaged lines left out, and of requests without one that may have been charged."""
        self._queue: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._read()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, item: str, step: str, prompt_sha256: str) -> Answer | None:
        """An answer to exactly this prompt: that to another one is no answer to it."""
        return self._known.get((item, step, prompt_sha256))

    def sent(self, request: Request, worst: Cost) -> int:
        """To be called right before a request goes out; its number."""
        self._number += 1
        line = {
            "sent": self._number,
            "item": request.item,
            "step": request.step,
            "worst": [worst.tokens_in, worst.tokens_out],
        }
        self._note(line)
        return self._number

    def failed(self, number: int, cause: str, charged: bool) -> None:
        """charged: whether the endpoint may have made an answer, and charge for it."""
        self.causes[cause] += 1
        self._note({"failed": number, "cause": cause, "charged": charged})

    async def add(self, answer: Answer) -> None:
        """Returns when it is on disk; several at once cost one sync. Raises StageError when it cannot be written."""
        line = lines.line(asdict(answer))
        done = asyncio.get_running_loop().create_future()
        self._queue.append((line, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.ensure_future(self._write())
        await done
        self._remember(answer)

    async def close(self) -> None:
        """Whatever happens next: what has arrived is on disk."""
        if self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])
        if self._queue:
            await self._write()

    async def _write(self) -> None:
        await asyncio.sleep(0)  # others that arrive in this turn of the loop go along
        while self._queue:
            batch, self._queue = self._queue, []
            failure: StageError | None = None
            try:
                await asyncio.to_thread(lines.append, self._answers, b"".join(line for line, _ in batch))
            except StageError as e:
                failure = e
            for _, done in batch:
                if done.done():
                    continue  # whoever waited for it was cancelled
                done.set_result(None) if failure is None else done.set_exception(failure)

    def _worst(self, tokens_in: int, tokens_out: int) -> Cost:
        return Cost(tokens_in, tokens_out, self._teacher.usd(tokens_in, tokens_out))

    def _remember(self, answer: Answer) -> None:
        self._known[answer.item, answer.step, answer.prompt_sha256] = answer

    def _note(self, line: dict[str, Any]) -> None:
        lines.append(self._requests, lines.line(line), sync=False)

    def _read(self) -> None:
        open_requests: dict[int, Cost] = {}
        self._number = 0
        for path in (self._answers, self._requests):
            path.parent.mkdir(parents=True, exist_ok=True)
            cut_torn(path)
        for where, row in lines.read(self._requests):
            try:
                if "sent" in row:
                    self._number = max(self._number, row["sent"])
                    open_requests[row["sent"]] = self._worst(*row["worst"])
                else:
                    self.causes[row["cause"]] += 1
                    if not row["charged"]:
                        open_requests.pop(row["failed"], None)
            except (KeyError, TypeError):
                self.damaged.append(where)
        for where, row in lines.read(self._answers):
            answer = _answer(row)
            if answer is None:
                self.damaged.append(where)
                continue
            self._remember(answer)
            self._number = max(self._number, answer.sent)
            open_requests.pop(answer.sent, None)
            self.spent += answer.cost(self._teacher)
        for cost in open_requests.values():
            self.spent += cost


def _answer(row: Any) -> Answer | None:
    """None when the row is not one that this code wrote."""
    if not isinstance(row, dict) or set(row) != set(FIELDS):
        return None
    if not all(isinstance(row[name], KINDS[str(kind)]) for name, kind in FIELDS.items()):
        return None
    return Answer(**row)
