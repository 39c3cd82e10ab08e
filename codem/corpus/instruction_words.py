"""What instructions ask for: the verb that opens the request, its object, and the topics that their words name.

    asked("Write a Python function that reverses a string.")     # Asked("write", "function")

Pictures of instruction sets usually show root verbs and their objects (Self-Instruct, Wang et al., 2023), found by a
parser. This does without one: an instruction for code nearly always has an imperative, so the verb is the first word
of a sentence or clause that is on a list of such verbs, and its object is the last word of the noun phrase after it.
What opens with no known verb is counted as that, and not guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from codem.corpus.instruction_topics import TOPICS

QUESTION = "(question)"
NONE = "(none found)"
LOOKED_AT = 600
"""Characters: the request stands at the beginning, and what follows may be a page of data."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VERBS = _words(
    """add adapt analyze apply arrange build calculate categorize change check choose classify clean code combine
    compare compile complete compose compute concatenate configure connect construct convert copy correct count
    create debug declare decode decrypt define delete derive describe design detect determine develop devise display
    divide download draw edit eliminate embed encode encrypt enhance enumerate estimate evaluate execute explain
    expand expose express extend extract fetch figure fill filter find finish fix flatten formulate format generate
    get give group handle identify illustrate implement import improve include increment insert inspect install
    integrate join label list load locate log loop make map mask match measure merge model modify monitor move
    multiply name normalize obtain open optimize order output parse partition perform pick plot predict prepare
    present print process produce program prove provide pull query randomize rank read rearrange reconstruct record
    recreate reduce refactor remove rename render reorder reorganize repeat replace represent resolve restructure
    retrieve return reverse revise rewrite rotate round run sanitize scrape search segment select send separate
    serialize set show shorten shuffle simplify simulate solve sort specify split store structure style sum
    summarize swap take tell test tokenize trace train transform translate transpose traverse trim try turn update
    use utilize validate verify visualize write"""
)
SPELLINGS = {
    "analyse": "analyze",
    "categorise": "categorize",
    "normalise": "normalize",
    "optimise": "optimize",
    "randomise": "randomize",
    "serialise": "serialize",
    "summarise": "summarize",
    "visualise": "visualize",
}
OPENERS = _words(
    """please now then also next first second third finally and or kindly simply additionally just again let's lets you
    i we want would like need have to can could should must will your our my the task goal job is was help me us how
    do does been tasked asked"""
)
"""Words that may stand before the verb of a request: `Could you please help me to write ...`."""
DETERMINERS = _words("the your my our")
ASKING = _words("what why how when where which who whose is are does do can could should will would")
BEFORE_NOUN = _words(
    """a an the this that these those some any all each every both another its their his her your my our me us one two
    three four five six seven eight nine ten following given new single multiple several"""
)
OF_WHAT = _words("set series couple pair number kind type piece version block bit collection snippet")
"""Nouns that only measure the one after `of`: a piece of code is code."""
NAMED_NEXT = _words("function method class program script struct procedure")
"""Nouns that often have a name after them, which is no noun: `a Go function addAll`."""
ENDS_PHRASE = _words(
    """to for in on at by from with without using into onto as if when where which who whose whether while and or but
    so then than that this is are was were be can could should will would has have having contains containing
    returns returning takes taking accepts accepting including called named given based written followed consisting
    between about over under within through via like such up out it they you per until after before against how what
    why of"""
)
WORD = re.compile(r"[^\W\d_](?:[\w'+#./-]*[\w+#])?|[,;:.!?()\[\]{}\"`\n]|\d\S*")
NAMED = re.compile(r"[a-z][a-z0-9+#.-]*")
"""With the dot of `node.js`: it is no node of a tree."""
FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.S)
BULLET = re.compile(
    r"(?m)^\s*(?:#+|[-*\u2022]|\(?\d+[.)]|[A-Za-z ]{0,24}(?:instruction|task|problem|prompt)\s*:)\s*", re.I
)
CLAUSE_ENDS = frozenset(',;:.!?()[]{}"`\n')


@dataclass(frozen=True)
class Asked:
    verb: str
    """In its plain form; `(question)` for a question, `(none found)` where no clause opens with a known verb."""
    object: str
    """The head of the noun phrase after the verb, in the singular; empty: none was found."""


def asked(instruction: str) -> Asked:
    """What the first request in an instruction asks for."""
    text = BULLET.sub("", FENCED.sub("\n", instruction)[:LOOKED_AT])
    clauses = _clauses(WORD.findall(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()))
    for clause, _ in clauses:
        for at, word in enumerate(clause):
            word = SPELLINGS.get(word, word)
            is_noun = clause[at + 1 : at + 2] == ["of"] or (at and clause[at - 1] in DETERMINERS)
            if word in VERBS and not is_noun:  # as in `sum of two numbers` and `the code`
                return Asked(word, _object(clause[at + 1 :]))
            if word not in OPENERS and not word.endswith("ly"):
                break
    is_question = any(end == "?" and clause[0] in ASKING for clause, end in clauses)
    return Asked(QUESTION if is_question else NONE, "")


def topics(instruction: str) -> list[str]:
    """Names in `TOPICS` of which the instruction has a word; most have several, some have none."""
    words = [word.rstrip(".-") for word in NAMED.findall(instruction.lower())]
    alone, text = set(words), f" {' '.join(words)} "
    return [name for name, (one, several) in TOPICS.items() if alone & one or any(f" {p} " in text for p in several)]


def counted(instructions: Iterable[str]) -> tuple[Counter[Asked], Counter[str], int]:
    """How often each verb with its object is asked for, how many instructions have each topic, and how many none."""
    verbs: Counter[Asked] = Counter()
    named: Counter[str] = Counter()
    without = 0
    for instruction in instructions:
        verbs[asked(instruction)] += 1
        found = topics(instruction)
        named.update(found)
        without += not found
    return verbs, named, without


def _clauses(words: list[str]) -> list[tuple[list[str], str]]:
    """(words, the mark that ends them)"""
    found: list[tuple[list[str], str]] = []
    clause: list[str] = []
    for word in [*words, "\n"]:
        if word not in CLAUSE_ENDS:
            clause.append(word)
        elif clause:
            found.append((clause, word))
            clause = []
    return found


def _object(words: list[str]) -> str:
    """The last word of the noun phrase: in English the head stands last (`a simple REST API endpoint`)."""
    head = ""
    for word in words:
        if word == "of" and head in OF_WHAT:
            head = ""
        elif word in ENDS_PHRASE and (head or word not in BEFORE_NOUN):
            break
        elif word not in BEFORE_NOUN and not word[0].isdigit():
            head = word
            if word in NAMED_NEXT:
                break
    return _singular(head)


def _singular(noun: str) -> str:
    if len(noun) > 4 and noun.endswith("ies"):
        return noun[:-3] + "y"
    if len(noun) > 4 and noun.endswith(("sses", "xes", "ches", "shes")):
        return noun[:-2]
    if len(noun) > 3 and noun.endswith("s") and not noun.endswith(("ss", "us", "is", "js", "css")):
        return noun[:-1]
    return noun
