"""Errata: every entry fits the published data, repairs what the judge uses, and never what a model is shown."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import random
from collections import Counter
from pathlib import Path

import pytest
import yaml

from codem import errata, plugins
from codem.benchmark_data import Source
from codem.benchmarks import humaneval_c, humaneval_multi, humaneval_typescript, humaneval_x, mini
from codem.errata import StaleErratum
from codem.records import Problem

SETS = {"humaneval-x": humaneval_x, "humaneval-c": humaneval_c, "humaneval-typescript": humaneval_typescript}


@functools.cache
def published(data_dir: Path, bench: str, lang: str) -> list[Problem]:
    module = plugins.load("benchmarks", bench)
    return module.problems(lang, module.Config(), Source(data_dir, Path("/nonexistent")))


def item(problems: list[Problem], n: int) -> Problem:
    (found,) = (p for p in problems if p.id.endswith(f"/{n}"))
    return found


def test_every_entry_is_about_an_item_that_exists(data_dir):
    for entry in errata.entries("humaneval"):
        assert item(published(data_dir, entry.set, entry.lang), entry.n)
        assert datetime.date.fromisoformat(entry.found)
        assert len(entry.reason) > 20 and not entry.reason.endswith(".")


@pytest.mark.parametrize(("bench", "lang"), [(name, lang) for name in SETS for lang in SETS[name].LANGUAGES])
def test_what_changes_is_what_the_file_says(data_dir, bench, lang):
    before = published(data_dir, bench, lang)
    after = {p.id: p for p in errata.applied(before, SETS[bench])}
    effects = {}
    for p in before:
        if p.id not in after:
            effects[p.id] = "left out"
            continue
        new = after[p.id]
        shown = ("id", "task", "lang", "description", "signature", "entry_point", "style")
        assert all(getattr(p, field) == getattr(new, field) for field in shown)
        if (p.tests, p.prelude) != (new.tests, new.prelude):
            effects[p.id] = "repaired"
        elif p.reference != new.reference:
            effects[p.id] = "reference"
    stated = [entry for entry in errata.entries("humaneval") if (entry.set, entry.lang) == (bench, lang)]
    assert effects == {f"{bench}/{lang}/{entry.n}": entry.effect for entry in stated}
    for p in before:
        known = errata.for_problem("humaneval", p)
        assert (known.effect if known else None) == effects.get(p.id)


def test_how_much_is_left_out_and_repaired():
    found = Counter((entry.lang, entry.effect) for entry in errata.entries("humaneval") if entry.effect != "reference")
    assert found == {
        ("python", "repaired"): 3,
        ("javascript", "repaired"): 4,
        ("cpp", "repaired"): 1,
        ("go", "repaired"): 3,
        ("rust", "repaired"): 5,
        ("typescript", "repaired"): 1,
        ("c", "repaired"): 5,
        ("c", "left out"): 1,
    }


def test_the_seven_languages_share_the_entries(data_dir):
    tasks = []
    for lang in humaneval_multi.LANGUAGES:
        bench = {"c": "humaneval-c", "typescript": "humaneval-typescript"}.get(lang, "humaneval-x")
        mine = errata.applied(published(data_dir, "humaneval-multi", lang), humaneval_multi)
        theirs = errata.applied(published(data_dir, bench, lang), SETS[bench])
        assert [dataclasses.replace(p, id="", task="") for p in mine] == [
            dataclasses.replace(p, id="", task="") for p in theirs
        ]
        tasks.append({p.task for p in mine})
    assert len(set.intersection(*tasks)) == 160


@pytest.mark.parametrize("n", [38, 50, 53])
def test_python_tests_are_the_same_every_time(data_dir, n):
    """As published, one answer to these can get two verdicts."""
    original = item(published(data_dir, "humaneval-x", "python"), n)
    (repaired,) = errata.applied([original], "humaneval")

    def asked(problem: Problem, seed: int) -> list:
        seen: list = []
        random.seed(seed)
        name = problem.entry_point
        watched = f"\nright = {name}\ndef {name}(*a):\n    seen.append(a)\n    return right(*a)\n"
        exec(problem.prelude + problem.signature + problem.reference + watched + problem.tests, {"seen": seen})
        return seen

    assert asked(original, 1) != asked(original, 2)
    assert asked(repaired, 1) == asked(repaired, 2)
    assert len(set(asked(repaired, 1))) >= 100


def test_a_benchmark_without_errata():
    problems = mini.problems("python", mini.Config(n=2))
    assert errata.applied(problems, mini) == problems


def test_other_data_is_refused_with_all_that_does_not_fit(data_dir):
    problems = published(data_dir, "humaneval-x", "javascript")
    changed = [dataclasses.replace(p, tests=p.tests.replace("Math.random", "Math.random_")) for p in problems]
    with pytest.raises(StaleErratum) as error:
        errata.applied(changed, humaneval_x)
    for n in (32, 38, 50, 53):
        line = (
            f"humaneval-x/javascript/{n}: expected 'Math.random()' in its tests, which an erratum repairs; found none"
        )
        assert line in str(error.value)


ENTRY = {"set": "s", "lang": "python", "n": 0, "found": datetime.date(2026, 11, 21), "reason": "it is broken"}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a file of errata and gives back its name."""
    monkeypatch.setattr(errata, "FOLDER", tmp_path)

    def write(*rows: dict) -> str:
        name = f"errata{len(list(tmp_path.iterdir()))}-{tmp_path.name}"
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(list(rows)))
        return name

    return write


def test_each_kind_of_entry(written):
    one, two, three = mini.problems("python", mini.Config(n=3))
    name = written(
        {**ENTRY, "tests": [{"old": "codem_check", "new": "check"}], "reference": "    pass\n"},
        {**ENTRY, "n": 1, "drop": True},
    )
    first, last = errata.applied([one, two, three], name)
    assert last == three
    assert first == dataclasses.replace(one, tests=one.tests.replace("codem_check", "check"), reference="    pass\n")
    assert [entry.effect for entry in errata.entries(name)] == ["repaired", "left out"]
    assert errata.for_problem(name, three) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"n": 0, "drop": True}], "entry 1: cannot be used .*set"),
        ([ENTRY], "expected either drop or a replacement"),
        ([{**ENTRY, "drop": True, "tests": "x"}], "expected either drop or a replacement"),
        ([{**ENTRY, "test": "x"}], r"unknown keys \['test'\]"),
        ([{**ENTRY, "tests": [{"old": "x"}]}], "entry 1: cannot be used .*new"),
        ([{**ENTRY, "drop": True}, {**ENTRY, "tests": "x"}], "two entries for python/0"),
    ],
)
def test_a_broken_file_says_where(written, rows, said):
    with pytest.raises(StaleErratum, match=said):
        errata.applied(mini.problems("python", mini.Config(n=1)), written(*rows))
