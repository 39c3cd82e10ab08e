"""What one cell of the grid is: frozen, typed, and free of Hydra."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codem.benchmark_data import Source
from codem.corpus.load import MAX_BAD_SHARE, MAX_CHARACTERS
from codem.knob import knob
from codem.language_facts import LanguageFacts
from codem.launchers import Launcher
from codem.model_shape import Shape


@dataclass(frozen=True)
class Base:
    path: str | None
    """A hub id or a folder; None: the embedded model, built by codem/tiny.py."""
    name: str | None = None
    """What its folder under runs/ is called; derived from the path when not given."""
    revision: str | None = None
    """Branch, tag or commit of a hub id."""
    shape: Shape | None = None
    """For a plan without the model's files. None: as its config.json says, where that is here."""
    trained_in: str | None = knob(None, choices=("fp16", "bf16", "fp32"))
    """The precision of its pre-training. None: the one that its config.json names."""


@dataclass(frozen=True)
class Corpus:
    source: str
    """`mini`, a folder, a file, a glob, or a hub data set id."""
    size: int | None = knob(None, least=1)
    """Items of one training run, whatever the mixture. None: as many as its languages have on average."""
    weights: dict[str, float] | None = field(default=None, hash=False)
    """Language of a mixture -> how many parts of it are its own; one that is not named has 1. None: equal shares."""
    max_bad_share: float = knob(MAX_BAD_SHARE, least=0, most=1)
    """Of a language's rows, how many may have no instruction and response; they are listed. More, and the run fails."""
    max_characters: int = knob(MAX_CHARACTERS, least=1)
    """Instruction and response together; a longer row counts as bad."""


@dataclass(frozen=True)
class Decode:
    name: str
    max_tokens: int = knob(512, least=1)
    temperature: float = knob(0.0, least=0)
    """0: the likeliest token, always."""
    top_p: float = knob(1.0, above=0)
    """Tokens are drawn from the smallest set that has this share of the probability."""
    samples: int = knob(1, least=1)
    """Answers per problem."""
    stop: tuple[str, ...] = ()
    """Generation ends where one of these appears: nothing of the program can come after it."""
    at_function_end: bool = True
    """Generation also ends where the wanted function does, as the language's facts tell."""
    other_template: bool = False
    """Declares that the model was trained with another prompt template than it is now prompted with."""


@dataclass(frozen=True)
class DeepSpeed:
    name: str
    config: dict[str, Any]
    """DeepSpeed's own configuration; batch sizes, clipping and precision come from the method."""


@dataclass(frozen=True)
class Launch:
    dry_run: bool = False
    """Print what would be done, and what it would need and cost; do none of it."""
    allow_dirty: bool = False
    """Submit code that is in no commit: the jobs run the commit with the differences as a patch, which is kept."""


@dataclass(frozen=True)
class Shard:
    """One part of the answers of an evaluation, to be judged by a process of its own."""

    number: int
    """From 1."""
    count: int

    def __str__(self) -> str:
        return f"{self.number}of{self.count}"


@dataclass(frozen=True)
class Cell:
    """One row of the matrix: what is trained, and what it is scored on."""

    base: Base
    lang: tuple[str, ...]
    """What it is trained on: names of conf/lang/ files, sorted. `("none",)`: nothing."""
    parts: tuple[str, ...]
    """The languages whose corpora that means; empty for the base itself."""
    method_name: str
    method: Any
    """codem/methods/<name>.py's own Config."""
    bench_name: str
    bench: Any
    """codem/benchmarks/<name>.py's own Config."""
    decode: Decode
    engine_name: str
    engine: Any
    """codem/engines/<name>.py's own Config."""
    deepspeed: DeepSpeed
    launcher: Launcher
    launch: Launch
    corpus: Corpus
    eval_lang: tuple[str, ...]
    """What it is scored on, in the order of the benchmark."""
    languages: dict[str, LanguageFacts]
    """The facts of every language there is."""
    seed: int
    runs: Path
    source: Source
    """Where the benchmark's files come from, and where what is fetched or made once is kept."""
    errata: bool
    """Broken items of a benchmark are repaired or left out; False: judged as published."""
    cache: bool
    """Verdicts are looked up, and kept, in the cache folder."""
    shard: Shard | None
    workers: int
    sandbox: str
    tracker: str
    """Where training curves are shown besides metrics.jsonl; `none`: nowhere."""
    repeat: int
    """Generate this many times, and measure how far the answers differ."""

    @property
    def trains(self) -> bool:
        return bool(self.parts)

    @property
    def train_name(self) -> str:
        return "+".join(self.lang)


NOT_IDENTITY = (
    *("launcher", "launch", "runs", "source", "cache", "shard", "workers", "sandbox", "eval_lang", "tracker", "repeat"),
    "errata",  # judged under a name of its own
)
"""Fields of a cell that say where and how it runs, or which of its results are wanted: changing one never makes
another result. (The sandbox is part of a judgement's own recipe, not of the model's.)"""
