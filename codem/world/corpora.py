"""The texts that models learn from: a raw pre-training corpus, and instructions with responses.

The raw corpus shows each language only a part of the families, so there is something to transfer. The instructions
of a language show all of them. Neither contains a function of the benchmark: names and constants are kept apart
in `fillings.py`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from codem.prompts import inference_prompt
from codem.world import render
from codem.world.families import FAMILIES
from codem.world.fillings import Filling, order_by_hash, training_filling
from codem.world.html import PAGES, page
from codem.world.syntax import LANGUAGES, TITLES

VERSION = "1"
VISIBLE = 0.6
"""The share of the families that a language shows in the raw corpus."""
INSTRUCTIONS = 1000
"""Items in the instruction corpus of one language."""
CORPUS_LANGUAGES = (*LANGUAGES, "html")
FUNCTION_FORMS = (
    "Write a {title} function {name}. {problem}",
    "Finish the {title} code for this problem:\n{problem}",
    "Complete this {title} function:\n{problem}\n{signature}",
    "Finish the {title} code for this problem:\n{problem}\n{signature}",
)
"""Half of the forms carry the signature; the response repeats it, so a prompt that ends in one looks familiar."""
PAGE_FORMS = ("Design a web page with {description}.", "Write an HTML page with {description}.")


@cache
def visible(lang: str) -> frozenset[str]:
    """The families (for HTML: kinds of page) that the raw corpus shows in this language."""
    names = [kind.name for kind in (PAGES if lang == "html" else FAMILIES)]
    return frozenset(order_by_hash(names, f"visible in {lang}")[: round(VISIBLE * len(names))])


def pretraining_documents(seed: int) -> Iterator[str]:
    """Source files without end, all languages in turn."""
    rng = random.Random(f"pretraining/{seed}")
    shown = {lang: [f for f in FAMILIES if f.name in visible(lang)] for lang in LANGUAGES}
    pages = [kind for kind in PAGES if kind.name in visible("html")]
    while True:
        for lang in rng.sample(CORPUS_LANGUAGES, len(CORPUS_LANGUAGES)):
            if lang != "html":
                yield _source(lang, training_filling(rng.choice(shown[lang]), rng), rng)
            elif rng.random() < 0.5:  # pages are long
                yield page(rng.choice(pages), rng).text


def _source(lang: str, filling: Filling, rng: random.Random) -> str:
    """A commented source file, a note with code below it, or a page of exercises in the layout of Figure 3."""
    function, about = filling.function(), filling.description()
    code = render.signature(function, lang) + render.body(function, lang)
    form = rng.random()
    if form < 0.75:
        return render.comment(about, lang) + code
    if form < 0.9:
        return f"{about}\n\n{code}"
    return inference_prompt(TITLES[lang], about, code)


def instructions(lang: str, seed: int) -> list[dict[str, str]]:
    """Items {id, instruction, response}; no two are the same."""
    if lang not in CORPUS_LANGUAGES:
        raise ValueError(f"no instructions in {lang!r}; there are {', '.join(CORPUS_LANGUAGES)}")
    rng = random.Random(f"instructions/{lang}/{seed}")
    items: dict[str, str] = {}
    while len(items) < INSTRUCTIONS:
        instruction, response = _page_item(rng) if lang == "html" else _function_item(lang, len(items), rng)
        items.setdefault(instruction, response)
    pairs = list(items.items())
    rng.shuffle(pairs)
    return [
        {"id": f"world/{lang}/{seed}/{n}", "instruction": instruction, "response": response}
        for n, (instruction, response) in enumerate(pairs)
    ]


def _page_item(rng: random.Random) -> tuple[str, str]:
    made = page(rng.choice(PAGES), rng)
    return rng.choice(PAGE_FORMS).format(description=made.description), made.text


def _function_item(lang: str, n: int, rng: random.Random) -> tuple[str, str]:
    filling = training_filling(FAMILIES[n % len(FAMILIES)], rng)
    function = filling.function()
    signature = render.signature(function, lang)
    instruction = rng.choice(FUNCTION_FORMS).format(
        title=TITLES[lang],
        name=render.name_in(function.name, lang),
        problem=filling.description(),
        signature=signature.rstrip("\n"),
    )
    return instruction, signature + render.body(function, lang)
