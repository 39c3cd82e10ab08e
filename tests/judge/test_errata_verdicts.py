"""What the errata do to verdicts: right answers that published tests refuse, empty ones that they let through."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge_help import facts

from codem import errata, plugins
from codem.benchmark_data import Source
from codem.judge import judge
from codem.records import Problem, Sample

NOTHING = {
    38: "}\n",
    50: "}\n",
    58: "    *out_size = 0;\n    return 0;\n}\n",
    69: "    return 0;\n}\n",
    129: "    *returnSize = 0;\n    return 0;\n}\n",
}


def published(data_dir: Path, bench: str, lang: str, numbers: list[int]) -> list[Problem]:
    module = plugins.load("benchmarks", bench)
    problems = module.problems(lang, module.Config(), Source(data_dir, Path("/nonexistent")))
    return [p for p in problems if int(p.id.rpartition("/")[2]) in numbers]


def outcomes(sandbox, lang: str, answers: list[tuple[Problem, str]]) -> list[str]:
    tools = plugins.load("languages", lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())
    found: list = []
    items = [(problem, Sample(problem.id, i, text, "eos")) for i, (problem, text) in enumerate(answers)]
    judge(items, facts(lang), workers=2, sandbox=sandbox, on_verdicts=found.extend)
    return [v.outcome for v in sorted(found, key=lambda v: v.sample)]


def test_answers_that_do_nothing(sandbox, data_dir):
    before = published(data_dir, "humaneval-c", "c", list(NOTHING))
    after = errata.applied(before, "humaneval")
    empty = list(NOTHING.values())
    answers = [*zip(before, empty, strict=True), *zip(after, empty, strict=True), *((p, p.reference) for p in after)]
    assert outcomes(sandbox, "c", answers) == ["passed"] * 5 + ["wrong"] * 5 + ["passed"] * 5


@pytest.mark.parametrize(
    ("bench", "lang", "n"), [("humaneval-x", "go", 50), ("humaneval-typescript", "typescript", 92)]
)
def test_a_right_answer_that_is_refused(sandbox, data_dir, bench, lang, n):
    before = published(data_dir, bench, lang, [n])
    after = errata.applied(before, "humaneval")
    answers = [(before[0], after[0].reference), (after[0], after[0].reference)]
    assert outcomes(sandbox, lang, answers) == ["wrong", "passed"]
