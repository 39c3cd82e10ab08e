"""HumanEval in the seven languages of the CodeM paper, as one benchmark: HumanEval-X, and the TypeScript and C sets.

Each language keeps its own count (164, TypeScript 161), as in the paper's tables. Statistics that compare languages
pair answers by task: all seven have 161 tasks in common as published, 160 with the errata.
"""

from __future__ import annotations

import dataclasses
from types import ModuleType

from codem.benchmark_data import HOME, Source
from codem.benchmarks import humaneval_c, humaneval_typescript, humaneval_x
from codem.knob import knob
from codem.records import Problem

LANGUAGES = ("python", "javascript", "typescript", "c", "cpp", "java", "go")
ERRATA = "humaneval"
SETS: dict[str, ModuleType] = {"typescript": humaneval_typescript, "c": humaneval_c}
"""The others are in HumanEval-X."""
VERSION = ".".join(module.VERSION for module in (humaneval_x, humaneval_typescript, humaneval_c))


@dataclasses.dataclass(frozen=True)
class Config:
    home: str = HOME
    """The pattern of the files' addresses, for a mirror."""
    n: int | None = knob(None, least=1)
    """Only the first n problems of each language, for a quick look."""


def problems(lang: str, config: Config, source: Source) -> list[Problem]:
    if lang not in LANGUAGES:
        raise ValueError(f"humaneval-multi has no problems in {lang!r}; it has {', '.join(LANGUAGES)}")
    module = SETS.get(lang, humaneval_x)
    found = module.problems(lang, module.Config(home=config.home, n=config.n), source)
    return [dataclasses.replace(p, id=_renamed(p.id), task=_renamed(p.task)) for p in found]


def _renamed(name: str) -> str:
    return f"humaneval-multi/{name.partition('/')[2]}"
