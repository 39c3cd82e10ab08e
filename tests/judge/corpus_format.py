"""Read the hand-made answers of tests/judge/corpus/<lang>.txt.

    %% problem NAME ENTRY_POINT     then the header that the model continues
    %% prelude                      then what the benchmark supplies (optional)
    %% tests                        then the tests
    %% answer PROBLEM OUTCOME | what is special about it
                                    then the text that the model wrote
    %% has WORDS                    the cut program holds them (optional, any number)
    %% lacks WORDS                  it does not

In a text `{{end}}` at its end means that no newline ends it; `{{cr}}`, `{{nul}}`, `{{bom}}` are what they say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codem.records import Outcome, Problem

CORPUS = Path(__file__).parent / "corpus"
SPECIAL = {"{{cr}}": "\r", "{{nul}}": "\x00", "{{bom}}": "\ufeff", "{{end}}\n": ""}


@dataclass
class Answer:
    place: str
    problem: Problem
    outcome: Outcome
    title: str
    text: str = ""
    has: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


def answers(lang: str) -> list[Answer]:
    path = CORPUS / f"{lang}.txt"
    problems: dict[str, dict[str, str]] = {}
    found: list[Answer] = []
    target: tuple[str, str] | None = None  # the problem and its field that the lines below go to
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], 1):
        if not line.startswith("%% "):
            if target is not None:
                problems[target[0]][target[1]] += line + "\n"
            else:
                found[-1].text += line + "\n"
            continue
        what, _, rest = line[3:].partition(" ")
        if what == "problem":
            name, entry = rest.split()
            problems[name] = {"entry_point": entry, "signature": "", "prelude": "", "tests": ""}
            target = (name, "signature")
        elif what in ("prelude", "tests"):
            assert target is not None, f"{path}:{number}: expected a problem before {what}"
            target = (target[0], what)
        elif what == "answer":
            kind, _, title = rest.partition(" | ")
            name, outcome = kind.split()
            target = None
            found.append(Answer(f"{path.name}:{number}", _problem(lang, name, problems[name]), Outcome(outcome), title))
        elif what in ("has", "lacks"):
            getattr(found[-1], what).append(rest)
        else:
            raise ValueError(f"{path}:{number}: expected problem, prelude, tests, answer, has or lacks, found {what!r}")
    for answer in found:
        for written, meant in SPECIAL.items():
            answer.text = answer.text.replace(written, meant)
    return found


def _problem(lang: str, name: str, parts: dict[str, str]) -> Problem:
    return Problem(id=f"corpus/{lang}/{name}", task=f"corpus/{name}", lang=lang, description="", reference="", **parts)
