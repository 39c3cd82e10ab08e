"""Cut the program out of what a model wrote. The raw text is never changed; this can be run again without a GPU.

The model continues a prompt that ends in the function's signature. Its text may go on with the body, repeat the
signature, put everything in a fence, and explain before and after. The policy, in this order:

1. the first fenced block that defines the wanted function;
2. else the text from its own definition on, unless the text before it already is a whole body;
3. else the text (or a fenced block) continues the header.

Of the rest of the answer the program keeps what it needs by name. `docs/judge.md` states the rules one by one.
"""

from __future__ import annotations

import re

from codem.cutting import body
from codem.cutting.fences import Part, parts, without_marks
from codem.cutting.piece import Kind, Piece
from codem.cutting.plain import plain as plain_cut
from codem.cutting.select import select
from codem.cutting.survey import FAMILIES, Budget, survey
from codem.records import Problem

LONGEST = 100_000
"""Characters of an answer that are looked at: a model that wrote more ran on."""


def cut(problem: Problem, text: str) -> str:
    """The program of this answer: from the signature, or from what the answer itself defines first."""
    found = parts(without_marks(text[:LONGEST]))
    if problem.lang not in FAMILIES:
        return plain_cut(problem, found)
    budget = Budget()
    stretches = [_read(problem, part, budget) for part in found]

    plain = "".join(part.text for part in found[:1] if not part.fenced)
    for fenced in (True, False):
        for i, part in enumerate(found):
            if part.fenced is fenced and _defines(problem, stretches[i]):
                if not fenced and (own := _body_first(problem, plain, budget)) is not None:
                    return _program(problem, own, stretches[1:], fenced=False)
                return _program(problem, stretches[i], [*stretches[:i], *stretches[i + 1 :]], fenced=fenced)

    for strict in (True, False):
        for i, part in enumerate(found):
            continued = body.continued(problem, part.text, budget, strict)
            if continued is not None:
                return _program(problem, continued, [*stretches[:i], *stretches[i + 1 :]], fenced=False)
        # what defines it is cut short, or gives it the value of an expression
        for i, pieces in enumerate(stretches):
            if any(problem.entry_point in p.names and p.kind in (Kind.DEFINITION, Kind.SETUP) for p in pieces):
                return _program(problem, pieces, [*stretches[:i], *stretches[i + 1 :]], fenced=found[i].fenced)
    return problem.signature + (found[0].text if found else "")


def _defines(problem: Problem, pieces: list[Piece]) -> bool:
    return any(p.kind is Kind.DEFINITION and p.whole and problem.entry_point in p.names for p in pieces)


def _read(problem: Problem, part: Part, budget: Budget) -> list[Piece]:
    """The pieces of a part; once more without its indentation where the function is indented."""
    lang, name = problem.lang, problem.entry_point
    pieces = survey(lang, part.text, name, budget)
    if lang != "java" and not _defines(problem, pieces):
        straight = body.without_indentation(problem, part.text)
        if straight is not None:
            again = survey(lang, straight, name, budget)
            if _defines(problem, again):
                return again
    return pieces


def _body_first(problem: Problem, plain: str, budget: Budget) -> list[Piece] | None:
    """The text continues the signature, and what it defines later comes after that function's end.

    A model that runs on often writes the same function again, cut off by the token limit: the first one counts.
    """
    pieces = body.continued(problem, plain, budget) if plain.strip() else None
    if pieces is None or not pieces[0].parses or body.repeats(problem, pieces[0].text):
        return None
    return pieces


def _program(problem: Problem, own: list[Piece], others: list[list[Piece]], *, fenced: bool) -> str:
    rest = [piece for stretch in others for piece in stretch]
    supplied = _supplied(problem) if problem.prelude.strip() else frozenset()
    pieces = select(problem.lang, problem.entry_point, own, rest, fenced=fenced, supplied=supplied)
    if problem.lang == "python":
        pieces = sorted(pieces, key=lambda p: not p.text.startswith("from __future__"))
    return "\n\n".join(re.sub(r"^(?:[ \t]*\n)+", "", p.text).rstrip() for p in pieces) + "\n"


def _supplied(problem: Problem) -> frozenset[str]:
    """What the prelude defines and the answer cannot define again.

    In Python it can, and the answer's counts; in Rust it may import again; of a C or C++ prelude the runtime leaves
    out the functions that the answer brings.
    """
    if problem.lang == "python":
        return frozenset()
    pieces = survey(problem.lang, problem.prelude, problem.entry_point, Budget())
    if problem.lang == "rust":
        pieces = [p for p in pieces if p.kind is not Kind.IMPORT]
    if problem.lang in ("c", "cpp"):
        pieces = [p for p in pieces if "(" not in p.text.split("{")[0]]
    return frozenset(name for p in pieces for name in p.names)
