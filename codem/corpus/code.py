"""The code of a response: its fenced blocks, or what is left of it without the prose around.

The judge has a reader of fences as well (codem/cutting/fences.py). It needs neither tags nor lines, and a change there
could change a verdict, so this one stands beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES = {
    "python": "python py py3 python3 python2 py2 ipython pycon pyi",
    "javascript": "javascript js jsx node nodejs mjs cjs ecmascript es6",
    "typescript": "typescript ts tsx",
    "c": "c h ansi-c gnu-c",
    "cpp": "cpp c++ cxx cc hpp h++ hxx cplusplus",
    "java": "java jsp",
    "go": "go golang",
    "rust": "rust rs",
    "html": "html htm xhtml html5",
    "csharp": "csharp c# cs",
    "bash": "bash sh shell zsh shellscript shell-session console terminal cmd bat powershell",
    "sql": "sql mysql postgresql plsql tsql sqlite",
    "css": "css scss sass less",
    "ruby": "ruby rb",
    "kotlin": "kotlin kt",
    "": "text txt plain plaintext output none code markdown md plain-text stdout log",
}
"""Language -> the tags that models write for it; nothing: the tag says no language."""
LANGUAGE_OF = {tag: name for name, tags in NAMES.items() for tag in tags.split()}

_FENCE = re.compile(r"^(?P<lead>[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_COMMENT = re.compile(r"^\s*(?://|/\*|\*|#(?!#* [A-Z])|--|<!--|;|%)")
_QUOTED = re.compile(r"`[^`\n]*`|\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|\*\*[^*\n]+\*\*")
_WORDS = re.compile(r"(?:(?<![\w.(\[{=<>/])[A-Za-z][A-Za-z'’-]*,? ){4,}")
_CODE = re.compile(r"[{};=\\]|\w\(|\w\[|</?\w|->|::|^\s*(?:import|from|def|class|return|package|using|public)\b|:\s*$")
_LABEL = re.compile(r"^\s*(?:#+ |\*\*)?[A-Z][A-Za-z ]{1,40}:?(?:\*\*)?:?\s*$")


@dataclass(frozen=True)
class Block:
    """A piece of code as a response has it."""

    text: str
    tag: str = ""
    """The first word after the fence, in small letters; empty: there is none."""
    line: int = 1
    """The line of the response at which it begins, from 1."""
    fenced: bool = True

    @property
    def declared(self) -> str:
        """The language that the tag names, as conf/lang/ spells it if it is there; empty: it names none."""
        return language_of(self.tag)


def blocks(response: str) -> list[Block]:
    """All fenced blocks in order; without any, the one stretch that is not prose around it; none: all is prose.

    A fence that is never closed ends with the response. A fence with a tag opens a block even inside another one:
    responses do not nest fences of the same length, but they forget to close them.
    """
    lines = response.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").split("\n")
    found: list[Block] = []
    opened: re.Match[str] | None = None
    start = 0
    for at, line in enumerate(lines):
        match = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if match is None:
            continue
        if opened is not None:
            same = match["mark"][0] == opened["mark"][0] and len(match["mark"]) >= len(opened["mark"])
            if not same:
                continue
            found.append(_block(lines[start:at], opened, start))
        opened = match if opened is None or match["info"].strip() else None
        start = at + 1
    if opened is not None:
        found.append(_block(lines[start:], opened, start))
    kept = [block for block in found if block.text.strip()]
    return kept or ([] if found else _unfenced(lines))


def language_of(tag: str) -> str:
    """`python3.11`, `{.go}`, `lang-js`, `c++17` -> the language; a tag that is not known stands for itself."""
    word = tag.lower().removeprefix("lang-").removeprefix("language-")
    if word in LANGUAGE_OF:
        return LANGUAGE_OF[word]
    bare = re.sub(r"[-_]?v?[\d.]+$", "", word)
    return LANGUAGE_OF.get(bare, word)


def is_prose(line: str) -> bool:
    """Whether a line is a sentence for people. A comment of a program is not."""
    if _COMMENT.match(line):
        return False
    if _LABEL.match(line):
        return True
    plain = _QUOTED.sub("x", line).strip()
    plain = re.sub(r"^(?:[-*+]|\d{1,3}[.)])\s+", "", plain)
    if not _WORDS.search(plain + " "):
        return False
    return plain[-1:] in ".:!?" and plain[:1].isupper() or not _CODE.search(plain)


def _block(lines: list[str], opened: re.Match[str], start: int) -> Block:
    lead = opened["lead"]
    if ">" in lead:
        lines = [re.sub(r"^[ \t]*>[ \t]?", "", line) for line in lines]
    elif lead:
        # what the fence is indented by, its lines are indented by too
        lines = [re.sub(rf"^[ \t]{{1,{len(lead)}}}", "", line) for line in lines]
    word = re.match(r"[{.\s]*([^\s{}:,=]*)", opened["info"])
    return Block("\n".join(lines), word[1].lower() if word else "", start + 1)


def _unfenced(lines: list[str]) -> list[Block]:
    first, last = 0, len(lines)
    while first < last and (not lines[first].strip() or is_prose(lines[first])):
        first += 1
    while first < last and (not lines[last - 1].strip() or is_prose(lines[last - 1])):
        last -= 1
    return [Block("\n".join(lines[first:last]), "", first + 1, False)] if first < last else []
