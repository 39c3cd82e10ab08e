"""Pairs that are kept because their code passes tests: the verdicts, and the tests that test nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import teacher_texts as texts
from crafting import craft, rows

from codem import config, plugins
from codem.corpus.pair import Pair
from codem.craft import stubs
from codem.craft.validation import Validation, Validator, config_error
from codem.errors import StageError
from codem.sandbox import HarnessError, Sandbox, open_sandbox

SQUARE = {
    "python": "def square(n):\n    return n * n\n",
    "javascript": "const square = (n) => n * n;\n",
    "typescript": "export function square(n: number): number {\n  return n * n;\n}\n",
    "go": "package main\n\nfunc square(n int) int {\n\treturn n * n\n}\n",
    "c": "static int square(int n) {\n    return n * n;\n}\n",
    "cpp": "int square(int n) {\n    return n * n;\n}\n",
    "java": "public class Squares {\n    static int square(int n) {\n        return n * n;\n    }\n}\n",
    "rust": "pub fn square(n: i32) -> i32 {\n    n * n\n}\n",
}
TESTS = {
    "python": ("assert {c}\n", "square(3) == 9", "square(0) != 1", "square(2) == 5"),
    "javascript": (
        'const assert = require("node:assert");\nassert({c});\n',
        "square(3) === 9",
        "square(0) !== 1",
        "square(2) === 5",
    ),
    "typescript": (
        'import assert from "node:assert";\nassert.ok({c});\n',
        "square(3) === 9",
        "square(0) !== 1",
        "square(2) === 5",
    ),
    "go": (
        'import "testing"\n\nfunc TestSquare(t *testing.T) {\n\tif !({c}) {\n\t\tt.Fatal("square")\n\t}\n}\n',
        "square(3) == 9",
        "square(0) == 0",
        "square(2) == 5",
    ),
    "c": (
        "#include <assert.h>\nint main(void) {\n    assert({c});\n    return 0;\n}\n",
        "square(3) == 9",
        "square(0) == 0",
        "square(2) == 5",
    ),
    "java": (
        "class Main {\n    public static void main(String[] args) {\n        Solution s = new Solution();\n"
        "        if (!({c})) throw new AssertionError();\n    }\n}\n",
        "s.square(3) == 9",
        "s.square(0) == 0",
        "s.square(2) == 5",
    ),
    "rust": (
        "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn t() {\n        assert!({c});\n    }\n}\n",
        "square(3) == 9",
        "square(0) == 0",
        "square(2) == 5",
    ),
}
"""The program, a claim that tells a hollow function from a right one, one that does not, and one that is wrong."""
TESTS["cpp"] = TESTS["c"]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return open_sandbox("auto")


@pytest.fixture(scope="module")
def facts():
    return config.cells([])[0].languages


def needs(lang: str) -> None:
    tools = plugins.load("languages", lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())


def pair(lang: str, code: str) -> Pair:
    return Pair("p", f"Write `square` in {lang}.", f"Here it is:\n\n```{lang}\n{code}```\n\nIt multiplies.", lang)


def judged(lang: str, facts, sandbox, *items: tuple[str, str]) -> list[Validation]:
    """items: (code, tests)"""
    asked = [(pair(lang, code), f"```{lang}\n{tests}```") for code, tests in items]
    return Validator(facts[lang], sandbox, 2).judge(asked)


@pytest.mark.parametrize("lang", sorted(SQUARE))
def test_only_code_that_passes_tests_which_test_something_is_kept(lang, facts, sandbox):
    needs(lang)
    form, telling, idle, wrong = TESTS[lang]
    programs = [form.replace("{c}", claim) for claim in (telling, idle, wrong)]
    nothing = "\n".join(line for line in form.split("\n") if "{c}" not in line)
    wrong_code = SQUARE[lang].replace("n * n", "n + n")
    items = [(SQUARE[lang], p) for p in programs] + [(wrong_code, programs[0]), (SQUARE[lang], nothing)]
    found = judged(lang, facts, sandbox, *items)
    assert [v.outcome for v in found] == ["passed", "tests_nothing", "wrong", "wrong", "no_tests"]
    assert [v.passed for v in found] == [True, False, False, False, False]
    assert found[0].seconds > 0
    assert telling in found[0].tests


@pytest.mark.parametrize("lang", sorted(texts.FORMS))
def test_the_scripted_teachers_tests_are_what_it_says(lang, facts, sandbox):
    needs(lang)
    name = texts.project(3_333_333)
    answered = Pair(name, texts.instruction(name, lang), texts.answer(name, lang), lang)
    asked = [(answered, texts.tests(name, lang, kind)) for kind in ("good", "wrong", "vacuous")]
    found = Validator(facts[lang], sandbox, 2).judge(asked)
    assert [v.outcome for v in found] == ["passed", "wrong", "no_tests"], [v.evidence for v in found]


ALWAYS = "class Always:\n    def __eq__(self, other):\n        return True\n\n"
ASSERT = "assert square(3) == 9\n"


@pytest.mark.parametrize(
    ("code", "tests", "outcome"),
    [
        (SQUARE["python"], "def square(n):\n    return n * n\n" + ASSERT, "tests_nothing"),
        (SQUARE["python"], "assert square(4) == square(4)\n", "tests_nothing"),
        (SQUARE["python"], "# assert square(3) == 9\nsquare(3)\n", "no_tests"),
        (SQUARE["python"], "assert square(3 == 9\n", "no_tests"),
        (SQUARE["python"], "", "no_tests"),
        (SQUARE["python"], "assert " + "(" * 5000 + "square(1)" + ")" * 5000 + "\n", "no_tests"),
        (SQUARE["python"], "assert square('\ud800') == 9\n", "no_tests"),
        (SQUARE["python"], ASSERT * 2000, "no_tests"),
        (SQUARE["python"], "assert cube(3) == 27\n", "no_function"),
        (SQUARE["python"], "import pytest\nassert square(3) == 9\n", "runtime_error"),
        ("import os\n\ndef square(n):\n    os._exit(0)\n", ASSERT, "runtime_error"),
        ("def square(n):\n    while True:\n        pass\n", ASSERT, "timeout"),
        ("def square(n) return n * n\n", ASSERT, "no_function"),
        (ALWAYS + "def square(n):\n    return Always()\n", ASSERT, "wrong"),
    ],
)  # fmt: skip
def test_what_tries_to_get_through_does_not(code, tests, outcome, facts, sandbox):
    quick = replace(facts["python"], limits=replace(facts["python"].limits, run_cpu_s=1.5))
    [found] = judged("python", {"python": quick}, sandbox, (code, tests))
    assert (found.outcome, found.passed) == (outcome, False), found.evidence


@pytest.mark.parametrize(
    ("lang", "tests"),
    [("rust", "fn tests() { assert!(square(3) == 9); }\n"), ("typescript", "assert.ok(square(3) === = 9);\n")],
)
def test_tests_that_the_judge_cannot_take_cost_their_own_pair_alone(lang, tests, facts, sandbox):
    needs(lang)
    form, telling, *_ = TESTS[lang]
    good = form.replace("{c}", telling)
    found = judged(lang, facts, sandbox, (SQUARE[lang], good), (SQUARE[lang], tests), (SQUARE[lang], good))
    assert [v.outcome for v in found] == ["passed", "no_tests", "passed"]


def test_a_sandbox_that_breaks_is_held_against_no_pair(facts, monkeypatch, sandbox):
    def breaks(*args, **kwargs):
        raise HarnessError("the disk is full")

    monkeypatch.setattr("codem.judge.run_all", breaks)
    with pytest.raises(StageError, match=r"nothing was decided[\s\S]*doctor"):
        judged("python", facts, sandbox, (SQUARE["python"], ASSERT), (SQUARE["python"], ASSERT))


def test_languages_without_a_runtime_are_refused_before_anything_is_asked(facts):
    assert "html" in (config_error(facts["html"]) or "")
    assert [lang for lang in SQUARE if config_error(facts[lang])] == []
    assert config_error(replace(facts["go"], name="cobol")) is not None


def test_the_hollow_function_gives_what_is_zero_in_its_type():
    go = "package main\n\nfunc both(n int) (int, error) {\n\treturn n, nil\n}\n\nfunc Say() {\n\tprintln(1)\n}\n"
    both, say = stubs.functions("go", go)
    assert "func both(n int) (codem_0 int, codem_1 error) { return }" in both.hollow
    assert "func Say() { }" in say.hollow and "return n, nil" in say.hollow
    [text] = stubs.functions("c", "const char *name(int n) {\n    return 0;\n}\n")
    assert "const char *name(int n) { static char *codem_zero; return codem_zero; }" in text.hollow
    method, inner = "class A:\n    def f(self):\n        return 1\n\n", "    def g():\n        return 2\n"
    python = f"{method}@cache\ndef f(n):\n{inner}    return g()\n"
    [outer] = stubs.functions("python", python)
    assert outer.hollow.endswith("def f(n):\n    return None\n")


def test_prompts_are_there_for_every_language_that_can_be_validated():
    files = {p.stem: p.read_text() for p in (Path(stubs.__file__).parent / "prompts" / "tests").glob("*.txt")}
    assert set(files) == set(SQUARE)
    for text in files.values():
        assert all(hole in text for hole in ("{language}", "{instruction}", "{response}"))


@pytest.mark.e2e
def test_a_corpus_of_pairs_that_pass_their_tests(tmp_path, seeds, service):
    """By the service's own account of which tests were wrong or tested nothing."""
    needs("go")
    teacher = service("--faults", "429_bare,cut,500")
    arguments = ("lang=go", "n=60", "against=[]", "craft.validate=tests")
    code, said = craft(tmp_path, teacher.url, seeds, *arguments).wait()
    assert code == 0, said
    folder = tmp_path / "corpora" / "crafted"
    kept = {row["id"] for row in rows(folder / "go.jsonl")}
    assert len(kept) == 60
    left_out = {row["id"]: row for row in rows(folder / "go" / "rejected.jsonl")}
    did = {row["key"]: row for row in teacher.answered()}
    seen = []
    for answer in rows(folder / "go" / "answers.jsonl"):
        gave = did[answer["response"].removeprefix("chatcmpl-")] if answer["response"] else {}
        if answer["step"] == "tests" and gave["content"] in ("wrong", "vacuous", "no_code"):
            assert answer["item"] not in kept
            if answer["item"] in left_out:
                seen.append((gave["content"], left_out[answer["item"]]["reason"]))
    reasons = {"wrong": "tests_failed", "vacuous": "bad_answer", "no_code": "bad_answer"}
    assert seen and all(reasons[content] == reason for content, reason in seen), seen
    for row in rows(folder / "go" / "decisions.jsonl"):
        assert "validated" in row or row["item"] in left_out


@pytest.mark.e2e
def test_pages_cannot_be_validated_and_that_is_said_before_anything_is_asked(tmp_path, seeds, service):
    teacher = service()
    code, said = craft(tmp_path, teacher.url, seeds, "lang=html", "n=5", "against=[]", "craft.validate=tests").wait()
    assert code == 2 and "craft.validate" in said and "html" in said, said
    assert teacher.asked() == []
