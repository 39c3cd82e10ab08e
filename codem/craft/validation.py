"""Keep a pair only if its code passes tests that the teacher wrote for it (craft.validate=tests; not in the paper).

The tests are as little to be trusted as the answer. They count if they have the form that was asked for, compare
something, and fail once the tested function is made hollow (`stubs.py`): tests that also pass then test nothing. Both
programs are judged as answers to a benchmark are, in the sandbox.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from codem.corpus.pair import Pair
from codem.craft import stubs
from codem.cutting.fences import parts, without_marks
from codem.cutting.syntax import Code, broken, walk
from codem.errors import StageError
from codem.judge import judge, probe
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.sandbox import HarnessError, Sandbox

LONGEST = 20_000
"""Characters of tests that are read: what is longer was not asked for."""
TAIL = 400
"""Characters of a program's output that are kept as evidence."""
COMPARES = {
    "python": r"^assert\b",
    "javascript": r"\bassert\s*[.(]|\bthrow\b",
    "typescript": r"\bassert\s*[.(]|\bthrow\b",
    "c": r"\bassert\s*\(",
    "cpp": r"\bassert\s*\(",
    "java": r"\bassert\b|\bthrow\b",
    "go": r"\.\s*(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\bassert\.",
    "rust": r"\bassert(?:_eq|_ne)?!|\bpanic!",
}
"""How tests say no."""
FORM = {
    "java": r"\bclass\s+Main\b",
    "go": r"^func\s+Test\w*\s*\(\s*\w+\s+\*testing\.T\s*\)",
    "c": r"\bmain\s*\(",
    "cpp": r"\bmain\s*\(",
    "rust": r"\bmod\s+tests\b",
}
"""What the judge starts, where it does not start at the top."""
COMMENT = {"python": r"#[^\n]*"}
C_COMMENT = r"//[^\n]*|/\*.*?\*/"


@dataclass(frozen=True)
class Validation:
    """What came of one pair."""

    passed: bool
    outcome: str
    """`passed`, or why not: `no_tests` (no tests in the form that was asked for), `no_function` (they call no function
    of the answer), `tests_nothing` (a hollow answer passes too), else what the judge said of the answer's program:
    `wrong`, `compile_error`, `runtime_error`, `timeout`, ..."""
    seconds: float = 0.0
    """Wall time of the answer's run; 0 where nothing ran."""
    evidence: str = ""
    tests: str = ""
    """As they were judged; empty where there are none."""


def config_error(facts: LanguageFacts) -> str | None:
    """Why pairs of this language cannot be validated by tests, before anything is asked; None: they can be."""
    if facts.executable and facts.name in COMPARES:
        return None
    why = "nothing runs it" if not facts.executable else "it has no form of tests"
    return f"craft.validate: expected a language whose programs can be tested, found {facts.name} ({why}); use none"


class Validator:
    """Judges pairs of one language with the tests that came with them."""

    def __init__(self, facts: LanguageFacts, sandbox: Sandbox, workers: int = 1):
        self.facts, self.sandbox, self.workers = facts, sandbox, workers

    def judge(self, answered: Sequence[tuple[Pair, str]]) -> list[Validation]:
        """One for each pair and the teacher's answer to the request for its tests, in their order.

        Raises StageError when judging cannot be trusted here: then nothing is said of any pair.
        """
        made = [_case(pair, text, self.facts.name, f"{n}") for n, (pair, text) in enumerate(answered)]
        cases = [case for case in made if isinstance(case, _Case)]
        try:
            verdicts = self._verdicts(cases)
        except HarnessError as error:
            raise StageError(
                f"{self.facts.name}: tests cannot be judged here ({error}); nothing was decided. "
                f"See python -m codem.doctor, then run the same command again"
            ) from error
        return [_validation(case, verdicts) if isinstance(case, _Case) else case for case in made]

    def _verdicts(self, cases: Sequence[_Case]) -> dict[tuple[str, int], Verdict | str]:
        """By problem and sample; the judge's complaint where it cannot read a case's tests."""
        if not cases:
            return {}
        items = [(c.problem, Sample(c.problem.id, n, text, "eos")) for c in cases for n, text in enumerate(c.answers)]
        found: list[Verdict] = []
        try:
            judge(items, self.facts, workers=self.workers, sandbox=self.sandbox, on_verdicts=found.extend)
        except HarnessError as error:
            if len(cases) > 1:
                half = len(cases) // 2
                return {**self._verdicts(cases[:half]), **self._verdicts(cases[half:])}
            if probe(self.facts, self.sandbox)["right"].outcome is not Outcome.PASSED:
                raise
            return {(cases[0].problem.id, 0): str(error)}  # judging works: these tests are what it cannot take
        if any(v.outcome is Outcome.HARNESS_ERROR for v in found):
            raise HarnessError(next(v.output_tail for v in found if v.outcome is Outcome.HARNESS_ERROR))
        return {(v.problem, v.sample): v for v in found}


@dataclass(frozen=True)
class _Case:
    problem: Problem
    answers: tuple[str, str]
    """As it came, and hollow."""


def _case(pair: Pair, text: str, lang: str, number: str) -> _Case | Validation:
    tests = _code(text, lang)
    if fault := _fault(tests, lang):
        return Validation(False, "no_tests", evidence=fault, tests=tests[:LONGEST])
    plain = _uncommented(tests, lang)
    for part in parts(without_marks(pair.response)):
        tested = [
            (found.start(), function)
            for function in stubs.functions(lang, part.text)
            if (found := re.search(rf"(?<!\w){re.escape(function.name)}\s*(?:<[^<>()]*>\s*)?\(", plain))
            and function.name != "main"
        ]
        if tested:
            _, function = min(tested, key=lambda each: each[0])
            problem = Problem(
                id=number,
                task=number,
                lang=lang,
                description=pair.instruction,
                signature=f"{function.header.rstrip()}{' {' if lang in ('c', 'cpp') else ''}\n",
                entry_point=function.name,
                prelude=_includes(part.text) if lang in ("c", "cpp") else "",
                tests=tests,
                reference="",
                style="program",
            )
            return _Case(problem, (pair.response, f"```{lang}\n{function.hollow}\n```\n"))
    return Validation(False, "no_function", evidence="the tests call no function that the answer defines", tests=tests)


def _code(text: str, lang: str) -> str:
    """What is fenced in the teacher's answer, else all of it."""
    found = parts(without_marks(text))
    fenced = [part.text for part in found if part.fenced]
    code = "\n".join(fenced) if fenced else text
    return re.sub(r"^[ \t]*package\s+[\w.]+[ \t]*;?[ \t]*$", "", code, flags=re.M) if lang in ("go", "java") else code


def _fault(tests: str, lang: str) -> str:
    """What keeps this from being tests in the form that was asked for; empty: nothing."""
    if not tests.strip():
        return "no tests"
    if len(tests) > LONGEST:
        return f"{len(tests)} characters of tests, expected {LONGEST} at most"
    if "\0" in tests or not tests.isprintable() and tests.encode("utf-8", "ignore").decode() != tests:
        return "the tests hold what no source file can"
    if lang == "python":
        try:
            ast.parse(tests)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return f"the tests do not parse: {error}"
    code = Code(lang, tests)
    if lang not in ("python", "rust") and broken(code.root):
        at = next((n.start_point[0] + 1 for n in walk(code.root) if n.is_error or n.is_missing), 0)
        return f"the tests do not parse (line {at})"
    plain = _uncommented(tests, lang)
    if lang in FORM and not re.search(FORM[lang], plain, re.M):
        return f"expected {FORM[lang]} in the tests, found none"
    return "" if re.search(COMPARES[lang], plain, re.M) else "the tests compare nothing"


def _uncommented(tests: str, lang: str) -> str:
    return re.sub(COMMENT.get(lang, C_COMMENT), " ", tests, flags=re.S)


def _includes(code: str) -> str:
    """What the tests need to know of the types in the function's header."""
    return "\n".join(re.findall(r"^[ \t]*(?:#[ \t]*include\b[^\n]*|using namespace \w+;)", code, re.M)) + "\n"


def _validation(case: _Case, verdicts: dict[tuple[str, int], Verdict | str]) -> Validation:
    own, tests = verdicts[case.problem.id, 0], case.problem.tests
    if isinstance(own, str):
        return Validation(False, "no_tests", evidence=f"the judge cannot take these tests: {own[-TAIL:]}", tests=tests)
    if own.outcome is not Outcome.PASSED:
        return Validation(False, str(own.outcome), own.seconds, _said(own), tests)
    hollow = verdicts[case.problem.id, 1]
    assert isinstance(hollow, Verdict)
    if hollow.outcome is Outcome.PASSED:
        said = f"they pass although {case.problem.entry_point} is hollow"
        return Validation(False, "tests_nothing", own.seconds, said, tests)
    if hollow.outcome is Outcome.COMPILE_ERROR:
        said = f"whether they test anything is not proved: {case.problem.entry_point} made hollow does not compile"
        return Validation(True, "passed", own.seconds, said, tests)
    return Validation(True, "passed", own.seconds, f"{case.problem.entry_point} made hollow: {hollow.outcome}", tests)


def _said(verdict: Verdict) -> str:
    """The end of what was printed, without the places in node's own files."""
    return re.sub(r"^    at [^\n]*\n?", "", verdict.output_tail, flags=re.M).strip()[-TAIL:]
