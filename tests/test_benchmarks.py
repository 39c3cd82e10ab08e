"""Published benchmarks: what their loaders make of the real files."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from codem import plugins
from codem.benchmark_data import Source
from codem.benchmarks import humaneval_multi, humaneval_x
from codem.records import Problem

COUNTS = {
    "humaneval-x": dict.fromkeys(humaneval_x.LANGUAGES, 164),
    "humaneval-typescript": {"typescript": 161},
    "humaneval-c": {"c": 164},
    "humaneval-multi": {**dict.fromkeys(humaneval_multi.LANGUAGES, 164), "typescript": 161},
}
EACH = [(bench, lang) for bench, counts in COUNTS.items() if bench != "humaneval-multi" for lang in counts]
GIVEN = {
    "python": {10: "is_palindrome", 32: "poly", 38: "encode_cyclic", 50: "encode_shift"},
    "javascript": {10: "isPalindrome", 32: "poly", 38: "encodeCyclic", 50: "encodeShift"},
    "cpp": {10: "is_palindrome", 22: "list_any", 32: "poly", 38: "encode_cyclic", 50: "encode_shift"},
    "java": {10: "isPalindrome", 32: "poly", 38: "encodeCyclic", 50: "encodeShift"},
    "go": {10: "IsPalindrome", 32: "Poly", 38: "EncodeCyclic", 50: "EncodeShift"},
    "rust": {10: "is_palindrome_10", 32: "poly", 38: "encode_cyclic", 50: "encode_shift", 137: "RtnType"},
}
PRELUDE = {
    "python": r"import math\n",
    "javascript": r"(?:const |\Z)",
    "typescript": r"\Z",
    "c": r"#include <\w+\.h>\n",
    "cpp": r"#include<\w+",
    "java": r"import java\.",
    "go": r"import \(\n",
    "rust": r"use std::",
}


@functools.cache
def loaded(data_dir: Path, bench: str, lang: str) -> list[Problem]:
    module = plugins.load("benchmarks", bench)
    return module.problems(lang, module.Config(), Source(data_dir, Path("/nonexistent")))


def number(problem: Problem) -> int:
    return int(problem.id.rpartition("/")[2])


@pytest.mark.parametrize("bench", COUNTS)
def test_counts_and_names(data_dir, bench):
    tasks: dict[str, set[str]] = {}
    for lang, count in COUNTS[bench].items():
        problems = loaded(data_dir, bench, lang)
        assert [p.id for p in problems] == [f"{bench}/{lang}/{number(p)}" for p in problems]
        assert [p.task for p in problems] == [f"{bench}/{number(p)}" for p in problems]
        assert [number(p) for p in problems] == sorted({number(p) for p in problems})
        assert (len(problems), {p.lang for p in problems}, {p.style for p in problems}) == (count, {lang}, {"program"})
        tasks[lang] = {p.task for p in problems}
    assert list(COUNTS[bench]) == list(plugins.load("benchmarks", bench).LANGUAGES)
    everywhere = set.union(*tasks.values())
    missing = {lang: {int(t.rpartition("/")[2]) for t in everywhere - has} for lang, has in tasks.items()}
    assert missing == {lang: {32, 38, 50} if lang == "typescript" and len(tasks) > 1 else set() for lang in tasks}


@pytest.mark.parametrize(("bench", "lang"), EACH)
def test_every_part_is_what_it_says(data_dir, bench, lang):
    for p in loaded(data_dir, bench, lang):
        assert re.search(rf"\b{p.entry_point}\b", p.signature), p.id
        assert re.search(rf"\b{p.entry_point}\b", p.tests) or p.id == "humaneval-c/c/69", p.id
        assert p.signature == p.signature.strip() + "\n" and p.signature.count("\n") == 1, p.id
        assert p.signature.endswith(":\n" if lang == "python" else "{\n"), p.id
        for mark in ('"""', "'''", "/*", "*/", "//", ">>>"):
            assert mark not in p.signature, p.id
        assert len(p.description) > 20 and p.description == p.description.strip(), p.id
        prose = p.description.partition("This is given:")[0]
        assert re.match(r"\w|\(", prose) and not re.search(r"\*/|/\*|^ *\* \w", prose.partition("onstraints")[0]), p.id
        assert "expert TypeScript programmer" not in p.description
        assert re.match(PRELUDE[lang], p.prelude), (p.id, p.prelude)
        assert p.prelude == "" or (p.prelude.endswith("\n") and not p.prelude.endswith("\n\n")), p.id
        assert p.reference.strip() and p.reference.endswith("\n"), p.id


@pytest.mark.parametrize(("bench", "lang"), EACH)
def test_signature_and_reference_make_whole_functions(data_dir, bench, lang):
    for p in loaded(data_dir, bench, lang):
        whole = p.signature + p.reference
        if lang == "python":
            names = [node.name for node in ast.parse(whole).body if isinstance(node, ast.FunctionDef)]
            assert names[0] == p.entry_point
            ast.parse(p.prelude + whole + p.tests)
        else:
            quoted = r"'(?:\\.|[^'\\\n])'" if lang == "rust" else r"'(?:\\.|[^'\\\n])*'"
            code = re.sub(rf"\"(?:\\.|[^\"\\\n])*\"|{quoted}|//[^\n]*", "", whole)
            assert code.count("{") == code.count("}"), p.id
            assert re.search(r"[})\]];?\s*\Z", code), p.id


@pytest.mark.parametrize("lang", GIVEN)
def test_what_a_prompt_defines_is_supplied_and_shown(data_dir, lang):
    """A model sees description and signature alone; the judge puts the prelude before what it writes."""
    shown = {number(p) for p in loaded(data_dir, "humaneval-x", lang) if "This is given:" in p.description}
    assert shown == set(GIVEN[lang])
    for p in loaded(data_dir, "humaneval-x", lang):
        name = GIVEN[lang].get(number(p))
        if name is not None:
            _, given = p.description.split("This is given:\n\n")
            assert re.search(rf"\b{name}\b", given) and given.strip() in p.prelude
            assert not re.search(rf"\bfn {name}\b|\bdef {name}\b", p.reference)


def test_examples_stay_in_the_description(data_dir):
    shown = {(lang, number(p)): p.description for bench, lang in EACH for p in loaded(data_dir, bench, lang)}
    assert ">>> has_close_elements([1.0, 2.0, 3.0], 0.5)\nFalse\n" in shown["python", 0]
    assert shown["c", 0] == shown["python", 0]
    assert "\n    Input:\n        grid : [[0,0,1,0]" in shown["python", 115]
    assert shown["python", 142].startswith("This function will take a list")
    assert ">>> HasCloseElements([]float64{1.0, 2.0, 3.0}, 0.5)\nfalse\n" in shown["go", 0]
    assert sum("encodes the string where `encode` is not 0" in text for text in shown.values()) == 2


def test_go_tests_import_what_they_use(data_dir):
    """Go refuses an import that is not used, and one that is missing."""
    for p in loaded(data_dir, "humaneval-x", "go"):
        head, body = p.tests.split("\n)\n", 1)
        names = {path.rpartition("/")[2] for path in re.findall(r'"([^"]+)"', head)}
        assert names == {name for name in [*names, "math", "strings", "sort", "time", "strconv"] if f"{name}." in body}
        assert {"math", "strings", "sort", "strconv"} <= set(re.findall(r'"([\w/]+)"', p.prelude)), p.id


def test_c_has_no_name_of_the_library(data_dir):
    problems = loaded(data_dir, "humaneval-c", "c")
    assert [p.entry_point for p in problems if number(p) == 23] == ["strlen_c"]
    assert not any("func0" in p.signature + p.reference + p.tests for p in problems)


def test_only_the_first(data_dir):
    module = plugins.load("benchmarks", "humaneval-multi")
    source = Source(data_dir, Path("/nonexistent"))
    for lang in humaneval_multi.LANGUAGES:
        first = module.problems(lang, module.Config(n=3), source)
        assert first == loaded(data_dir, "humaneval-multi", lang)[:3]


def test_another_language_is_refused(data_dir):
    for bench in COUNTS:
        module = plugins.load("benchmarks", bench)
        with pytest.raises(ValueError, match="no problems in 'html'; it has "):
            module.problems("html", module.Config(), Source(data_dir, Path("/nonexistent")))
