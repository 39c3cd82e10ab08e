"""Every reference of the embedded benchmark passes in every language, and an empty answer never does."""

from __future__ import annotations

import pytest
from judge_help import facts

from codem import plugins
from codem.benchmarks import mini
from codem.judge import judge
from codem.records import Outcome, Sample


@pytest.mark.parametrize("lang", mini.LANGUAGES)
def test_references_pass_and_nothing_else(sandbox, lang):
    tools = plugins.load("languages", lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())
    problems = mini.problems(lang, mini.Config())
    items = [(p, Sample(p.id, 0, p.reference, "eos")) for p in problems]
    items += [(p, Sample(p.id, 1, "", "eos")) for p in problems[:4]]
    items += [(p, Sample(p.id, 2, p.signature + p.reference, "eos")) for p in problems]
    verdicts = []
    judge(items, facts(lang), workers=2, sandbox=sandbox, on_verdicts=verdicts.extend)
    assert [v for v in verdicts if v.sample != 1 and v.outcome is not Outcome.PASSED] == []
    assert [v for v in verdicts if v.sample == 1 and v.outcome is Outcome.PASSED] == []
    assert len(verdicts) == len(items)
    # the signature repeated or not, it is one program
    assert len({v.program_sha256 for v in verdicts if v.sample != 1}) == len(problems)
