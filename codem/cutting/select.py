"""Which pieces of an answer are the program: the function, what it needs, and what was brought for it.

`own` are the pieces of the stretch that the function is taken from, `others` those of the rest of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codem.cutting.piece import Kind, Piece

SCOPED = ("python", "javascript", "typescript")
"""Where statements at the top level run before the tests, and may be demo code."""


def select(
    lang: str, wanted: str, own: Sequence[Piece], others: Sequence[Piece], *, fenced: bool, supplied: frozenset[str]
) -> list[Piece]:
    """supplied: what the benchmark's own prelude defines and what may not be defined a second time."""
    own = _once(lang, wanted, own)
    defined = {name for piece in own if piece.kind is not Kind.MAIN for name in piece.names}
    own = [p for p in own if not (p.names and p.names <= supplied and wanted not in p.names)]
    defined |= supplied
    others = [p for p in _once(lang, wanted, others) if wanted not in p.names and not (p.names and p.names <= defined)]
    own, others = _with_effects(own), _with_effects(others)

    kept = _needed(lang, wanted, own, others)
    if fenced:
        demo = _demo(wanted, own, kept)
        brought = [p for p in own if p.kind is Kind.DEFINITION and p.whole and p.parses]
        kept |= {id(p) for p in brought if id(p) not in demo}
        kept = _needed(lang, wanted, own, others, kept)
    kept |= _imports(own, kept)
    return [p for p in [*others, *own] if id(p) in kept]


def _once(lang: str, wanted: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The first whole definition counts: a model that runs on writes the same function again."""
    seen: set[tuple[frozenset[str], str]] = set()
    kept = []
    for piece in pieces:
        key = (piece.names, piece.header)
        if piece.kind is Kind.DEFINITION and piece.names and (lang not in SCOPED or wanted in piece.names):
            if key in seen or (not piece.whole and any(wanted in names and wanted in piece.names for names, _ in seen)):
                continue
            if piece.whole:
                seen.add(key)
        kept.append(piece)
    return kept


def _with_effects(pieces: Sequence[Piece]) -> list[Piece]:
    """A call `precompute()` gives values to the names that `precompute` changes."""
    changes = {f"{name}()": p.changes for p in pieces if p.kind is Kind.DEFINITION for name in p.names}
    found = []
    for piece in pieces:
        called = [changes[name] for name in piece.names if name in changes]
        if piece.kind is Kind.SETUP and called:
            names = piece.names.union(*called)
            piece = replace(piece, names=names)
        found.append(piece)
    return found


def _needed(
    lang: str, wanted: str, own: Sequence[Piece], others: Sequence[Piece], kept: set[int] | None = None
) -> set[int]:
    """The pieces that define what is used by the function, or by what it uses."""
    kept = set(kept or ())
    mine = {id(p) for p in own}
    words: set[str] = {wanted}
    free: set[str] = {wanted, "*"}
    pieces = [*own, *others]
    for piece in pieces:
        if id(piece) in kept:
            _take(piece, words, free)
    grew = True
    while grew:
        grew = False
        for piece in pieces:
            if id(piece) in kept or piece.kind is Kind.MAIN:
                continue
            if piece.kind is Kind.SETUP:
                take = bool(piece.names & free) and (wanted not in piece.words or wanted in piece.changes)
            elif not piece.names:
                take = piece.kind is Kind.DEFINITION and id(piece) in mine
            else:
                used = free if lang in SCOPED else words
                counts = piece.whole or wanted not in piece.names or id(piece) in mine
                take = bool(piece.names & used) and counts
            if take:
                kept.add(id(piece))
                _take(piece, words, free)
                grew = True
    if any(id(p) in kept for p in others):
        kept |= {id(p) for p in others if p.kind is Kind.IMPORT and not p.names and lang != "python"}
    return kept


def _take(piece: Piece, words: set[str], free: set[str]) -> None:
    words |= piece.words
    free |= piece.free if piece.parses else piece.words


def _demo(wanted: str, own: Sequence[Piece], kept: set[int]) -> set[int]:
    """What is not needed and uses the function, directly or not, shows it or tests it."""
    names: set[str] = {wanted}
    demo: set[int] = set()
    grew = True
    while grew:
        grew = False
        for piece in own:
            if piece.kind is Kind.DEFINITION and id(piece) not in kept | demo and piece.words & names:
                demo.add(id(piece))
                names |= piece.names
                grew = True
    return demo


def _imports(own: Sequence[Piece], kept: set[int]) -> set[int]:
    """All, but not those that only a dropped piece uses, nor nameless ones that no kept piece follows."""
    last = max((i for i, p in enumerate(own) if id(p) in kept), default=-1)
    dropped: set[str] = set()
    for piece in own:
        if id(piece) not in kept and piece.kind is not Kind.IMPORT:
            dropped |= piece.words
    return {
        id(p)
        for i, p in enumerate(own)
        if p.kind is Kind.IMPORT and i < last and not (p.names and p.names <= dropped and id(p) not in kept)
    }
