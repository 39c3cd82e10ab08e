"""Build many C or C++ programs: the tests once, the answers together where that cannot matter, else each alone.

What decides is `c_text.shareable`, the compiler's own word on names that the headers have too, and then the outcome:
an answer that does not come through among others is built alone, and only that result counts. `build` of one program
is always the plain way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import Limits
from codem.languages._c import text as c_text
from codem.languages._c import units as c_units
from codem.languages._c.harness import HARNESS
from codem.languages._c.share import ROUNDS, blamed, together
from codem.languages._c.shop import Dialect, Job, Shop, toolchain_of
from codem.languages._c.units import Source
from codem.records import Outcome
from codem.runtime import STOPPED, Built, Program
from codem.sandbox import HarnessError, Sandbox


def build_in(
    dialect: Dialect, programs: Sequence[Program], folder: Path, sandbox: Sandbox, limits: Limits
) -> list[Built]:
    if not programs:
        return []
    shop = Shop(dialect, toolchain_of(dialect), folder, sandbox, limits)
    sources = [Source.of(i, p.files, dialect.is_cpp) for i, p in enumerate(programs)]
    runner, number_of = _tests(shop, sources)
    done: dict[int, Built] = {}
    if len(programs) > 1:
        together(shop, programs, [s for s in sources if number_of[s.number] >= 0], runner, number_of, done)
    _alone(shop, programs, [s for s in sources if s.number not in done], runner, number_of, done)
    return [done[i] for i in range(len(programs))]


def _tests(shop: Shop, sources: list[Source]) -> tuple[Path, list[int]]:
    """The program that runs the tests, and for each answer the number of its tests in it: -1 if they do not compile
    without the answer."""
    first: dict[tuple[str, str, str, c_units.Interface], Source] = {}
    same = []
    for s in sources:
        same.append(first.setdefault((s.whole_prelude, s.tests, s.style, s.face), s).number)
    wanted = [s for s in sources if same[s.number] == s.number]
    place = shop.place()
    harness = place / "harness.c"
    harness.write_text(HARNESS, encoding="utf-8")
    jobs = [Job(f"{_c_compiler(shop)} -O1 -w -c {harness} -o {place}/harness.o")]
    odd = [s for s in wanted if _has_directives(s)] if len(wanted) > 1 else []
    units = [[s for s in wanted if s not in odd], *([s] for s in odd)]
    good: list[tuple[Path, list[Source]]] = []
    for round_ in range(ROUNDS):
        tries = []
        for unit in filter(None, units):
            source = shop.place() / f"tests.{shop.dialect.extension}"
            source.write_text(c_units.tests_together(unit), encoding="utf-8", errors="replace")
            # an exception of the answer ends the program in any case; without the code for it this takes less time
            quick = "-fno-exceptions" if shop.dialect.is_cpp and len(unit) > 1 else ""
            tries.append(
                (unit, source, Job(shop.compiler(quick, "-c", source, "-o", source.with_suffix(".o")), len(unit)))
            )
        shop.run([*(jobs if round_ == 0 else []), *(job for _, _, job in tries)])
        units = []
        for unit, source, job in tries:
            source.unlink()  # no answer may include it
            if job.code == 0:
                good.append((source.with_suffix(".o"), unit))
            elif len(unit) > 1:
                guilty, _ = blamed(job.said)
                out = [s for s in unit if s.number in guilty] or unit
                units += [[s for s in unit if s not in out], *([s] for s in out)]
    if jobs[0].code != 0:
        raise HarnessError(f"{shop.dialect.compiler}: expected the harness to compile, found: {jobs[0].said[-600:]}")
    table = [s.number for _, unit in good for s in unit]
    listing = place / "table.c"
    listing.write_text(
        "".join(f"void codem_tests_{n}(void (*)(void));\n" for n in table)
        + "void (*const codem_tests[])(void (*)(void)) = {\n"
        + "".join(f"codem_tests_{n},\n" for n in table)
        + "0};\n",
        encoding="utf-8",
    )
    runner = place / "run"
    tool = shop.tools.paths[shop.dialect.compiler]
    objects = " ".join(str(path) for path, _ in good)
    jobs = [
        Job(f"{_c_compiler(shop)} -w -c {listing} -o {place}/table.o"),
        Job(f"{tool} -s {place}/harness.o {place}/table.o {objects} -o {runner} {' '.join(shop.linking)} -ldl"),
    ]
    shop.run(jobs)
    if any(job.code != 0 for job in jobs):
        raise HarnessError(f"expected the tests to link, found: {jobs[1].said[-600:] or jobs[0].said[-600:]}")
    at = {number: i for i, number in enumerate(table)}
    return runner, [at.get(number, -1) for number in same]


def _c_compiler(shop: Shop) -> str:
    return f"{shop.tools.paths[shop.dialect.compiler]} -x c"


def _has_directives(source: Source) -> bool:
    text = c_text.without_includes(source.whole_prelude) + c_text.without_includes(source.tests)
    return bool(re.search(r"^[ \t]*#(?![ \t]*undef[ \t]+NDEBUG\b)", c_text.masked(text), re.M))


def _alone(
    shop: Shop,
    programs: Sequence[Program],
    sources: list[Source],
    runner: Path,
    number_of: list[int],
    done: dict[int, Built],
) -> None:
    second = []
    for s, job, out in _singles(shop, programs, [(s, c_units.alone(s)) for s in sources if number_of[s.number] >= 0]):
        if job.code == 0:
            done[s.number] = _single(programs[s.number].key, out, runner, number_of[s.number])
        else:
            done[s.number] = Built(programs[s.number].key, failure=Outcome.COMPILE_ERROR, message=_message(job))
            if "codem-door" in job.said and (text := c_units.plain(s)):
                second.append((s, text))
    for s in sources:
        if number_of[s.number] < 0:
            text = c_units.plain(s)
            why = "its tests do not compile without it, and it is not one that may share their translation unit"
            done[s.number] = Built(programs[s.number].key, failure=Outcome.COMPILE_ERROR, message=why)
            second += [(s, text)] if text else []
    for s, job, out in _singles(shop, programs, second):
        if job.code == 0:
            done[s.number] = _single(programs[s.number].key, out, runner, -1)
        elif number_of[s.number] < 0:
            done[s.number] = Built(programs[s.number].key, failure=Outcome.COMPILE_ERROR, message=_message(job))


def _singles(
    shop: Shop, programs: Sequence[Program], texts: list[tuple[Source, str]]
) -> list[tuple[Source, Job, Path]]:
    made = []
    for s, text in texts:
        place, out = shop.place(), shop.place()
        (place / "prelude.h").write_text(s.prelude, encoding="utf-8", errors="replace")
        (place / f"answer.{shop.dialect.extension}").write_text(s.answer, encoding="utf-8", errors="replace")
        source = place / f"program.{shop.dialect.extension}"
        source.write_text(text, encoding="utf-8", errors="replace")
        made.append((s, shop.shared(source, out / "answer.so"), out))
    shop.run([job for _, job, _ in made])
    return made


def _single(key: str, out: Path, runner: Path, number: int) -> Built:
    (out / "run").hardlink_to(runner)
    return Built(key, (f"{out}/run", f"{out}/answer.so", "codem_entry", str(number)), out)


def _message(job: Job) -> str:
    why = f"{STOPPED} ({job.code})\n" if job.code in (124, 137) else ""
    return why + job.said[-4000:]
