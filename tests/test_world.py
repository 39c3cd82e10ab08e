"""The embedded world: the same text always, no benchmark problem in the corpora, and tests that tell answers apart."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys

import pytest

from codem.benchmarks import mini
from codem.world import corpora, render
from codem.world.cases import CASES, cases, rivals
from codem.world.families import FAMILIES
from codem.world.fillings import NUMBER_NAMES, TEXT_NAMES, benchmark_fillings, reserved_params
from codem.world.html import PAGES
from codem.world.mutants import mutants
from codem.world.spec import Undefined, evaluate
from codem.world.syntax import LANGUAGES

DOCUMENTS = 6_000


def fingerprint() -> str:
    digest = hashlib.sha256()
    for document in itertools.islice(corpora.pretraining_documents(0), 500):
        digest.update(document.encode())
    for lang in corpora.CORPUS_LANGUAGES:
        digest.update(repr(corpora.instructions(lang, 0)[:200]).encode())
    for lang in mini.LANGUAGES:
        digest.update(repr(mini.problems(lang, mini.Config())).encode())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return list(itertools.islice(corpora.pretraining_documents(0), DOCUMENTS))


def test_the_same_text_in_every_process() -> None:
    command = "from tests.test_world import fingerprint; print(fingerprint())"
    prints = {fingerprint()}
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", command],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        prints.add(run.stdout.strip())
    assert len(prints) == 1


def test_another_seed_gives_another_corpus() -> None:
    for texts in (corpora.pretraining_documents, lambda seed: corpora.instructions("go", seed)):
        first, second = (list(itertools.islice(texts(seed), 50)) for seed in (0, 1))
        assert first != second


@pytest.mark.parametrize("lang", mini.LANGUAGES)
def test_problems_are_the_same_tasks_in_every_language(lang: str) -> None:
    problems = mini.problems(lang, mini.Config())
    assert 48 <= len(problems) <= 60
    assert [p.id for p in problems] == [f"mini/{lang}/{n}" for n in range(len(problems))]
    assert [p.task for p in problems] == [f"mini/{n}" for n in range(len(problems))]
    other = mini.problems("python", mini.Config())
    assert [p.description for p in problems] == [p.description for p in other]
    for problem in problems:
        assert problem.signature.endswith("\n") and problem.reference.endswith("\n")
        assert problem.entry_point + "(" in problem.signature
        assert problem.tests.count("codem_check(") == CASES
        assert "".join((problem.prelude, problem.signature, problem.reference, problem.tests)).isascii()


def test_mini_names_what_it_has_when_asked_for_another_language() -> None:
    with pytest.raises(ValueError, match="html.*python"):
        mini.problems("html", mini.Config())


@pytest.mark.parametrize("filling", benchmark_fillings(), ids=lambda f: f"{f.family.name}{f.params}")
def test_wrong_answers_fail(filling) -> None:
    """Every rival and every slip that is wrong anywhere nearby is caught by the chosen cases."""
    right, chosen = filling.function(), cases(filling)
    assert all(evaluate(right, values) == expected for values, expected in chosen)
    assert len(set(chosen)) == CASES
    assert len({expected for _, expected in chosen}) > 1
    for wrong in (*rivals(filling), *mutants(right)):
        assert not agree(wrong, chosen) or equivalent(wrong, right, filling.family.takes), wrong


def agree(function, chosen) -> bool:
    try:
        return all(evaluate(function, values) == expected for values, expected in chosen)
    except Undefined:
        return False


def equivalent(a, b, takes: tuple[str, ...]) -> bool:
    """No input of a small dense grid tells them apart: two ways to write one function."""
    values = {
        "int": range(-45, 60),
        "nat": range(130),
        "positive": range(1, 130),
        "small": range(13),
        "text": ["", "a", "b", "ab", "ba", "aab", "bbaa", "x" * 9, "x" * 15],
    }
    grid = itertools.product(*(values[domain][:: 7 if len(takes) == 3 else 1] for domain in takes))
    return all(evaluate(a, point) == evaluate(b, point) for point in grid)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_python_references_pass_and_every_family_is_in_every_language(lang: str) -> None:
    responses = [item["response"] for item in corpora.instructions(lang, 0)]
    for family in FAMILIES:
        names = [render.name_in(name, lang) + "(" for name in family.names]
        assert any(name in response for name in names for response in responses), family.name
    if lang == "python":
        for problem in mini.problems(lang, mini.Config()):
            checks: list[bool] = []
            program = problem.prelude + problem.signature + problem.reference + problem.tests
            exec(program, {"codem_check": checks.append})
            assert checks == [True] * CASES, problem.id


@pytest.mark.parametrize("lang", corpora.CORPUS_LANGUAGES)
def test_instructions_are_unique_ascii_and_apart_from_the_benchmark(lang: str) -> None:
    items = corpora.instructions(lang, 0)
    assert len(items) == corpora.INSTRUCTIONS
    assert len({item["id"] for item in items}) == len({item["instruction"] for item in items}) == len(items)
    assert all(item["instruction"].isascii() and item["response"].isascii() for item in items)
    if lang == "html":
        assert {kind.name for kind in PAGES} > corpora.visible(lang)
        return
    with_signature = sum(item["response"].split("\n")[0] in item["instruction"] for item in items)
    assert 0.4 < with_signature / len(items) < 0.6
    texts = "\0".join(item["instruction"] + item["response"] for item in items)
    assert_no_problem_in(texts, lang)


def assert_no_problem_in(texts: str, lang: str) -> None:
    for problem in mini.problems(lang, mini.Config()):
        assert problem.signature not in texts, problem.id
    for filling in benchmark_fillings():
        if not filling.params:
            continue
        for args in {names[: len(filling.args)] for names in (*NUMBER_NAMES, *TEXT_NAMES)}:
            for wording in filling.family.wordings:
                if len(args) < len(filling.args):
                    continue
                described = filling.family.describe(wording, args, filling.params)
                assert described not in texts, described


def test_raw_documents_are_apart_from_the_benchmark(documents: list[str]) -> None:
    assert all(document.isascii() for document in documents)
    texts = "\0".join(documents)
    for lang in mini.LANGUAGES:
        assert_no_problem_in(texts, lang)


def test_constants_of_the_benchmark_are_reserved() -> None:
    for family in FAMILIES:
        assert family.params == () or len(reserved_params(family.name)) in (1, 2)


def test_a_language_shows_part_of_the_families_and_every_family_shows_somewhere(documents: list[str]) -> None:
    for lang in LANGUAGES:
        assert len(corpora.visible(lang)) / len(FAMILIES) == pytest.approx(corpora.VISIBLE, abs=0.02)
    counts = {f.name: sum(f.name in corpora.visible(lang) for lang in LANGUAGES) for f in FAMILIES}
    assert min(counts.values()) >= 2 and max(counts.values()) <= len(LANGUAGES)
    hidden_from_go = [f for f in FAMILIES if f.name not in corpora.visible("go")]
    go = [document for document in documents if "\nfunc " in document]
    names = {render.name_in(name, "go") for f in hidden_from_go for name in f.names}
    shown = {render.name_in(name, "go") for f in FAMILIES if f.name in corpora.visible("go") for name in f.names}
    assert not any(f"func {name}(" in document for name in names - shown for document in go)


def test_names_and_wordings_of_families_do_not_collide() -> None:
    for field in ("names", "wordings"):
        everything = [value for family in FAMILIES for value in getattr(family, field)]
        assert len(everything) == len(set(everything)), field
