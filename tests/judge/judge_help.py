"""What the judge's tests share: the facts of a language, and one call that judges some answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from codem import plugins
from codem.judge import judge
from codem.language_facts import LanguageFacts, Limits
from codem.records import Problem, Sample, Verdict
from codem.sandbox import Sandbox

CONF = Path(__file__).resolve().parents[2] / "conf" / "lang"


def facts(lang: str, **limits) -> LanguageFacts:
    raw = yaml.safe_load((CONF / f"{lang}.yaml").read_text())
    stated = Limits(**raw.pop("limits", {}))
    return LanguageFacts(**{**raw, "limits": dataclasses.replace(stated, **limits)})


def judged(sandbox: Sandbox, problem: Problem, texts: list[str], **limits) -> list[Verdict]:
    """The verdicts in the order of the texts."""
    tools = plugins.load("languages", problem.lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())
    found: list[Verdict] = []
    items = [(problem, Sample(problem.id, i, text, "eos")) for i, text in enumerate(texts)]
    judge(items, facts(problem.lang, **limits), workers=2, sandbox=sandbox, on_verdicts=found.extend)
    assert sorted(v.sample for v in found) == list(range(len(texts)))
    return sorted(found, key=lambda v: v.sample)
