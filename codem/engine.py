"""What an engine is: something that continues prompts with a model. codem/engines/<e>.py has one each.

An engine's file has two things:

    Config                                           a frozen dataclass: the settings `engine.*`
    load(folder, revision, decode, config) -> Engine  the model of a folder or hub id, ready to answer
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codem.records import Sample

Key = tuple[str, int]
"""Problem and sample: what names one answer among all."""


class Stopper(Protocol):
    """When an answer is complete; codem/stopping.py has it."""

    def ended(self, text: str) -> bool:
        """text: all that was written so far for one prompt."""
        ...


@dataclass(frozen=True)
class Request:
    """One answer that is wanted."""

    problem: str
    sample: int
    prompt: str
    """Ends where the answer begins, be it inside a token."""
    stopper: Stopper
    seed: int = 0
    """Of the run."""

    @property
    def key(self) -> Key:
        return self.problem, self.sample

    @property
    def draw_seed(self) -> int:
        """63 bits from which everything random in this answer comes. It depends on the run's seed, the problem and the
        sample alone, so neither the other answers of a batch nor an interruption can change what is drawn."""
        digest = hashlib.sha256(f"{self.seed}#{self.problem}#{self.sample}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1


class Engine(Protocol):
    def describe(self) -> dict[str, Any]:
        """What the record keeps: name, version, dtype, device, the limits of a batch, and `batch_invariant`: whether
        an answer is the same whatever other answers share its batch."""
        ...

    def complete(self, requests: Sequence[Request], have: Collection[Key] = ()) -> Iterator[list[Sample]]:
        """The answers as they come, in any order. have: answers that an earlier run has made; they are not given
        again, but `requests` names them too, so that batches can be laid out as that run did.

        Raises StageError when a prompt leaves no room in the model's context.
        """
        ...
