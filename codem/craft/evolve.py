"""Which items are asked for, in which order: every seed, evolved by every operation, one operation per round.

The order depends on the seeds, the operations and the run's seed alone. So the first n that are accepted are the same
however fast the answers came, and asking for more later only adds to them.

In-depth evolution: WizardLM [Xu et al., 2023], for code WizardCoder [Luo et al., 2023]; section 2.1 of the paper.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from codem.corpus.pair import Pair
from codem.craft.templates import Templates

INSTRUCTION, RESPONSE, TESTS = "instruction", "response", "tests"
"""The steps of an item: a request to the teacher each."""


@dataclass(frozen=True)
class Candidate:
    """An item that may come to be in the corpus."""

    id: str
    """The same seed, operation and prompts give the same id, for every teacher."""
    seed: Pair
    operation: str
    round: int
    """From 1: how often the seed was used before, and once more."""


def candidates(seeds: Sequence[Pair], lang: str, templates: Templates, seed: int) -> list[Candidate]:
    """All there can be, in the order in which they are asked for: len(seeds) * len(operations).

    In a round each seed meets one operation; which one, and the order of the seeds, is drawn for each round.
    """
    turns = {s.id: _shuffled(sorted(templates.evolve), f"{seed}/{lang}/operations/{s.id}") for s in seeds}
    ordered = sorted(seeds, key=lambda s: s.id)
    made = []
    for number in range(len(templates.evolve)):
        for s in _shuffled(ordered, f"{seed}/{lang}/round/{number}"):
            operation = turns[s.id][number]
            made.append(Candidate(_id(s, lang, operation, number + 1, templates), s, operation, number + 1))
    return made


def evolving(candidate: Candidate, language: str, templates: Templates) -> str:
    """The prompt that asks for a new instruction. language: as the prompt spells it."""
    template = templates.evolve[candidate.operation]
    return template.filled(language=language, instruction=candidate.seed.instruction, response=candidate.seed.response)


def _id(s: Pair, lang: str, operation: str, number: int, templates: Templates) -> str:
    """Twenty hex digits. The seed counts by its text: a file's rows may move."""
    parts = [
        lang,
        s.id,
        s.instruction,
        s.response,
        operation,
        number,
        templates.evolve[operation].sha256,
        templates.response.sha256,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def _shuffled(values: Sequence, seed: str) -> list:
    drawn = list(values)
    random.Random(seed).shuffle(drawn)
    return drawn
