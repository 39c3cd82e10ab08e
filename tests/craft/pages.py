"""Web pages of the scripted teacher: drawn from the name of a project, no two alike, a few nearly so."""

from __future__ import annotations

import random
from hashlib import sha256

THEMES = (
    "bicycle repair", "night photography", "rooftop gardening", "sailing lessons", "model railways", "bread baking",
    "river kayaking", "street markets", "amateur astronomy", "bird watching", "glass blowing", "vintage radios",
    "mountain huts", "chess openings", "letter printing", "coral reefs", "tea ceremonies", "folk dancing",
    "wooden toys", "city archives", "cave maps", "paper folding", "wild mushrooms", "kite festivals",
)  # fmt: skip
NOUNS = (  # noqa: SIM905
    "guide journal club shop calendar gallery register forum survey workshop diary catalogue almanac notebook archive"
).split()
WORDS = (  # noqa: SIM905
    "arrival balance barrel basket blanket border button candle carpet ceiling chapter circle climate cottage "
    "cotton courage crystal curtain daylight distance dinner drawer engine evening fabric feather festival finger "
    "forest fortune garden gravel hammer harvest holiday horizon hunger iron journey kettle kitchen ladder leather "
    "lesson letter lumber market mirror morning motion needle number object office orange packet pattern pencil "
    "pepper picture pillow planet pocket powder promise quarter rhythm ribbon saddle season shadow shelter silence "
    "spring station stream summer supper symbol temple thunder ticket timber traffic treasure tunnel velvet village "
    "voyage wagon weather window winter wonder yellow zipper"
).split()
COLOURS = ("#234", "#532", "#254", "#425", "#f4efe6", "#e8eef4", "#eef4e8", "#334455", "#7a3e2c", "#2c5a7a")
TWINS = 25
"""As in teacher_texts.py: one page in so many is a near copy."""


def _drawn(name: str) -> tuple[random.Random, str, list[str]]:
    number = int.from_bytes(sha256(name.encode()).digest()[:6], "big")
    rng = random.Random(f"page/twin {number % 3}" if number % TWINS == 0 else f"page/{name}")
    theme = f"{rng.choice(THEMES)} {rng.choice(NOUNS)}"
    return rng, theme, rng.sample(list(SECTIONS), 4)


def instruction(name: str) -> str:
    _, theme, sections = _drawn(name)
    wanted = "; ".join(SECTIONS[section][0] for section in sections)
    return (
        f"Create an HTML page for the {theme} of the project {name}. In this order it needs: {wanted}. "
        "Use semantic elements and one style block, and no script."
    )


def answer(name: str) -> str:
    rng, theme, sections = _drawn(name)
    title = f"{name}: {theme}"
    style = (
        f"    body {{ color: {rng.choice(COLOURS)}; margin: {rng.randrange(1, 60)}px; }}\n"
        f"    h{rng.randrange(1, 4)} {{ letter-spacing: {rng.randrange(1, 9)}px; }}\n"
    )
    parts = "".join(SECTIONS[section][1](rng, theme) for section in sections)
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n  <meta charset="utf-8">\n  <title>{title}</title>\n'
        f"  <style>\n{style}  </style>\n</head>\n<body>\n  <h1>{title}</h1>\n{parts}</body>\n</html>\n"
    )
    return f"```html\n{page}```"


def _phrase(rng: random.Random, least: int = 3, most: int = 7) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most)))


def _list(rng: random.Random, theme: str) -> str:
    kind = rng.choice(("ul", "ol"))
    items = "".join(f"    <li>{_phrase(rng)}</li>\n" for _ in range(rng.randint(3, 6)))
    return f"  <{kind}>\n{items}  </{kind}>\n"


def _table(rng: random.Random, theme: str) -> str:
    rows = "".join(
        f"    <tr><td>{_phrase(rng, 1, 3)}</td><td>{rng.randrange(5, 900)}</td></tr>\n"
        for _ in range(rng.randint(2, 5))
    )
    head = f"    <tr><th>{rng.choice(WORDS)}</th><th>{rng.choice(WORDS)}</th></tr>\n"
    return f"  <table>\n{head}{rows}  </table>\n"


def _form(rng: random.Random, theme: str) -> str:
    fields = "".join(
        f'    <label for="{word}">{word.title()}</label>\n    <input id="{word}" name="{word}" type="{kind}">\n'
        for word, kind in zip(rng.sample(WORDS, 3), rng.choices(("text", "email", "date", "number"), k=3), strict=True)
    )
    button = f"    <button>{_phrase(rng, 1, 2)}</button>\n"
    return f'  <form action="/{rng.choice(WORDS)}" method="post">\n{fields}{button}  </form>\n'


def _nav(rng: random.Random, theme: str) -> str:
    links = "".join(f'    <a href="#{word}">{word.title()}</a>\n' for word in rng.sample(WORDS, rng.randint(3, 5)))
    return f"  <nav>\n{links}  </nav>\n"


def _article(rng: random.Random, theme: str) -> str:
    return (
        f"  <article>\n    <h2>{_phrase(rng, 2, 4).title()}</h2>\n    <p>{_phrase(rng, 8, 16)}.</p>\n"
        f"    <p>{_phrase(rng, 6, 12)}.</p>\n  </article>\n"
    )


def _figure(rng: random.Random, theme: str) -> str:
    word = rng.choice(WORDS)
    return (
        f'  <figure>\n    <img src="{word}.jpg" alt="{_phrase(rng)}" width="{rng.randrange(90, 900)}">\n'
        f"    <figcaption>{_phrase(rng)}</figcaption>\n  </figure>\n"
    )


def _details(rng: random.Random, theme: str) -> str:
    return f"  <details>\n    <summary>{_phrase(rng)}</summary>\n    <p>{_phrase(rng, 6, 14)}</p>\n  </details>\n"


def _quote(rng: random.Random, theme: str) -> str:
    source = f"    <cite>{_phrase(rng, 2, 2).title()}</cite>\n"
    return f"  <blockquote>\n    <p>{_phrase(rng, 6, 12)}</p>\n{source}  </blockquote>\n"


def _terms(rng: random.Random, theme: str) -> str:
    terms = "".join(f"    <dt>{word}</dt>\n    <dd>{_phrase(rng)}</dd>\n" for word in rng.sample(WORDS, 3))
    return f"  <dl>\n{terms}  </dl>\n"


def _footer(rng: random.Random, theme: str) -> str:
    address = f"    <address>{_phrase(rng, 2, 4)}</address>\n"
    return f"  <footer>\n    <p>The {theme}, {_phrase(rng)}</p>\n{address}  </footer>\n"


SECTIONS = {
    "list": ("a list of what visitors can do", _list),
    "table": ("a table with prices", _table),
    "form": ("a form with three labelled fields", _form),
    "nav": ("a row of links", _nav),
    "article": ("an article with a heading of its own", _article),
    "figure": ("a picture with a caption", _figure),
    "details": ("a part that can be folded away", _details),
    "quote": ("a quotation with its source", _quote),
    "terms": ("three terms with their explanations", _terms),
    "footer": ("a footer with an address", _footer),
}
