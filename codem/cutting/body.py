"""The answer goes on where the prompt ended: is header + text a whole function?"""

from __future__ import annotations

import re

from codem.cutting.piece import Kind, Piece
from codem.cutting.survey import Budget, survey
from codem.records import Problem

_STATEMENT = re.compile(r"^[ \t]*(?:return|yield|raise|pass|\.\.\.|if|for|while|with|try|def|assert)\b|[=(]", re.M)
"""A word of prose is a valid statement of Python, and a header with a docstring is a whole function."""
_LEAVES = re.compile(r"(?:return|raise|yield|if|else|for|while|with|try)\b")


def continued(problem: Problem, text: str, budget: Budget, strict: bool = True) -> list[Piece] | None:
    """The pieces of header + text, if the text closes what the header opens; else None.

    Python closes nothing: there the function must parse, and if nothing of the answer does, go by its indentation.
    """
    if not text.strip():
        return None
    python = problem.lang == "python"
    for candidate in _python_bodies(text) if python else [text]:
        whole = problem.signature + candidate
        pieces = survey(problem.lang, whole, problem.entry_point, budget)
        function = _function(problem, pieces)
        if function is None or (python and strict and not function.parses):
            continue
        end = whole.find(function.text) + len(function.text)
        body = whole[len(problem.signature) : end]
        if not python or (_STATEMENT.search(body) and _nothing_left(whole[end:])):
            return pieces
    return None


def _function(problem: Problem, pieces: list[Piece]) -> Piece | None:
    """The wanted function, if the header's own text became whole. A header may begin with other functions, or be that
    of a helper which the function follows."""
    first = next((p for p in pieces if p.kind is not Kind.IMPORT), None)
    if first is None or not first.whole or not problem.signature.strip().startswith(first.text.split("\n")[0].strip()):
        return None
    return next((p for p in pieces if p.kind is Kind.DEFINITION and p.whole and problem.entry_point in p.names), None)


def repeats(problem: Problem, text: str) -> bool:
    """The function holds another of its own name: then the model repeated the header, indented like a body."""
    name = re.escape(problem.entry_point)
    again = rf"\b(?:def|function|func|fn|const|let|var)[ \t]+{name}\b"
    if problem.lang in ("c", "cpp", "java"):
        again = rf"(?<!return)(?<!new)[\s*&>\]]{name}\s*\([^;{{}}()]{{0,400}}\)[^;{{}}()=]{{0,80}}\{{"
    return re.search(again, text[len(problem.signature) :]) is not None


def _nothing_left(after: str) -> bool:
    """No line of the body stands after the function's end."""
    line = next((line for line in after.split("\n") if line.strip() and not line.lstrip().startswith("#")), "x")
    return not line[0].isspace() and not re.match(r"return\b", line)


def _python_bodies(text: str) -> list[str]:
    """As it stands; its first line in line with the others; all of it indented."""
    lines = text.split("\n")
    first = next(i for i, line in enumerate(lines) if line.strip())
    own = len(lines[first]) - len(lines[first].lstrip())
    after = [line for line in lines[first + 1 :] if line.strip()]
    found = []
    if own:
        found.append(text)
    inner = [len(line) - len(line.lstrip()) for line in after if line[0] in " \t"]
    if inner and min(inner) != own and after[0][0] in " \t":
        width = min(inner)
        sample = next(line for line in after if line[0] in " \t" and len(line) - len(line.lstrip()) == width)
        aligned = [*lines[:first], sample[:width] + lines[first].lstrip(), *lines[first + 1 :]]
        found.append("\n".join(aligned))
    block = [] if own else _block(lines)
    if block:
        found.append("\n".join("    " + line if line.strip() else line for line in block))
    return found


def _block(lines: list[str]) -> list[str]:
    """Of a body without indentation: up to the last statement at the margin that may return, for prose may follow."""
    end = 1 + max((i for i, line in enumerate(lines) if _LEAVES.match(line)), default=-1)
    while end < len(lines) and (not lines[end].strip() or lines[end][0] in " \t)]}"):
        end += 1
    return lines[:end]


def without_indentation(problem: Problem, text: str) -> str | None:
    """The text moved to the margin by the indentation of the line that defines the function, if it has any."""
    name = re.escape(problem.entry_point)
    match = re.search(
        rf"^([ \t]+)(?:(?:async|export|pub)[ \t]+)?(?:def|function|func|fn|const|let|var|[\w:<>,*& ]{{1,60}})"
        rf"[ \t*&]+{name}\b",
        text,
        re.M,
    )
    if match is None or not _DEFINING[problem.lang].search(match[0]):
        return None
    lead = match[1]
    return "\n".join(line.removeprefix(lead) for line in text.split("\n"))


_DEFINING = {
    "python": re.compile(r"\bdef\b"),
    "javascript": re.compile(r"\b(?:function|const|let|var)\b"),
    "typescript": re.compile(r"\b(?:function|const|let|var)\b"),
    "go": re.compile(r"\bfunc\b"),
    "rust": re.compile(r"\bfn\b"),
    "c": re.compile(r"^[ \t]+(?!return\b|else\b)"),
    "cpp": re.compile(r"^[ \t]+(?!return\b|else\b)"),
}
