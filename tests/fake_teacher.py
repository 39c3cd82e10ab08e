"""A teacher in this process, whose answers depend on the prompt alone, and whose bad days can be arranged."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from codem import config
from codem.craft.composing import ENTRY
from codem.craft.settings import Craft
from codem.craft.teacher import Reply, Request

WORDS = [f"{a}{b}" for a in ("lan", "mor", "ket", "vis", "dur", "pol", "sam", "tri") for b in ("ta", "rek", "os", "im")]
SUBJECTS = ("list", "string", "matrix", "tree", "date", "price", "word", "graph", "queue", "file")


def seeds_file(folder: Path, count: int) -> Path:
    """Python seeds, none like another."""
    path = folder / "seeds.json"
    rows = []
    for n in range(count):
        words = _words(f"seed{n}", 6)
        code = f"def {words[0]}_{n}(x):\n    return x + {n}\n"
        instruction = f"Write a Python function about a {SUBJECTS[n % 10]} that does {' '.join(words)}."
        rows.append({"instruction": instruction, "input": "", "output": f"```python\n{code}```"})
    path.write_text(json.dumps(rows))
    return path


@functools.cache
def craft(*overrides: str) -> Craft:
    (one,) = config.records(["teacher=local", "teacher.model=fake", "against=[]", *overrides], False, ENTRY)
    return one


def _words(seed: str, count: int) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def answer(request: Request) -> Reply:
    """Of every ten answers one is a refusal, and one has no code."""
    digest = hashlib.sha256(request.prompt.encode()).hexdigest()
    words = _words(digest, 30)
    if request.step == "instruction":
        text = f"Write a function {' '.join(words[:20])} that returns {words[20]}."
    elif request.step == "response":
        body = "".join(f"    {w} = {n}\n" for n, w in enumerate(words))
        kind = int(digest[0:4], 16) % 10
        text = f"```python\ndef {words[0]}_{digest[:8]}(x):\n{body}    return x\n```\nIt returns x."
        text = {0: "I'm sorry, but I can't help with that.", 1: "That depends on many things."}.get(kind, text)
    else:
        text = "no tests"
    return Reply(text, "stop", len(request.prompt) // 4, len(text) // 4, "fake-1", f"id-{digest[:12]}")


class FakeTeacher:
    """One object for several runs: it remembers what it was asked."""

    def __init__(
        self,
        delay: Callable[[], float] = lambda: 0.0,
        before: Callable[[Request, int], None] = lambda request, attempt: None,
        reply: Callable[[Request], Reply] = answer,
    ):
        """before: called with each request and its attempt (from 1); raises what is to go wrong."""
        self.delay, self.before, self.reply = delay, before, reply
        self.asked: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.under_way = self.most_under_way = 0
        self.times: list[float] = []

    def __call__(self, teacher):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        return None

    async def ask(self, request: Request) -> Reply:
        key = (request.item, request.step)
        self.asked[key] += 1
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(self.delay())
            self.before(request, self.asked[key])
        finally:
            self.under_way -= 1
        self.answered[key] += 1
        return self.reply(request)
