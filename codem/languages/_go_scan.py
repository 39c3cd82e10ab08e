"""What a Go file declares and imports, read without a parser: comments and texts in Go are regular enough for that.

When in doubt a program counts as one that declares too much: it is then kept apart, which costs time and no verdict.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

LITERAL = re.compile(r'//[^\n]*|/\*.*?(?:\*/|\Z)|`[^`]*(?:`|\Z)|"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?', re.S)
IMPORT = re.compile(
    r'^[ \t]*import\s*(?:\(([^)]{0,4000})\)|((?:[\w.]+\s+)?"[^"\n]+"))[ \t]*;?[ \t]*(?://[^\n]*)?$', re.M
)
SPEC = re.compile(r'(?:([\w.]+)\s+)?"([^"\n]+)"')
ANY_SPEC = re.compile(r'"((?:\\.|[^"\\\n])*)"|`([^`]*)`')
DIRECTIVE = re.compile(r"//go:(?:linkname|embed|cgo_\w+)")
TOKEN = re.compile(r"\w+|[(){}\[\];,=\n]")

# fmt: off
PLAIN_PACKAGES = frozenset((
    "bufio", "bytes", "container/heap", "container/list", "container/ring", "context", "crypto/md5", "crypto/sha1",
    "crypto/sha256", "encoding/base64", "encoding/binary", "encoding/hex", "errors", "fmt", "hash/crc32",
    "hash/fnv", "io", "math", "math/big", "math/bits", "math/cmplx", "math/rand", "os", "reflect", "regexp",
    "runtime", "sort", "strconv", "strings", "sync", "sync/atomic", "time", "unicode", "unicode/utf16",
    "unicode/utf8"
))
# fmt: on
"""What many programs may share in one binary: everything else starts with more, or is not there."""


@dataclass(frozen=True)
class Scan:
    names: frozenset[str]
    """Everything that is declared outside functions."""
    acts_at_start: bool
    """It has `init` or variables outside functions: they come to life in every process of its binary."""
    imports: frozenset[str]
    refused: str
    """Why such a program is not built at all; empty when it is."""


def blank(text: str) -> str:
    """The same length, with texts and comments blank."""
    return LITERAL.sub(lambda match: re.sub(r"\S", " ", match[0]), text)


def specs(text: str) -> list[tuple[str, str]]:
    """(name or nothing, path) of each import."""
    found = [spec for match in IMPORT.finditer(text) for spec in SPEC.findall(match[1] or match[2] or "")]
    return list(dict.fromkeys(found))


def scan(source: str) -> Scan:
    names, kinds = _declared(blank(source))
    imports, odd = _imported(source)
    directive = next((m[0] for m in LITERAL.finditer(source) if DIRECTIVE.match(m[0])), "")
    refused = ""
    if directive:
        refused = f"{directive.split()[0][2:]}: expected a program without directives to the compiler, found this one"
    elif odd:
        refused = f"import {odd}: expected packages by their plain names, found this one"
    return Scan(frozenset(names), "var" in kinds or "init" in names, frozenset(imports), refused)


def _imported(source: str) -> tuple[list[str], str]:
    """The paths, and one that is written so or called so that it might be a part of ours."""
    at = {match.start(): match[0] for match in LITERAL.finditer(source)}
    starts = sorted(at)
    plain, paths = blank(source), []
    end = 0
    for match in re.finditer(r"\bimport\b\s*(\(?)", plain):
        if match.start() < end:
            continue
        end = plain.find(")" if match[1] else "\n", match.end())
        end = len(plain) if end < 0 else end
        for start in starts[bisect.bisect_left(starts, match.start()) : bisect.bisect_left(starts, end)]:
            if at[start][0] not in '"`':
                continue
            spec = ANY_SPEC.match(at[start])
            path = (spec[1] or spec[2] or "") if spec else at[start]
            paths.append(path)
            if "\\" in path or path.split("/")[0] in ("codem", ".", ".."):
                return paths, at[start]
    return paths, ""


def _declared(plain: str) -> tuple[set[str], set[str]]:
    names: set[str] = set()
    kinds: set[str] = set()
    tokens = [match[0] for match in TOKEN.finditer(plain)]
    depth, at = 0, 0
    while at < len(tokens):
        token = tokens[at]
        depth += (token in "({[") - (token in ")}]")
        if depth == 0 and token in ("func", "var", "const", "type"):
            kinds.add(token)
            at += 1
            while at < len(tokens) and tokens[at] == "\n":
                at += 1
            if token == "func":
                if at < len(tokens) and tokens[at] != "(":  # a receiver: a method is no name outside
                    names.add(tokens[at])
                continue
            if at < len(tokens) and tokens[at] == "(":
                end = _closing(tokens, at)
                names.update(_leading(tokens[at + 1 : end]))
                at = end
            else:
                names.update(_listed(tokens, at))
            continue
        at += 1
    return names, kinds


def _closing(tokens: list[str], at: int) -> int:
    depth = 0
    for i in range(at, len(tokens)):
        depth += (tokens[i] == "(") - (tokens[i] == ")")
        if depth == 0:
            return i + 1
    return len(tokens)


def _listed(tokens: list[str], at: int) -> Iterator[str]:
    """Of `a, b int = 1, 2`: a and b."""
    while at < len(tokens):
        yield tokens[at]
        if tokens[at + 1 : at + 2] != [","]:
            return
        at += 2
        while at < len(tokens) and tokens[at] == "\n":
            at += 1


def _leading(tokens: list[str]) -> set[str]:
    """Of a group: the first word of each line, and what follows a comma: all that is declared there, and more."""
    names: set[str] = set()
    listing = True
    for token in tokens:
        if token in ("\n", ";"):
            listing = True
        elif listing and re.match(r"\w", token):
            names.add(token)
            listing = False
        elif token == ",":
            listing = True
    return names
