"""Craft one corpus: go through its candidates, write what is kept, and say how it went."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from codem import interruption
from codem import run as runs
from codem.corpus.pair import Pair
from codem.craft.budget import Budget
from codem.craft.decisions import Decisions
from codem.craft.filters import CorpusFilters
from codem.craft.gathering import Gathered, Gathering
from codem.craft.item import Items
from codem.craft.journal import Journal
from codem.craft.patience import Patience
from codem.craft.preparing import Prepared, others
from codem.craft.settings import Craft, Teacher
from codem.craft.table import Tally, shown
from codem.craft.teacher import Answers
from codem.errors import StageError
from codem.run import Crafted


def is_done(prepared: Prepared) -> bool:
    """Raises RecipeDiffers when another recipe's corpus lies there, StageError when it is longer than what is wanted,
    or was changed by another hand."""
    craft, place = prepared.craft, prepared.craft.place
    record = prepared.stage.read()
    items = None
    if place.corpus.exists():
        items = (record.get("written") or {}).get(_sha256(place.corpus.read_bytes()))
        if items is None:
            raise StageError(
                f"{place.corpus}: expected it as it was crafted, found other content; move it away, and it is written "
                f"again from {place.answers}; or give another name="
            )
        if items > craft.n:
            raise StageError(
                f"{place.corpus} has {items:,} pairs already, and n={craft.n} would drop some; give "
                f"n={items} or more, or another name="
            )
    return bool(record.get("finished")) and items == craft.n


Connect = Callable[[Teacher], Answers]
"""Called in the event loop in which it is asked."""


def craft_corpus(prepared: Prepared, connect: Connect) -> bool:
    """False when there was nothing to do. Raises StageError when it has fewer pairs than were wanted: what is there
    is kept. It is written as a smaller corpus only where the same command would not go on."""
    craft, place = prepared.craft, prepared.craft.place
    if is_done(prepared):
        return False
    with prepared.stage.opened(lambda: is_done(prepared), place.log) as record:
        if record is None:
            return False
        record["seeds"] = prepared.seeds
        journal = Journal(place.answers, place.requests, craft.teacher)
        for where in journal.damaged:
            print(f"  {where}: cannot be read; if it was an answer, it is asked for again", flush=True)
        decisions = Decisions(place.decisions, _filters(prepared), craft.n)
        budget = Budget(craft.teacher, craft.craft.max_usd, craft.craft.max_tokens, journal.spent)
        tally = Tally(craft.lang, craft.n, is_priced=craft.teacher.is_priced)
        try:
            with interruption.looked_for():
                gathered = asyncio.run(_gather(prepared, connect, journal, decisions, budget, tally))
            _write_rejected(place, decisions)
            if decisions.is_complete or (decisions.kept and not gathered.gave_up):
                _write_corpus(place, decisions, record)
        finally:
            record |= _said(craft, journal, decisions, budget)
        if not decisions.is_complete:
            raise StageError(_why(prepared, gathered, decisions))
    return True


async def _gather(
    prepared: Prepared, connect: Connect, journal: Journal, decisions: Decisions, budget: Budget, tally: Tally
) -> Gathered:
    craft, teacher = prepared.craft, prepared.craft.teacher
    with shown(tally) as live:
        async with connect(teacher) as endpoint:
            patience = Patience(endpoint, teacher, budget, journal, craft.seed)
            items = Items(craft, prepared.templates, journal, patience, prepared.content)

            def tick() -> None:
                tally.kept, tally.rejected = len(decisions.kept), Counter(map(str, decisions.counts().elements()))
                tally.retries, tally.answers, tally.cost = journal.causes, len(journal), budget.spent
                if tally.kept_before is None and patience.has_asked:
                    tally.kept_before = tally.kept
                live.update()

            gathering = Gathering(prepared.candidates, items, decisions, patience, teacher.concurrency, tick)
            try:
                return await gathering.run()
            finally:
                await journal.close()
                tick()


def _filters(prepared: Prepared) -> CorpusFilters:
    return CorpusFilters(prepared.craft, prepared.content, prepared.problems, others(prepared))


def _write_rejected(place: Crafted, decisions: Decisions) -> None:
    left_out = (
        {**_row(pair), "reason": r.reason, "evidence": r.evidence, "other": r.other, "score": r.score}
        for pair, r in decisions.rejected
    )
    runs.write_whole(place.rejected, (json.dumps(row, ensure_ascii=False) + "\n" for row in left_out))


def _write_corpus(place: Crafted, decisions: Decisions, record: dict[str, Any]) -> None:
    """The record knows it before it is there, and what was there before it: a process that is killed in between leaves
    one or the other."""
    kept = [{**_row(p), **({"validated": said} if said else {})} for p, said in decisions.kept]
    corpus = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
    record["written"] = (record.get("written") or {}) | {_sha256(corpus.encode()): len(kept)}
    runs.write_record(place.record, {**record, "status": "running"})
    runs.write_whole(place.corpus, corpus)


def _row(pair: Pair) -> dict[str, Any]:
    return {"id": pair.id, "instruction": pair.instruction, "response": pair.response, "lang": pair.lang, **pair.more}


def _said(craft: Craft, journal: Journal, decisions: Decisions, budget: Budget) -> dict[str, Any]:
    spent = budget.spent
    return {
        "n": craft.n,
        "base_url": craft.teacher.base_url,
        "counts": {
            "kept": len(decisions.kept),
            "rejected": {str(k): v for k, v in sorted(decisions.counts().items())},
            "answers": len(journal),
            "failed_requests": dict(sorted(journal.causes.items())),
        },
        "tokens": {"in": spent.tokens_in, "out": spent.tokens_out},
        "usd": round(spent.usd, 6) if craft.teacher.is_priced else None,
        "leaks": "looked for" if craft.against else "not looked for",
    }


def _why(prepared: Prepared, gathered: Gathered, decisions: Decisions) -> str:
    place, kept, n = prepared.craft.place, len(decisions.kept), prepared.craft.n
    there = f"{kept:,} of {n:,} pairs are kept"
    if gathered.gave_up:
        first, count = gathered.gave_up[0], len(gathered.gave_up)
        return (
            f"{count} item{'s' if count > 1 else ''} got no answer; the first: {first}. {there}. The same command "
            f"asks again; should an item fail each time, give craft.skip=[{str(first).split(',')[0]}]"
        )
    there += f", in {place.corpus}" if kept else ""
    if gathered.exhausted is not None:
        return f"{gathered.exhausted}. {there}. To go on, run the same command with a larger budget"
    return (
        f"all {len(prepared.candidates):,} candidates are used up. {there}. Give seeds= with more Python, or read "
        f"{place.rejected} for why so many are left out"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
