"""Many answers in C or C++ in one translation unit, as far as that cannot matter to any of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from codem.languages._c import text as c_text
from codem.languages._c import units as c_units
from codem.languages._c import words as c_words
from codem.languages._c.shop import Job, Shop
from codem.languages._c.units import Source
from codem.runtime import Built, Program
from codem.sandbox import HarnessError

ROUNDS = 4
"""How often a unit is tried again without the answers that did not compile; the rest is then built one by one."""
_BLAMED = re.compile(r"codem-m(\d+)-|codem_(?:a|entry_|tests_|t|call_)(\d+)")
_KNOWN = re.compile(r"codem-names-(\w+)")
_header_cache: dict[tuple[str, ...], frozenset[str]] = {}
"""The words of the headers, by compiler and flags: the same for every batch of a run."""


def together(
    shop: Shop,
    programs: Sequence[Program],
    sources: list[Source],
    runner: Path,
    number_of: list[int],
    done: dict[int, Built],
) -> None:
    """Those whose headers are the same in one unit: an answer must not find what another one included."""
    groups: dict[frozenset[str], list[Source]] = {}
    known = _header_words(shop) if shop.dialect.is_cpp else frozenset()
    names: dict[int, tuple[str, ...]] = {}
    for s in sources:
        headers = frozenset(c_text.includes(s.prelude) + c_text.includes(s.answer))
        own, given = c_text.shareable(s.answer, s.is_cpp), c_text.shareable(s.prelude, s.is_cpp)
        if own is None or given is None or not headers <= c_words.STANDARD or s.face.entry not in own:
            continue
        names[s.number] = tuple(dict.fromkeys((*given, *own)))
        if shop.dialect.is_cpp and _needs_no_more(s, headers, known - set(own) - set(given)):
            headers = frozenset(c_words.GIVES)
        groups.setdefault(headers, []).append(s)
    units = list(groups.values())
    for _ in range(ROUNDS):
        tries = []
        for unit in (unit for unit in units if len(unit) > 1):
            source, out = shop.place() / f"group.{shop.dialect.extension}", shop.place()
            source.write_text(c_units.together(unit, names), encoding="utf-8", errors="replace")
            tries.append(
                (unit, out, shop.shared(source, out / "answer.so", "-fno-diagnostics-show-caret", count=len(unit)))
            )
        if not tries:
            return
        shop.run([job for _, _, job in tries])
        units = []
        for unit, out, job in tries:
            if job.code == 0:
                (out / "run").hardlink_to(runner)
                for s in unit:
                    command = (f"{out}/run", f"{out}/answer.so", f"codem_entry_{s.number}", str(number_of[s.number]))
                    done[s.number] = Built(programs[s.number].key, command, out)
                continue
            guilty, known_names = blamed(job.said)
            left = [s for s in unit if s.number not in guilty and not known_names.intersection(names[s.number])]
            if len(left) < len(unit):
                units.append(left)


def _header_words(shop: Shop) -> frozenset[str]:
    """Every word in the text of the headers of `c_words.GIVES`, macros included."""
    key = (*shop.tools.paths.values(), *shop.dialect.flags)
    if key not in _header_cache:
        place = shop.place()
        source, target = place / "headers.cpp", place / "headers.i"
        source.write_text("".join(f"#include <{name}>\n" for name in c_words.GIVES))
        job = Job(shop.compiler("-E", "-P", "-dD", source, "-o", target))
        shop.run([job])
        if job.code != 0:
            raise HarnessError(f"{shop.dialect.compiler}: expected the standard headers, found: {job.said[-600:]}")
        words = re.findall(r"[A-Za-z_]\w*", target.read_text(errors="replace"))
        _header_cache[key] = frozenset(words)
    return _header_cache[key]


def _needs_no_more(source: Source, headers: frozenset[str], known: frozenset[str]) -> bool:
    """Whether all that a program may take from headers comes whole from those that it names: then it means the same
    among programs with more of them, and need not be kept apart from those."""
    if not headers <= c_words.GIVES.keys():
        return False
    given = {word for name in headers for word in c_words.GIVES[name].split()}
    words = c_text.free_words(source.prelude + source.answer)
    return not (words & known) - given


def blamed(said: str) -> tuple[set[int], set[str]]:
    """The programs, by number, and the names that the compiler's or the linker's errors are about."""
    numbers: set[int] = set()
    names: set[str] = set()
    for line in said.split("\n"):
        if "error:" in line or "required from" in line or "undefined reference" in line or "in function" in line:
            numbers.update(int(match[1] or match[2]) for match in _BLAMED.finditer(line))
            names.update(_KNOWN.findall(line))
    return numbers, names
