"""The problems of the benchmarks that a corpus must not hold, in all the languages that they have."""

from __future__ import annotations

from collections.abc import Sequence

from codem import plugins
from codem.benchmark_data import BadData, Source
from codem.errors import ConfigErrors
from codem.records import Problem


def problems(names: Sequence[str], source: Source) -> list[Problem]:
    """All problems of the named benchmarks.

    Errata are not applied: what was published is what may have leaked. Raises ConfigErrors with every benchmark that
    does not exist and every file that is missing.
    """
    found: list[Problem] = []
    errors = []
    have = [stem.replace("_", "-") for stem in plugins.names("benchmarks")]
    for name in dict.fromkeys(names):
        if name not in have:
            errors.append(f"benchmark {name}: there is no such one; {plugins.suggest(name, have)}")
            continue
        benchmark = plugins.load("benchmarks", name)
        for lang in benchmark.LANGUAGES:
            try:
                found += benchmark.problems(lang, benchmark.Config(), source)
            except BadData as e:
                errors.append(f"benchmark {name}, {lang}: {e}")
    if errors:
        raise ConfigErrors(errors)
    return found
