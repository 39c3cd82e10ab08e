"""Which language is a piece of code in? By its fence, the signs of each language, and by parsing it; with the reason.

No library does this for short pieces with a reason to show: the trained ones are no longer maintained or guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codem.corpus import parsing
from codem.corpus.code import Block
from codem.corpus.parsing import Trouble
from codem.corpus.signs import signs

LARGER = {"c": "cpp", "javascript": "typescript"}
"""What is written in the first is, as a rule, also a program of the second."""
SMALLER = {larger: smaller for smaller, larger in LARGER.items()}
_TITLES = {"cpp": "C++", "javascript": "JavaScript", "typescript": "TypeScript", "html": "HTML", "csharp": "C#"}
_TITLES |= {"sql": "SQL", "css": "CSS", "php": "PHP"}

CLEAR = 6
"""So many signs of the language that is hoped for, in a text that parses in it: no other one is looked at."""


@dataclass(frozen=True)
class Identified:
    lang: str
    """As conf/lang/ spells it if it is there; empty: not known, perhaps no code at all."""
    reason: str
    also: tuple[str, ...] = ()
    """Other languages whose programs it is as well: plain JavaScript is also TypeScript."""
    trouble: Trouble | None = None
    """Why it does not parse in that language. None: it parses, or there is no grammar."""

    def is_in(self, lang: str) -> bool:
        return lang == self.lang or lang in self.also


def identify(block: Block, target: str = "") -> Identified:
    """target: the language that is hoped for: tried first, and preferred where nothing decides."""
    declared = block.declared
    if declared and not parsing.has_grammar(declared):
        return Identified(declared, f"the fence says {declared}, for which there is no grammar: not parsed")
    if declared:
        made = _declared(block.text, declared, target)
        if made is not None:
            return made
    return _by_signs(block.text, declared, target)


def response_language(found: Sequence[Block], target: str = "") -> Identified:
    """Of a whole response: the longest block whose language is known, those in the target language first."""
    best = Identified("", "no code: nothing is fenced and all of it reads as prose")
    best_rank = (-1, -1, -1)
    for block in found:
        made = identify(block, target)
        rank = (bool(target) and made.is_in(target), bool(made.lang), len(block.text))
        if rank > best_rank:
            best, best_rank = made, rank
    return best


def _declared(text: str, declared: str, target: str) -> Identified | None:
    """What the fence says, if the text parses so; None: look closer."""
    read = _Reading(text)
    if not read.parses(declared) or (declared == "html" and not read.codelike(declared)):
        return None
    said = f"the fence says {title(declared)}; parses as {title(declared)} without errors"
    if declared in SMALLER and target == SMALLER[declared]:
        # the fence says the larger one, wanted is the smaller
        own = signs(text).get(declared)
        if own is None and read.parses(target):
            return Identified(declared, f"{said}, and as {title(target)}", (target,))
        return Identified(declared, said)
    if declared in LARGER and target == LARGER[declared] and read.parses(target):
        return Identified(declared, f"{said}, and as {title(target)}", (target,))
    return Identified(declared, said)


def _by_signs(text: str, declared: str, target: str) -> Identified:
    read = _Reading(text)
    if target and not declared:
        found = signs(text, _family(target))
        if _score(target, found) >= CLEAR and read.parses(target) and read.codelike(target):
            return _settled(target, read, found, declared, target)
    found = signs(text)
    hoped = [lang for lang in (declared, target) if lang]
    order = sorted(found, key=lambda lang: (-found[lang][0] - _bonus(lang, declared, target), lang))
    most = max((score for score, _ in found.values()), default=0)
    for lang in dict.fromkeys([*order, *hoped]):
        score = _score(lang, found)
        if declared and lang not in _family(declared) and (score < 3 or score <= _score(declared, found)):
            continue  # it takes more than a weak sign to say that a fence is wrong
        if not parsing.has_grammar(lang):
            if score >= 3 and score == most:
                return Identified(lang, f"{_signs(found[lang][1])}; no grammar for it: not parsed")
            continue
        if score == 0 and (most >= 3 or lang not in hoped):
            continue
        if read.parses(lang) and read.codelike(lang):
            return _settled(lang, read, found, declared, target)
    return _unparsed(read, found, order, declared, target)


def _bonus(lang: str, declared: str, target: str) -> float:
    """Where signs are as many, or nearly, what is hoped for is likely."""
    return 2.0 * (bool(declared) and lang in _family(declared)) + 1.5 * (bool(target) and lang in _family(target))


def _score(lang: str, found: dict[str, tuple[int, list[str]]]) -> int:
    return found.get(lang, (0, []))[0]


def _settled(
    lang: str, read: _Reading, found: dict[str, tuple[int, list[str]]], declared: str, target: str
) -> Identified:
    """It parses in `lang`; which of a pair of languages it is, and what it is as well."""
    labels = found.get(lang, (0, []))[1]
    if lang in SMALLER and SMALLER[lang] in found and not _own(lang, found) and read.parses(SMALLER[lang]):
        lang = SMALLER[lang]
        labels = found[lang][1]
    also = tuple(other for other in _family(lang) if other != lang and not _own(other, found) and read.parses(other))
    if lang in SMALLER and _own(lang, found):
        also = ()
    for wanted in (target, declared):
        if wanted in also:
            lang, also = wanted, tuple(sorted({lang, *also} - {wanted}))
            break
    said = f"parses as {title(lang)} without errors"
    if also:
        said += f" (and as {', '.join(map(title, also))}: nothing in it decides)"
    if labels:
        said += f"; {_signs(labels)}"
    if declared and declared not in (lang, *also):
        said = f"the fence says {title(declared)}, but it does not parse so; {said}"
    return Identified(lang, said, also)


def _unparsed(
    read: _Reading, found: dict[str, tuple[int, list[str]]], order: list[str], declared: str, target: str
) -> Identified:
    """It parses in no language that it could be in."""
    best = order[0] if order else ""
    enough = 2 if best and best in _family(target) else 3
    if _score(best, found) < enough:
        best = ""
    if declared and (not best or _score(declared, found) >= 2 or best in _family(declared)):
        best = declared
    elif target and best in _family(target) and not _own(best, found):
        best = target
    if not best:
        return Identified("", "no signs of a language that it parses in")
    shown = found.get(best) or found.get(order[0] if order else "", (0, []))
    reason = f"the fence says {title(best)}" if best == declared else _signs(shown[1])
    if not parsing.has_grammar(best):
        return Identified(best, f"{reason}; no grammar for it: not parsed")
    if (trouble := read.trouble(best)) is None:
        return Identified("", f"{reason}; parses, but there is nothing in it but words")
    return Identified(best, f"{reason}; does not parse as {title(best)}", (), trouble)


def _own(lang: str, found: dict[str, tuple[int, list[str]]]) -> bool:
    """Whether there are signs that only the larger of two languages has."""
    if lang not in SMALLER or lang not in found:
        return False
    common = set(found.get(SMALLER[lang], (0, []))[1])
    return bool(set(found[lang][1]) - common)


def _family(lang: str) -> tuple[str, ...]:
    return tuple(name for name in (lang, LARGER.get(lang), SMALLER.get(lang)) if name)


def _signs(labels: Sequence[str]) -> str:
    return "signs: " + ", ".join(labels[:5])


def title(lang: str) -> str:
    """As people spell it."""
    return _TITLES.get(lang, lang.capitalize())


class _Reading:
    """A text, parsed at most once in each language."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._roots: dict[str, object] = {}
        self._troubles: dict[str, Trouble | None] = {}

    def _root(self, lang: str):
        if lang not in self._roots:
            root = parsing.tree(lang, self.text)
            trouble = parsing.trouble(lang, self.text, root)
            if trouble is not None and lang == "typescript" and "</" in self.text + "/>":
                other = parsing.tree("tsx", self.text)
                if parsing.trouble("tsx", self.text, other) is None:
                    root, trouble = other, None
            self._roots[lang], self._troubles[lang] = root, trouble
        return self._roots[lang]

    def trouble(self, lang: str) -> Trouble | None:
        self._root(lang)
        return self._troubles[lang]

    def parses(self, lang: str) -> bool:
        return self.trouble(lang) is None

    def codelike(self, lang: str) -> bool:
        return parsing.is_codelike(lang, self._root(lang))
