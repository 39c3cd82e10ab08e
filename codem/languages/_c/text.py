"""What the text of a C or C++ program declares, and whether it may share a translation unit with others.

No parser: a strict list of what is understood. What is not on it is compiled alone, so a doubt costs time only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from codem.languages._c import words as c_words

_LEXICAL = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)"""
    r"""|"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
    r"""|(?P<open>"(?:[^"\\\n]|\\.)*+|'(?:[^'\\\n]|\\.)*+)""",
    re.S,
)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(?:<([\w./+-]+)>|\"([\w./+-]+)\")[ \t]*(?://[^\n]*)?$", re.M)
_DIRECTIVE = re.compile(r"^[ \t]*#", re.M)
# Other spellings of #, { and }, raw strings and spliced lines would hide from this scanner what the compiler sees.
_ODD = re.compile(r"\?\?|<%|%>|%:|<:|:>|\b(?:u8|[uUL])?R\"|[^\x00-\x7f]|[\x00-\x08\x0b-\x1f]")
_SPLICE = re.compile(r"\\[ \t]*\n")
_LONGEST = 16_000
"""Characters; the patterns below take too long on longer, hostile texts."""
# What acts, or may act, on more than the program itself, or reads differently inside a namespace.
_ALONE = re.compile(
    r"\b(?:asm|operator|extern|friend|thread_local|alignas|main|constexpr|dl[a-z]*(?:open|sym|addr|info|phdr)|codem\w*)\b"
    r"|\b(?:__|_[A-Z])\w*"
    r"|\[\s*\[|\btemplate\s*<\s*>|->\s*(?:auto|decltype)",
    re.M,
)
_ALONE_C = re.compile(
    r"\b(?:asm|extern|main|dl[a-z]*(?:open|sym|addr|info|phdr)|codem\w*)\b|\b(?:__|_(?!Bool\b)[A-Z])\w*"
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_TYPE = r"(?:(?:const|unsigned|signed|long|short|struct|enum)\s+)*(?:\w+\s*::\s*)?[A-Za-z_]\w*(?:\s*<[\w\s:,<>*&]*>)?"
_FUNCTION = re.compile(
    r"^(?:template\s*<[\w\s,=]*>\s*)?(?:(?:static|inline)\s+)*"
    rf"{_TYPE}(?:[\s*&]|(?<![\w])(?:const|long|int|double|char)\b)*(?<=[\s*&>])([A-Za-z_]\w*)\s*\(([^;{{}}=]*)\)$"
)
_CONSTANT = re.compile(
    r"^(?:static\s+)?const\s+(?:unsigned\s+|long\s+)*(?:int|long|double|float|char|bool|size_t)\s+(\w+)\s*=\s*"
    r"-?[\d.][\w.+-]*$"
)
_TYPEDEF = re.compile(r"^typedef\s[\w\s:<>,*&]*[\s*&>]([A-Za-z_]\w*)(?:\s*\[\w*\])*$")
_ALIAS = re.compile(r"^using\s+([A-Za-z_]\w*)\s*=[\w\s:<>,*&]+$")
_USING = re.compile(r"^using\s+(?:namespace\s+std|std\s*::\s*\w+)$")
_AGGREGATE = re.compile(r"^(typedef\s+)?(?:struct|class|union|enum(?:\s+(?:class|struct))?)\b\s*([A-Za-z_]\w*)?\s*$")
_PARAMETER = re.compile(rf"^{_TYPE}(?:\s*(?:\*|&|const\b))*(?:\s+|(?<=[*&]))?[A-Za-z_]\w*(?:\s*\[\w*\])*$")
_PLAIN_TYPE = re.compile(
    r"^(?:(?:const|unsigned|signed|long|short|int|char|bool|_Bool|float|double|void|string|std::string|size_t)\b[\s*&]*)+$"
)
_OBJECTS = re.compile(
    r"(?:\b(?:int|long|short|char|float|double|bool|auto|unsigned|string)|>)[\s*&]+(?=([A-Za-z_][^;(){}]{0,200}))"
)
_GLOBAL = re.compile(r"(?:^|[^\w>])::\s*(\w*)", re.M)
_NO_NAME = frozenset(
    ["return", "if", "else", "while", "for", "do", "switch", "case", "new", "delete", "sizeof", "throw", "goto"]
)


def masked(text: str) -> str:
    """Comments and the insides of strings as blanks: every other character stays at its place."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if match["open"]:  # the one quote that stays tells that the text is not understood
            return found[0] + re.sub(r"[^\n]", " ", found[1:])
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return _LEXICAL.sub(blank, text)


def identifiers(text: str) -> set[str]:
    return set(_WORD.findall(masked(text)))


def includes(text: str) -> list[str]:
    """The headers that a text names, in their order."""
    return [match[1] or match[2] for match in INCLUDE.finditer(_without_comments(text))]


def without_includes(text: str) -> str:
    """Line for line the same, the includes left empty."""
    kept = _without_comments(text)
    for match in reversed(list(INCLUDE.finditer(kept))):
        text = text[: match.start()] + text[match.end() :]
    return text


def _without_comments(text: str) -> str:
    # an include's name stands in a kind of string, so only comments are blanked here
    return _LEXICAL.sub(lambda m: re.sub(r"[^\n]", " ", m[0]) if m[0].startswith(("//", "/*")) else m[0], text)


@dataclass(frozen=True)
class Piece:
    """One thing declared outside all braces."""

    start: int
    end: int
    names: tuple[str, ...]
    """What it declares."""
    defines: bool
    """A function with its body."""


def pieces(text: str) -> list[Piece] | None:
    """The declarations of a text without directives, in their order; None if one is not understood."""
    plain = masked(text)
    found: list[Piece] = []
    at = 0
    while match := re.compile(r"\S").search(plain, at):
        start = match.start()
        piece = _piece(plain, start)
        if piece is None:
            return None
        found.append(piece)
        at = piece.end
    return found


def _piece(plain: str, start: int) -> Piece | None:
    stop = re.compile(r"[;{}]").search(plain, start)
    if stop is None or stop[0] == "}":
        return None
    head = " ".join(plain[start : stop.start()].split())
    if len(head) > 2000:
        return None
    if stop[0] == ";":
        names = _simple(head)
        return None if names is None else Piece(start, stop.end(), names, False)
    end = _closing(plain, stop.start())
    if end is None:
        return None
    inside = plain[stop.end() : end - 1]
    if match := _AGGREGATE.match(head):
        tail = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*)?;").match(plain, end)
        if tail is None or (tail[1] and not match[1]) or re.search(r"\b(?:static|inline)\b", inside):
            return None
        declares = [name for name in (match[2], tail[1]) if name]
        if "enum" in head.split():
            declares += [word[0] for part in inside.split(",") if (word := _WORD.search(part))]
        return Piece(start, tail.end(), tuple(declares), False)
    match = _FUNCTION.match(head)
    if match is None or match[1] in _NO_NAME:
        return None
    return Piece(start, end, (match[1],), True)


def _simple(head: str) -> tuple[str, ...] | None:
    if not head or _USING.match(head):
        return ()
    for pattern in (_CONSTANT, _TYPEDEF, _ALIAS):
        if match := pattern.match(head):
            return (match[1],)
    if match := re.match(r"^(?:struct|class|union)\s+([A-Za-z_]\w*)$", head):
        return (match[1],)
    match = _FUNCTION.match(head)
    if match is None or match[1] in _NO_NAME or head.startswith("return"):
        return None
    # `vector<int> v(n);` is an object with an initialiser, not a prototype
    parameters = split_commas(match[2])
    if all(_PLAIN_TYPE.match(one) or _PARAMETER.match(one) for one in parameters):
        return (match[1],)
    return None


def _closing(plain: str, at: int) -> int | None:
    depth = 0
    for match in re.compile(r"[{}]").finditer(plain, at):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    return None


def split_commas(text: str) -> list[str]:
    """At the commas outside all brackets; nothing for an empty text."""
    parts, depth, last = [], 0, 0
    for at, c in enumerate(text):
        depth += (c in "(<[{") - (c in ")>]}")
        if c == "," and depth == 0:
            parts.append(text[last:at])
            last = at + 1
    return [part.strip() for part in [*parts, text[last:]] if part.strip()]


def shareable(text: str, is_cpp: bool) -> tuple[str, ...] | None:
    """The names that a text declares if it may stand among other programs; None if it must be compiled alone."""
    bare = _without_comments(text)
    if len(text) > _LONGEST or _ODD.search(bare) or _SPLICE.search(text):
        return None
    body = without_includes(text)
    plain = masked(body)
    if _DIRECTIVE.search(plain) or re.search("[\"']", re.sub("\" *\"|' *'", "", plain)):
        return None
    if (_ALONE if is_cpp else _ALONE_C).search(plain):
        return None
    if re.search(r"\bnamespace\b", re.sub(r"\busing\s+namespace\s+std\s*;", "", plain)):
        return None
    last = max((match.end() for match in INCLUDE.finditer(bare)), default=0)
    if re.sub(r"\busing\s+namespace\s+std\s*;|\btypedef\b[^;{]*;", "", INCLUDE.sub("", bare[:last])).strip():
        return None  # what stands before an include does not see what the include declares
    found = pieces(body)
    if found is None:
        return None
    names = tuple(dict.fromkeys(name for piece in found for name in piece.names))
    # in a namespace its own names would not be found there
    return None if {"", *names}.intersection(_GLOBAL.findall(plain)) else names


def free_words(text: str) -> set[str]:
    """The words that may mean something from a header: not keywords, not members, not the program's own objects."""
    plain = masked(without_includes(text))
    members = re.compile(r"(?:(?<!\.)\.(?![.\d])|->|>\s*::|\bstring\s*::)\s*[A-Za-z_]\w*")
    lists = (re.findall(r"(?:^|,)[\s*&]*([A-Za-z_]\w*)", match[1]) for match in _OBJECTS.finditer(plain))
    own = {name for names in lists for name in names} - set(re.findall(r"([A-Za-z_]\w*)\s*(?:\(|::)", plain))
    return set(_WORD.findall(members.sub(" ", plain))) - c_words.CPP_KEYWORDS - own


def without_functions(text: str, names: set[str]) -> str:
    """A prelude without the helper functions that the answer defines again, as answers that repeat the prompt do."""
    if not names:
        return text
    blanked = re.sub(r"^[ \t]*#[^\n]*$", lambda m: " " * len(m[0]), text, flags=re.M)
    for piece in reversed(pieces(blanked) or []):
        if piece.defines and names.intersection(piece.names):
            text = text[: piece.start] + re.sub(r"[^\n]", "", text[piece.start : piece.end]) + text[piece.end :]
    return text


def without_prototypes(text: str, name: str) -> str:
    """Line for line the same, without mere declarations of that name outside all braces."""
    blanked = re.sub(r"^[ \t]*#[^\n]*$", lambda m: " " * len(m[0]), text, flags=re.M)
    for piece in reversed(pieces(blanked) or []):
        if not piece.defines and name in piece.names:
            text = text[: piece.start] + re.sub(r"[^\n]", " ", text[piece.start : piece.end]) + text[piece.end :]
    return text


def defined_functions(text: str) -> set[str]:
    """The functions that a text seems to define outside all braces; a guess, for texts of any kind."""
    plain = masked(re.sub(r"^[ \t]*#[^\n]*$", "", text[:_LONGEST], flags=re.M))
    found, at = set(), 0
    while match := re.compile(r"\{").search(plain, at):
        head = re.search(r"([A-Za-z_]\w*)\s*\([^{};]*\)\s*$", plain[max(at, match.start() - 2000) : match.start()])
        if head and head[1] not in _NO_NAME:
            found.add(head[1])
        at = _closing(plain, match.start()) or len(plain)
    return found
