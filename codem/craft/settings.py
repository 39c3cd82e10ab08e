"""What one corpus to craft is: frozen, typed, and free of Hydra."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from codem.benchmark_data import Source
from codem.knob import knob
from codem.language_facts import LanguageFacts
from codem.run import Crafted
from codem.sandbox import KINDS as SANDBOXES
from codem.settings import Base


@dataclass(frozen=True)
class Teacher:
    name: str
    model: str
    base_url: str
    key_env: str | None
    """The name of the environment variable with the key; null: the endpoint asks for none."""
    temperature: float | None = knob(0.7, least=0)
    """None: it is not sent, as some models want no other than their own."""
    max_tokens: int = knob(2048, least=1)
    """Of one answer."""
    limit_field: str = knob("max_tokens", choices=("max_tokens", "max_completion_tokens"))
    """What the endpoint calls that limit."""
    concurrency: int = knob(16, least=1)
    requests_per_minute: float | None = knob(None, above=0)
    timeout_s: float = knob(180.0, above=0)
    """Of a whole request, whatever trickles in meanwhile."""
    retries: int = knob(6, least=0)
    backoff_s: float = knob(1.0, least=0)
    """Before the first retry; doubles each time."""
    max_wait_s: float = knob(120.0, least=0)
    patience_s: float = knob(3600.0, least=0)
    """An endpoint that asks for a longer pause ends the run."""
    stream: bool = False
    usd_per_million_input: float | None = knob(None, least=0)
    usd_per_million_output: float | None = knob(None, least=0)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_priced(self) -> bool:
        return self.usd_per_million_input is not None and self.usd_per_million_output is not None

    def usd(self, tokens_in: int, tokens_out: int) -> float:
        """0 where no price is stated."""
        return ((self.usd_per_million_input or 0) * tokens_in + (self.usd_per_million_output or 0) * tokens_out) / 1e6


@dataclass(frozen=True)
class Crafting:
    operations: tuple[str, ...] | None = None
    prompts: str | None = None
    validate: str = knob("none", choices=("none", "tests"))
    compile: bool = True
    max_usd: float | None = knob(None, above=0)
    max_tokens: int | None = knob(None, least=1)
    min_response_tokens: int = knob(8, least=0)
    max_response_tokens: int = knob(1024, least=1)
    max_pair_tokens: int = knob(2048, least=1)
    """Of instruction and response together."""
    near_duplicate: float = knob(0.75, above=0, most=1)
    skip: tuple[str, ...] = ()
    """Ids of items that are not asked for: those on which an endpoint fails each time."""


@dataclass(frozen=True)
class Craft:
    """One corpus in one language."""

    lang: str
    facts: LanguageFacts
    n: int
    seeds: str
    """A file, a glob or a hub data set id."""
    place: Crafted
    seed: int
    tokenizer: Base | None
    """Whose tokens lengths are in; None: words and signs."""
    against: tuple[str, ...]
    source: Source
    workers: int
    sandbox: str = knob("auto", choices=SANDBOXES)
    teacher: Teacher = field(kw_only=True)
    craft: Crafting = field(kw_only=True)
