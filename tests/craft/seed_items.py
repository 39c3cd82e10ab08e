"""An Alpaca-style seed file: 400 items of our own wording, three of four about Python.

PYTHONPATH=. python tests/craft/seed_items.py seeds.json
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import teacher_texts as texts

from codem.world import render
from codem.world.families import FAMILIES
from codem.world.fillings import training_filling

ITEMS = 400
PYTHON_SHARE = 0.75
PYTHON_FORMS = (
    "Write a Python function called {name}. {about}",
    "{about} Answer with Python code.",
    "Complete this Python code:\n{head}",
    "Create a function in Python for this: {about}",
)
OTHER_FORMS = ("Write a {title} function called {name}. {about}", "{about} Answer with {title} code.")
PLAIN = (
    "Name {n} uses of a {noun}.",
    "Explain to a child why a {noun} is useful, in {n} sentences.",
    "Write a rhyme of {n} lines about a {noun}.",
)
NOUNS = ("ladder", "kettle", "compass", "bridge", "lantern", "saddle", "wheel", "mirror")


def items(count: int = ITEMS, seed: int = 0) -> list[dict[str, str]]:
    """Rows {instruction, input, output}; no two instructions are the same."""
    rng = random.Random(f"seed items/{seed}")
    rows: dict[str, dict[str, str]] = {}
    while len(rows) < count:
        number = len(rows)
        if number < PYTHON_SHARE * count:
            row = _code(rng, "python", PYTHON_FORMS, fenced=rng.random() < 0.3)
        elif rng.random() < 0.6:
            row = _code(rng, rng.choice(("javascript", "java", "go", "cpp")), OTHER_FORMS, fenced=False)
        else:
            noun, n = rng.choice(NOUNS), rng.randrange(2, 40)
            asked = rng.choice(PLAIN).format(noun=noun, n=n)
            row = {"instruction": asked, "input": "", "output": f"A {noun} helps in {n} ways, and each is simple."}
        rows.setdefault(row["instruction"] + row["input"], row)
    found = list(rows.values())
    rng.shuffle(found)
    return found


def _code(rng: random.Random, lang: str, forms: tuple[str, ...], fenced: bool) -> dict[str, str]:
    filling = training_filling(rng.choice(FAMILIES), rng)
    function = filling.function()
    head = render.signature(function, lang)
    form = rng.choice(forms)
    asked = form.format(
        name=render.name_in(filling.name, lang), about=filling.description(), title=texts.LANGUAGES[lang], head=head
    )
    code = head + render.body(function, lang)
    example = f"{' and '.join(filling.args)} as given" if rng.random() < 0.3 else ""
    return {"instruction": asked.strip(), "input": example, "output": f"```{lang}\n{code}```" if fenced else code}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(items(), indent=1), encoding="utf-8")
