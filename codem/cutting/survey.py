"""Read a text that is code, prose, or both, as pieces.

The parser reads on until something does not parse. From there the next line that begins like a definition is
looked for: what lies between was prose. A definition that does not parse (the model's mistake, or a macro that the
parser cannot know) ends where its braces or its indentation end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType

from codem.cutting import c_family, go, java, python, rust, script
from codem.cutting.extent import end_of_braces, end_of_python
from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import WINDOW, Code, broken

FAMILIES: dict[str, ModuleType] = {
    "python": python,
    "javascript": script,
    "typescript": script,
    "c": c_family,
    "cpp": c_family,
    "java": java,
    "go": go,
    "rust": rust,
}


@dataclass
class Budget:
    """How many characters may still be read, so that no text costs more than a second or two. Not a time limit: the
    same text must be cut in the same place on every machine."""

    parsed: int = 150_000
    scanned: int = 600_000


def survey(lang: str, text: str, wanted: str, budget: Budget) -> list[Piece]:
    family = FAMILIES[lang]
    found: list[Piece] = []
    at = 0
    while at < len(text):
        trouble = at
        if budget.parsed > 0:
            window = text[at : at + WINDOW]
            pieces, stop = _parsed(family, lang, window, wanted, whole=len(window) == len(text) - at)
            budget.parsed -= len(window)
            found += pieces
            if stop is None:
                break
            trouble = at + stop
        line = max(at, text.rfind("\n", 0, trouble) + 1)
        anchor = family.ANCHOR.search(text, line)
        if anchor is None:
            break
        if anchor.start() > line and budget.parsed > 0:
            at = anchor.start()
            continue
        piece, at = _scanned(family, lang, text, anchor.start(), anchor.end(), wanted, budget)
        found += piece
        if budget.scanned <= 0:
            break
    return found


def _parsed(
    family: ModuleType, lang: str, text: str, wanted: str, whole: bool = True
) -> tuple[list[Piece], int | None]:
    """The pieces before the first thing that does not parse, and where that begins.

    Of a text that goes on, the last thing is not taken either: its end may not be here.
    """
    code = Code(lang, text)
    found: list[Piece] = []
    before, count = None, 0
    for node in code.root.children:
        if broken(node) or (code.root.is_error and not node.is_named and node.type != ";"):
            if before is not None and before.end_point.row == node.start_point.row:
                return found[:count], code.start(before)  # what stands before it on its line was not all of it
            return found, code.start(node)
        if node.is_named and "comment" not in node.type:
            before, count = node, len(found)
            found += family.describe(code, node, wanted)
    if not whole and before is not None:
        return found[:count], code.start(before)
    return found, None


def _scanned(
    family: ModuleType, lang: str, text: str, start: int, after: int, wanted: str, budget: Budget
) -> tuple[list[Piece], int]:
    """The definition at a line that begins like one, and where to go on."""
    end = end_of_python(text, start) if lang == "python" else end_of_braces(lang, text, start)
    budget.scanned -= (len(text) if end is None else end) - start
    if end is None:
        name = _name(family, text[start : start + 2000])
        if name == wanted and lang != "java":
            return [Piece(Kind.DEFINITION, text[start:], frozenset({name}), whole=False)], len(text)
        opening = java.OPENING.match(text, start) if lang == "java" else None
        if opening is not None:
            return [], opening.end()  # the class is cut short: its members count
        if name == wanted:
            return [Piece(Kind.DEFINITION, text[start:], frozenset({name}), whole=False)], len(text)
        line_end = text.find("\n", max(start, after - 1))
        return [], len(text) if line_end < 0 else line_end + 1
    own = text[start:end]
    if len(own) <= WINDOW and budget.parsed > 0:
        pieces, stop = _parsed(family, lang, own, wanted)
        budget.parsed -= len(own)
        if stop is None:
            return pieces, end
    opening = java.OPENING.match(text, start) if lang == "java" else None
    if opening is not None and re.search(rf"\b{re.escape(wanted)}\s*\(", own):
        return [], opening.end()
    name = _name(family, own[:2000])
    if not name:
        return [], end
    kind = Kind.MAIN if name == "main" and lang not in ("python", "javascript", "typescript") else Kind.DEFINITION
    return [Piece(kind, own, frozenset({name}), parses=False, header=header_of(own.split("{")[0]))], end


def _name(family: ModuleType, text: str) -> str:
    match = family.NAME.search(text)
    return next((group for group in match.groups() if group), "") if match else ""
