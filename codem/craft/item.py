"""One item: a new instruction from a seed, its response, perhaps tests. Each is looked up before it is asked for.

What comes out depends on the answers alone, not on when they came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from codem.corpus.pair import Pair
from codem.corpus.refusals import refusal
from codem.corpus.rejection import Reason, Rejection
from codem.craft.budget import Cost
from codem.craft.evolve import INSTRUCTION, RESPONSE, TESTS, Candidate, evolving
from codem.craft.journal import Answer, Journal
from codem.craft.patience import Answered, Patience
from codem.craft.settings import Craft
from codem.craft.teacher import Refused, Reply, Request
from codem.craft.templates import Templates
from codem.run import now

SKIPPED = "left out by craft.skip"


@dataclass(frozen=True)
class Made:
    """What the teacher made of a candidate."""

    pair: Pair
    """As far as it came."""
    rejection: Rejection | None = None
    """Why the teacher's answers are no pair; None: they are one, which the filters have not seen yet."""
    tests: str | None = None
    """The teacher's raw answer; None: none were asked for."""

    @property
    def sha256(self) -> str:
        """Of all that decides what becomes of it."""
        parts = [self.pair.id, self.pair.instruction, self.pair.response, repr(self.rejection), repr(self.tests)]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Items:
    """Makes the items of one corpus. For the tasks of one event loop."""

    def __init__(
        self,
        craft: Craft,
        templates: Templates,
        journal: Journal,
        patience: Patience,
        content: Callable[[Pair], Rejection | None],
    ):
        """content: what speaks against a pair as text alone; tests are only asked for where nothing does."""
        self.craft, self.teacher, self.templates = craft, craft.teacher, templates
        self.journal, self.patience, self.content = journal, patience, content

    async def make(self, candidate: Candidate) -> Made:
        """Raises what Patience.answer raises, and StageError when the journal cannot be written."""
        pair = self._pair(candidate, "", "")
        if candidate.id in self.craft.craft.skip:
            return Made(pair, Rejection(pair.id, Reason.REFUSED_BY_ENDPOINT, SKIPPED))
        evolved = await self._answer(
            candidate, INSTRUCTION, evolving(candidate, self.craft.facts.title, self.templates)
        )
        if (bad := _no_instruction(evolved, candidate)) is not None:
            return Made(pair, bad)
        pair = self._pair(candidate, evolved.text.strip(), "")
        prompt = self.templates.response.filled(language=self.craft.facts.title, instruction=pair.instruction)
        answer = await self._answer(candidate, RESPONSE, prompt)
        pair = self._pair(candidate, pair.instruction, answer.text.strip())
        if (bad := _no_answer(answer)) is not None:
            return Made(pair, bad)
        if self.templates.tests is None:
            return Made(pair)
        if (bad := self.content(pair)) is not None:
            return Made(pair, bad)
        prompt = self.templates.tests.filled(
            language=self.craft.facts.title, instruction=pair.instruction, response=pair.response
        )
        tests = await self._answer(candidate, TESTS, prompt)
        return Made(pair, _no_answer(tests), tests.text)

    def _pair(self, candidate: Candidate, instruction: str, response: str) -> Pair:
        more = {"seed_id": candidate.seed.id, "operation": candidate.operation, "round": candidate.round}
        return Pair(candidate.id, instruction, response, self.craft.lang, more={**more, "teacher": self.teacher.model})

    async def _answer(self, candidate: Candidate, step: str, prompt: str) -> Answer:
        digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
        known = self.journal.find(candidate.id, step, digest)
        if known is not None:
            return known
        request = Request(candidate.id, step, prompt)
        try:
            answered = await self.patience.answer(request)
        except Refused as e:
            reply = Reply(str(e), "refused", 0, 0)
            answered = Answered(reply, Cost(), False, 1, 0.0, e.sent)
        answer = self._journaled(candidate, step, digest, answered)
        await self.journal.add(answer)
        return answer

    def _journaled(self, candidate: Candidate, step: str, digest: str, answered: Answered) -> Answer:
        reply = answered.reply
        return Answer(
            item=candidate.id,
            step=step,
            seed_id=candidate.seed.id,
            operation=candidate.operation,
            round=candidate.round,
            prompt_sha256=digest,
            text=reply.text,
            finish_reason=reply.finish_reason,
            refusal=reply.refusal,
            model=self.teacher.model,
            answered_by=reply.answered_by,
            base_url=self.teacher.base_url,
            response=reply.response,
            tokens_in=answered.cost.tokens_in,
            tokens_out=answered.cost.tokens_out,
            is_estimated=answered.is_estimated,
            usd=answered.cost.usd if self.teacher.is_priced else None,
            seconds=round(answered.seconds, 3),
            tries=answered.tries,
            time=now(),
            sent=answered.sent,
        )


def _no_answer(answer: Answer) -> Rejection | None:
    """What the endpoint itself says is wrong with an answer."""
    if answer.finish_reason == "refused":
        return Rejection(answer.item, Reason.REFUSED_BY_ENDPOINT, f"{answer.step}: {answer.text[:200]}")
    if answer.refusal:
        return Rejection(answer.item, Reason.REFUSAL, f"{answer.step}: {answer.refusal[:200]}")
    if answer.finish_reason == "content_filter":
        return Rejection(answer.item, Reason.REFUSED_BY_ENDPOINT, f"{answer.step}: finish_reason=content_filter")
    if not answer.text.strip():
        return Rejection(answer.item, Reason.EMPTY, f"{answer.step}: the teacher's answer is empty")
    if answer.finish_reason == "length":
        return Rejection(answer.item, Reason.CUT_OFF, f"{answer.step}: ends after {answer.tokens_out} tokens")
    try:
        answer.text.encode()
    except UnicodeEncodeError:  # JSON can spell half of a surrogate pair
        return Rejection(answer.item, Reason.BAD_ANSWER, f"{answer.step}: is no text (half of a surrogate pair)")
    return None


def _no_instruction(answer: Answer, candidate: Candidate) -> Rejection | None:
    if (bad := _no_answer(answer)) is not None:
        return bad
    if said := refusal(answer.text):
        return Rejection(answer.item, Reason.REFUSAL, f"{answer.step}: {said}")
    if answer.text.split() == candidate.seed.instruction.split():
        return Rejection(answer.item, Reason.BAD_ANSWER, "instruction: the seed's, unchanged")
    return None
