"""The benchmark `mini`: the embedded world's problems, the same tasks in seven languages.

It needs no download and no licence. Its descriptions and tests come from the same trees as its references, so
they agree by construction; the test cases are chosen so that neighbouring wrong answers fail.
"""

from __future__ import annotations

from dataclasses import dataclass

from codem.benchmark_data import Source
from codem.records import Problem
from codem.world import render
from codem.world.cases import cases
from codem.world.fillings import Filling, benchmark_fillings
from codem.world.syntax import LANGUAGES as SYNTAX

VERSION = "1"
LANGUAGES = tuple(SYNTAX)
RUN_CPU_S = 1.0
"""A reference takes a millisecond."""


@dataclass(frozen=True)
class Config:
    n: int = 52
    """Only the first n tasks, for a quick look."""


def problems(lang: str, config: Config, source: Source | None = None) -> list[Problem]:
    """source: not needed, nothing is fetched."""
    if lang not in LANGUAGES:
        raise ValueError(f"mini has no problems in {lang!r}; it has {', '.join(LANGUAGES)}")
    return [_problem(n, filling, lang) for n, filling in enumerate(benchmark_fillings()[: config.n])]


def _problem(n: int, filling: Filling, lang: str) -> Problem:
    function = filling.function()
    return Problem(
        id=f"mini/{lang}/{n}",
        task=f"mini/{n}",
        lang=lang,
        description=filling.description(),
        signature=render.signature(function, lang),
        entry_point=render.name_in(function.name, lang),
        prelude=_prelude(filling, lang),
        tests="".join(render.test(function, lang, values, expected) for values, expected in cases(filling)),
        reference=render.body(function, lang),
        run_cpu_s=RUN_CPU_S,
    )


def _prelude(filling: Filling, lang: str) -> str:
    """Headers cost build time, so a C++ problem gets `<string>` only where a text occurs."""
    if lang == "c":
        return "#include <stdbool.h>\n#include <stdlib.h>\n#include <string.h>\n"
    if lang == "cpp":
        has_text = "text" in (*filling.family.takes, filling.family.returns)
        return f"#include <{'string' if has_text else 'cstdlib'}>\nusing namespace std;\n"
    return ""
