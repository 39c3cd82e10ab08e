"""Web pages: the eighth language of the world. A page has a kind, a heading and one or two more words to show."""

from __future__ import annotations

import random
from dataclasses import dataclass

THINGS = (
    "apples", "books", "cats", "dogs", "eggs", "films", "games", "hats", "ideas", "jobs", "keys", "lamps", "maps",
    "notes", "oranges", "plants", "ropes", "songs", "trees", "views", "words", "years", "zebras",
)  # fmt: skip
ADJECTIVES = ("best", "big", "cold", "early", "fine", "good", "happy", "late", "new", "old", "small", "warm")


@dataclass(frozen=True)
class PageKind:
    name: str
    wordings: tuple[str, ...]
    """With the holes {title} {x} {y} {n}."""
    content: str
    """Lines of the body, with the same holes."""


# fmt: off
PAGES = (
    PageKind("paragraph", ('a heading "{title}" and a paragraph "{x}"', 'the title "{title}" and the text "{x}"'),
        "<h1>{title}</h1>\n<p>{x}</p>"),
    PageKind("two_paragraphs", ('a heading "{title}" and two paragraphs "{x}" and "{y}"',),
        "<h1>{title}</h1>\n<p>{x}</p>\n<p>{y}</p>"),
    PageKind("list", ('a heading "{title}" and a list of {x} and {y}', 'the title "{title}" and the items {x} and {y}'),
        "<h1>{title}</h1>\n<ul>\n<li>{x}</li>\n<li>{y}</li>\n</ul>"),
    PageKind("numbered", ('a heading "{title}" and a numbered list of {x} and {y}',),
        "<h1>{title}</h1>\n<ol>\n<li>{x}</li>\n<li>{y}</li>\n</ol>"),
    PageKind("link", ('a heading "{title}" and a link to {x}.html', 'the title "{title}" that links to {x}.html'),
        '<h1>{title}</h1>\n<a href="{x}.html">{x}</a>'),
    PageKind("image", ('a heading "{title}" and the image {x}.png', 'the title "{title}" that shows {x}.png'),
        '<h1>{title}</h1>\n<img src="{x}.png">'),
    PageKind("button", ('a heading "{title}" and a button "{x}"', 'the title "{title}" and the button "{x}"'),
        "<h1>{title}</h1>\n<button>{x}</button>"),
    PageKind("input", ('a heading "{title}" and a text field for {x}',),
        '<h1>{title}</h1>\n<form>\n<input name="{x}">\n</form>'),
    PageKind("table", ('a heading "{title}" and a table row with {x} and {n}',),
        "<h1>{title}</h1>\n<table>\n<tr><td>{x}</td><td>{n}</td></tr>\n</table>"),
    PageKind("bold", ('a heading "{title}" and the bold word {x}', 'the title "{title}" and {x} in bold'),
        "<h1>{title}</h1>\n<p><b>{x}</b></p>"),
)
# fmt: on


@dataclass(frozen=True)
class Page:
    description: str
    text: str


def page(kind: PageKind, rng: random.Random) -> Page:
    x, y = rng.sample(THINGS, 2)
    title = f"{rng.choice(ADJECTIVES).capitalize()} {rng.choice(THINGS)}"
    holes = {"title": title, "x": x, "y": y, "n": rng.randrange(2, 100)}
    content = "".join(f"  {line}\n" for line in kind.content.format(**holes).split("\n"))
    head = f"<head>\n  <title>{title}</title>\n</head>"
    text = f"<!DOCTYPE html>\n<html>\n{head}\n<body>\n{content}</body>\n</html>\n"
    return Page(rng.choice(kind.wordings).format(**holes), text)
