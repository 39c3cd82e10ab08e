"""Every answer of the corpus gets the verdict that its program must get, and its program is what it should be."""

from __future__ import annotations

from collections import Counter

import pytest
from corpus_format import answers
from judge_help import facts

from codem import plugins
from codem.cut import cut
from codem.judge import judge
from codem.records import Sample, Verdict

LANGUAGES = ("python", "javascript", "typescript", "c", "cpp", "java", "go", "rust")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_program_is_what_the_answer_means(lang):
    wrong = []
    for answer in answers(lang):
        program = cut(answer.problem, answer.text)
        wrong += [f"{answer.place} {answer.title}: lacks {text!r}" for text in answer.has if text not in program]
        wrong += [f"{answer.place} {answer.title}: holds {text!r}" for text in answer.lacks if text in program]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_answer_gets_its_verdict(sandbox, lang):
    tools = plugins.load("languages", lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())
    corpus = answers(lang)
    found: list[Verdict] = []
    items = [(a.problem, Sample(a.problem.id, i, a.text, "eos")) for i, a in enumerate(corpus)]
    judge(items, facts(lang), workers=2, sandbox=sandbox, on_verdicts=found.extend)
    verdicts = {v.sample: v for v in found}
    wrong = [
        f"{a.place} {a.title}: expected {a.outcome}, found {verdicts[i].outcome}\n    {verdicts[i].output_tail[-300:]}"
        for i, a in enumerate(corpus)
        if verdicts[i].outcome is not a.outcome
    ]
    assert not wrong, f"{len(wrong)} of {len(corpus)}\n" + "\n".join(wrong)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_corpus_is_wide(lang):
    corpus = answers(lang)
    assert len({(a.problem.id, a.text) for a in corpus}) == len(corpus) >= 150
    outcomes = Counter(str(a.outcome) for a in corpus)
    assert min(outcomes[name] for name in ("passed", "wrong", "compile_error", "runtime_error")) >= 5, outcomes
