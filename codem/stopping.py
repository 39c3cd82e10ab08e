"""When generation of one answer can end: at a stop string, or where the wanted function is over.

The second is asked of the cutter (codem/cut.py): once the text before the last line continues the header to a whole
function, and uses no name that is still to be defined, and the last line does not define one that it uses either, the
program that would be cut out of the answer is there. Anything that makes this doubtful lets generation go on, which
costs tokens and no verdict. `docs/generation.md` says what is given up: a second, better version is not waited for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from codem.cutting import body
from codem.cutting.fences import MARKS, parts
from codem.cutting.piece import Piece, header_of, words
from codem.cutting.survey import FAMILIES, Budget
from codem.language_facts import LanguageFacts
from codem.records import Problem

_CLOSES = re.compile(r"[)}\];,]+$")
_NOISE = re.compile(r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"?|`[^`]*`?|'(?:[^'\\\n]|\\.[^'\n]{0,8})'")
"""Comments and strings, well enough: a word of them that is left over costs tokens."""
_USED = re.compile(r"(?<![\w.])(?<!->)(?<!::)([A-Za-z_]\w*)(?=\s*\()|(?<![\w.])(?<!->)(?<!::)([A-Z]\w*)")
"""What is called, and what is written like a type or a constant: in languages with braces these may follow later."""
_DEFINED = re.compile(
    r"\b(?:func|fn|function|class|struct|enum|union|interface|record|trait|type|typedef|const|static|define)\s+"
    r"(?:\([^)]*\)\s*)?(\w+)"
    r"|^[ \t]*(?!return\b|else\b|new\b|throw\b)[\w<][\w:<>,\[\]*& \t]{0,120}[\s*&>\]](\w+)\s*"
    r"\([^;{}]{0,400}\)[^;{}()=]{0,80}\{",
    re.M,
)
_KEYWORDS = frozenset(
    {"if", "for", "while", "switch", "return", "catch", "match", "loop", "else", "synchronized", "in"}
)
_SCOPED = ("python", "javascript", "typescript")
"""Where the cutter itself follows which names a piece takes from outside."""


@dataclass(frozen=True)
class Stopper:
    """Asked after every token. It keeps nothing between two questions, so one may serve any number of answers."""

    facts: LanguageFacts
    entry_point: str
    stop: tuple[str, ...] = ()
    at_function_end: bool = True
    signature: str = ""
    """The header that the model continues (`Problem.signature`): its open braces and its names count."""
    prelude: str = ""
    """What the benchmark supplies (`Problem.prelude`): its names are defined."""

    def ended(self, text: str) -> bool:
        """`text` is all that was written so far for one prompt, after the header."""
        if any(stop in text for stop in self.stop):
            return True
        if not self.at_function_end:
            return False
        # Nearly every question ends here: only a line that begins at the header's column can be beyond the function,
        # and only once it is complete, or says by its beginning that it is no part of a program.
        kept = text.rstrip()
        start = kept.rfind("\n") + 1
        line = kept[start:]
        if _marked(kept, start):
            return True
        if not start or _column(line) > self._margin or _CLOSES.match(line.strip()):
            return False
        complete = "\n" in text[len(kept) :]
        demo = self.facts.ends.demo
        plain = bool(demo) and re.match(demo, line.lstrip()) is not None
        if not plain and (not complete or self._may_belong(kept[:start], line)):
            return False
        known = self.facts.ends.known
        return _is_there(self.facts.name, self.entry_point, self.signature, self.prelude, known, kept[:start])

    @property
    def _margin(self) -> int:
        """The header's own column: in a class it is not the first one."""
        lines = [line for line in self.signature.split("\n") if self.entry_point in line]
        return min(map(_column, lines), default=0)  # a docstring names it further in

    def _may_belong(self, before: str, line: str) -> bool:
        """The line begins a definition, an import or an assignment of something that the text has mentioned."""
        if self.facts.ends.joins and re.match(self.facts.ends.joins, line.lstrip()):
            return True
        family = FAMILIES.get(self.facts.name)
        if family is None or not family.ANCHOR.match(line):
            return False
        name = family.NAME.search(line)
        names = {group for group in name.groups() if group} if name else words(line.split("=")[0])
        if self.entry_point in names:  # the same function once more is another version; an overload is not
            return header_of(line) not in header_of(self.signature)
        return bool(names & words(self.signature + before))


@functools.lru_cache(maxsize=256)
def _is_there(lang: str, name: str, signature: str, prelude: str, known: tuple[str, ...], before: str) -> bool:
    """`before` continues the header to a whole function and uses nothing that is still to be defined. Cached, because
    it is asked again for each token of a line that does not end the answer."""
    if lang not in FAMILIES or not _indented_first(lang, before):
        return False
    found = parts(before)
    if len(found) != 1 or found[0].fenced:
        return False
    problem = Problem("", "", lang, "", signature, name, prelude, "", "")
    pieces = body.continued(problem, before, Budget())
    if pieces is None or not pieces[0].parses or body.repeats(problem, pieces[0].text):
        return False
    needed = _needed(pieces, name) if lang in _SCOPED else _used(signature, before)
    return needed <= words(prelude).union(known)


def _column(line: str) -> int:
    return len(line) - len(line.lstrip())


def _marked(kept: str, start: int) -> bool:
    """The last line holds a mark at which a chat ends or goes on: the cutter reads nothing after it."""
    mark = MARKS.search(kept, start)
    return mark is not None and bool(kept[: mark.start()].strip())


def _indented_first(lang: str, text: str) -> bool:
    """In Python a body whose first line is not indented is read in several ways, of which a later line decides."""
    return lang != "python" or next((line[0].isspace() for line in text.split("\n") if line.strip()), False)


def _needed(pieces: Sequence[Piece], wanted: str) -> set[str]:
    """What the wanted function takes from outside, directly or through what is defined, and nothing defines."""
    defined = {name for piece in pieces for name in piece.names}
    needed, grew = {wanted}, True
    while grew:
        more = {name for p in pieces if p.names & needed for name in (p.free if p.parses else p.words)} - needed
        needed |= more
        grew = bool(more)
    return needed - defined


def _used(signature: str, before: str) -> set[str]:
    """Names that are called, or written like types, and that no earlier place of the text gave a meaning."""
    code = _NOISE.sub(" ", signature + before)
    names = {match[1] or match[2] for match in _USED.finditer(code)}
    names -= words(signature) | _KEYWORDS
    names -= {group for match in _DEFINED.finditer(code) for group in match.groups() if group}
    return {name for name in names if _first_is_use(name, code)}


def _first_is_use(name: str, code: str) -> bool:
    """A variable is declared where it first appears; what is called or named as a type there is not."""
    first = re.search(rf"\b{name}\b", code)
    return first is not None and (name[0].isupper() or code[first.end() :].lstrip().startswith("("))
