"""The same promises for every language: what passes, what does not, and why not."""

from __future__ import annotations

import dataclasses

import pytest
from dialects import EARLY_EXITS, ENDLESS, FLOOD, GARBAGE, LANGUAGES, MEMORY, POISON, TALKATIVE, body, problem
from judge_help import facts, judged

from codem import plugins
from codem.judge import describe, judge
from codem.records import Outcome, Sample
from codem.sandbox import HarnessError

pytestmark = pytest.mark.parametrize("lang", LANGUAGES)
SHORT = {"run_cpu_s": 1, "run_wall_s": 20}


def test_right_wrong_empty_garbage_in_one_batch(sandbox, lang):
    one = problem(lang)
    texts = [one.reference, body(lang, "", "n + 2"), "", GARBAGE[lang], "I cannot help with that.", one.reference]
    verdicts = judged(sandbox, one, texts)
    assert [v.outcome for v in verdicts[:2]] == [Outcome.PASSED, Outcome.WRONG], verdicts
    assert all(v.outcome is Outcome.COMPILE_ERROR for v in verdicts[2:5]), verdicts
    assert verdicts[5].outcome is Outcome.PASSED
    assert verdicts[5].program_sha256 == verdicts[0].program_sha256 != verdicts[1].program_sha256
    assert verdicts[3].output_tail and "codem-judge-" not in verdicts[3].output_tail


def test_leaving_before_the_tests_is_not_a_pass(sandbox, lang):
    verdicts = judged(sandbox, problem(lang), [body(lang, leave) for leave in EARLY_EXITS[lang]])
    assert {v.outcome for v in verdicts} <= {Outcome.RUNTIME_ERROR, Outcome.MEMORY, Outcome.COMPILE_ERROR}, verdicts
    assert verdicts[0].outcome is Outcome.RUNTIME_ERROR


def test_limits(sandbox, lang):
    texts = [body(lang, ENDLESS[lang]), body(lang, FLOOD[lang]), body(lang, "")]
    verdicts = judged(sandbox, problem(lang), texts, **SHORT)
    assert [v.outcome for v in verdicts] == [Outcome.TIMEOUT, Outcome.OUTPUT_LIMIT, Outcome.PASSED], verdicts
    assert verdicts[0].exit_code is None
    assert all(len(v.output_tail) <= 2000 for v in verdicts)


def test_memory_bomb(sandbox, lang):
    (verdict,) = judged(sandbox, problem(lang), [body(lang, MEMORY[lang])])
    assert verdict.outcome in (Outcome.MEMORY, Outcome.RUNTIME_ERROR), verdict
    if lang in ("python", "cpp", "java", "go"):
        assert verdict.outcome is Outcome.MEMORY


def test_printing_and_reading_the_empty_stdin_do_no_harm(sandbox, lang):
    (verdict,) = judged(sandbox, problem(lang), [body(lang, TALKATIVE[lang])])
    assert verdict.outcome is Outcome.PASSED, verdict
    assert "working" in verdict.output_tail


def test_poison_leaves_its_neighbours_alone(sandbox, lang):
    texts = [text for poison in POISON[lang] for text in (poison, body(lang, "", f"2 * n + {len(poison)}"))]
    verdicts = judged(sandbox, problem(lang), [*texts, body(lang, "")], build_s=10, build_each_s=1)
    for poisoned, good in zip(verdicts[0::2], verdicts[1::2], strict=False):
        assert poisoned.outcome is not Outcome.HARNESS_ERROR, poisoned
        assert good.outcome in (Outcome.WRONG, Outcome.PASSED), good
    assert verdicts[-1].outcome is Outcome.PASSED


def test_the_same_verdict_alone_and_in_a_batch(sandbox, lang):
    texts = [body(lang, ""), body(lang, "", "3"), GARBAGE[lang], body(lang, EARLY_EXITS[lang][0])]
    together = [v.outcome for v in judged(sandbox, problem(lang), texts)]
    alone = [judged(sandbox, problem(lang), [text])[0].outcome for text in texts]
    assert together == alone


def test_a_broken_toolchain_is_an_error_and_no_score(sandbox, lang, monkeypatch):
    plugin = plugins.load("languages", lang)
    if not plugin.toolchain().found:
        pytest.skip(plugin.toolchain().how_to_get())
    monkeypatch.setattr(plugin, "CANARY", dataclasses.replace(plugin.CANARY, right="what is this"))
    given = []
    with pytest.raises(HarnessError, match="known to be right"):
        judge(
            [(problem(lang), Sample("p", 0, problem(lang).reference, "eos"))],
            facts(lang),
            workers=1,
            sandbox=sandbox,
            on_verdicts=given.extend,
        )
    assert given == []


def test_the_record_names_what_a_verdict_depends_on(sandbox, lang):
    if not plugins.load("languages", lang).toolchain().found:
        pytest.skip("no toolchain")
    said = describe(facts(lang), sandbox)
    assert said["compiler"] and said["flags"] and said["limits"]["run_cpu_s"] > 0 and "bwrap" in said["sandbox"]
