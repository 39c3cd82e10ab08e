"""A Java program's files: the answer as class Solution, the tests as class Main beside it, in one package.

The tests are compiled against the answer's own declarations, so every header is as good as it would be without us.
But wherever they call the answer, the result goes through `codem.Copy`; and the functions that the benchmark supplies
are there twice: for the answer to use, and out of its reach for the tests.
"""

from __future__ import annotations

import re

from codem.records import Problem

IMPORT = re.compile(r"\s*import\s+[\w.*\s]+;\s*$")
PACKAGE = re.compile(r"\s*package\s+[\w.]+;\s*$")
METHOD = re.compile(
    r"^[ \t]*(?:(?:public|private|static|final)[ \t]+)*[\w<>\[\], .?]+[ \t](\w+)[ \t]*\([^;{}]*\)[^;{}]*\{", re.M
)
LITERAL = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"""|\Z)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?(?:\*/|\Z)', re.S
)
RECEIVER = r"(?:\bnew\s+Solution\s*\(\s*\)|(?<![\w.])\w+)\s*\.\s*"

STATEMENTS = """\
class Main {
    static void codem_check(boolean ok) { if (!ok) throw new AssertionError(); }
    public static void main(String[] codem_arguments) throws Throwable {
        Solution codem_solution = new Solution();
"""
START = """
final class CodemStart {
    public static void main(String[] args) throws Throwable {
        byte[] mark = System.in.readAllBytes();
        java.io.FileOutputStream out = new java.io.FileOutputStream(java.io.FileDescriptor.out);
        Throwable error = null;
        try {
            Main.main(args);
        } catch (Throwable thrown) {
            error = thrown;
        }
        codem.Harness.end(mark, out, error, Main.class);
    }
}
"""


def assemble(problem: Problem, code: str) -> dict[str, str]:
    imports, given = _split(problem.prelude)
    own_imports, own = _split(code)
    helpers = [name for name, _, _ in _methods(given)]
    answer = f"{_without_repeated(given, own)}\n{own}"
    # the tests stand in another class, so the entry point itself must not be private
    answer = re.sub(rf"\bprivate\s+(?=[\w<>\[\], ?]{{0,300}}\b{re.escape(problem.entry_point)}\s*\()", "", answer)
    head = "\n".join(dict.fromkeys(imports + own_imports))
    tests = _statements(problem) if problem.style == "statements" else _program(problem, helpers)
    copy = f"\nfinal class CodemGiven {{\n{given}\n}}\n" if helpers else ""
    return {
        "Solution.java": f"{head}\n\nclass Solution {{\n{answer}\n}}\n",
        "Main.java": "\n".join(imports) + "\n" + tests + copy + START,
    }


def _split(text: str) -> tuple[list[str], str]:
    """The imports, and the rest without a package's name."""
    imports, rest = [], []
    for line in text.split("\n"):
        if IMPORT.match(line):
            imports.append(line.strip())
        elif not PACKAGE.match(line):
            rest.append(line)
    return imports, "\n".join(rest)


def _methods(text: str) -> list[tuple[str, int, int]]:
    """(name, start, end) of what the benchmark supplies as members of the class."""
    plain = _plain(text)
    found: list[tuple[str, int, int]] = []
    for match in METHOD.finditer(plain):
        if not found or match.start() >= found[-1][2]:
            found.append((match[1], match.start(), _closing(plain, match.end(), "{}")))
    return found


def _without_repeated(given: str, answer: str) -> str:
    """An answer may repeat the functions that it was given."""
    plain = _plain(answer)
    for name, start, end in reversed(_methods(given)):
        if re.search(rf"[\w>\]][ \t]+{re.escape(name)}[ \t]*\([^;{{}}()]{{0,500}}\)[^;{{}}()=]{{0,200}}\{{", plain):
            given = given[:start] + given[end:]
    return given


def _statements(problem: Problem) -> str:
    name = re.escape(problem.entry_point)
    return STATEMENTS + _calls(problem.tests, r"(?<![\w.])", name, "codem.Copy.of(codem_solution.") + "    }\n}\n"


def _program(problem: Problem, helpers: list[str]) -> str:
    imports, tests = _split(problem.tests)
    for name in helpers:
        if name != problem.entry_point:
            tests = _calls(tests, RECEIVER, re.escape(name), "(new CodemGiven().", keep=False)
    tests = _calls(tests, RECEIVER, re.escape(problem.entry_point), "codem.Copy.of(")
    return "\n".join(imports) + "\n" + tests


def _calls(text: str, receiver: str, name: str, opening: str, keep: bool = True) -> str:
    """Every call of `name` with `opening` before it and a parenthesis behind it; keep: also what it is called on."""
    plain = _plain(text)
    edits: list[tuple[int, int, str]] = []
    for match in re.finditer(rf"({receiver}){name}\s*\(", plain):
        at = _closing(plain, match.end(), "()")
        edits.append((match.start(), match.start() if keep else match.end(1), opening))
        edits.append((at, at, ")"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _plain(text: str) -> str:
    """The same length, with texts and comments blank."""
    return LITERAL.sub(lambda match: re.sub(r"\S", " ", match[0]), text)


def _closing(plain: str, at: int, pair: str) -> int:
    """After what closes the one that was opened just before `at`."""
    depth = 1
    while depth and at < len(plain):
        depth += (plain[at] == pair[0]) - (plain[at] == pair[1])
        at += 1
    return at
