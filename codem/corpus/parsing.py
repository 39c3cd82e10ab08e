"""Does a piece of code parse? By tree-sitter, which reads a function alone as well as a whole program.

What models write without a frame is accepted by the grammars: a Java method without a class, Go without a package,
statements at the top level. An elision (`...` for the rest of a body) is an error everywhere but in Python.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.cutting.syntax import walk

if TYPE_CHECKING:
    from tree_sitter import Language, Node

GRAMMARS = {
    "python": ("tree_sitter_python", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "java": ("tree_sitter_java", "language"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "html": ("tree_sitter_html", "language"),
}
LONGEST = 24_000
"""Characters that are read, more than a response has that is learned from. `a<a<a<...` in Java costs quadratic time,
more than a second for so many, and a limit in seconds would depend on the machine."""
_CODE_WORDS = ("call", "assign", "declar", "definition", "import", "include", "invocation", "method", "function")
_NO_CODE = {"expression_statement", "labeled_statement", "empty_statement", "pass_statement", "break_statement"}
_NO_CODE |= {"continue_statement", "function_modifiers", "assignment", "call", "call_expression"}
_TYPEID = re.compile(r"(\btypeid\s*\()([^()\n]+)\)")
_HTML_TAGS = frozenset(
    re.findall(
        r"\w+",
        """a abbr address article aside audio b blockquote body br button canvas caption center cite code col
    colgroup data
    datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer form frame frameset h1
    h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark marquee menu meta
    meter nav noscript object ol optgroup option output p param picture pre progress q s samp script section select
    small source span strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr
    track u ul var video wbr base area bdi bdo rp rt ruby slot""",
    )
)


@dataclass(frozen=True)
class Trouble:
    """The first thing that does not parse."""

    line: int
    """From 1, as `column`."""
    column: int
    text: str
    """The line itself, without its indentation, at most 100 characters."""
    what: str = ""

    def __str__(self) -> str:
        return self.at_line(self.line)

    def at_line(self, line: int) -> str:
        """In words, where the text is a part of a longer one."""
        return f"line {line}, column {self.column}{f' ({self.what})' if self.what else ''}: {self.text}"


def has_grammar(lang: str) -> bool:
    return lang in GRAMMARS


def tree(lang: str, text: str) -> Node | None:
    """The root of its tree; None: it is too long to be read."""
    from tree_sitter import Parser

    if len(text) > LONGEST:
        return None
    if lang == "cpp" and "typeid" in text:  # the grammar has no types there
        text = _TYPEID.sub(lambda match: match[1] + "x" * len(match[2]) + ")", text)
    data = (text + "\n").encode("utf-8", "surrogatepass")  # Go ends a statement with its line
    return Parser(_language(lang)).parse(data).root_node


def trouble(lang: str, text: str, root: Node | None) -> Trouble | None:
    """Of a text and its tree; None: it parses. HTML gives a tree for every text, as its standard does: only what a
    browser would lose is an error, a tag, a comment or a script that is cut off."""
    if root is None:
        return Trouble(1, 1, _shown(text, 0), f"longer than {LONGEST:,} characters, not read")
    if lang == "html":
        return _cut_off(text)
    if not root.has_error:
        return None
    for node in walk(root):
        if node.is_error or node.is_missing:
            row = node.start_point.row
            before = text.encode("utf-8", "surrogatepass")[node.start_byte - node.start_point.column : node.start_byte]
            what = f"expected {node.type}" if node.is_missing else ""
            return Trouble(row + 1, len(before.decode("utf-8", "replace")) + 1, _shown(text, row), what)
    return Trouble(1, 1, _shown(text, 0))


def is_codelike(lang: str, root: Node | None) -> bool:
    """Whether a tree without errors has anything but words and numbers in it: `Hello`, `x`, `ls -la`, `Output: 5` and
    `O(n)` parse in many languages."""
    if root is None:
        return False
    if lang == "html":
        return any(_is_tag(node) for node in walk(root))
    return any(_is_codelike(node) for node in walk(root))


def _is_codelike(node: Node) -> bool:
    kind = node.type
    if not node.is_named:
        return False
    if kind == "assignment":
        return node.child_by_field_name("right") is not None
    if kind in ("call", "call_expression"):
        return node.child_count > 0 and node.children[0].text not in (b"O", b"Theta", b"Omega")
    if kind in _NO_CODE:
        return False
    return kind.endswith("_statement") or any(word in kind for word in _CODE_WORDS)


def _is_tag(node: Node) -> bool:
    if node.type != "tag_name" or node.text is None:
        return False
    return node.text.decode("utf-8", "replace").lower() in _HTML_TAGS


def _cut_off(text: str) -> Trouble | None:
    """What is opened and never closed at the end of an HTML text."""
    tail = max((m.start() for m in re.finditer(r"<(?=[a-zA-Z/!])", text)), default=-1)
    if tail >= 0 and ">" not in text[tail:]:
        return _trouble_at(text, tail, "a tag that does not end")
    for opening, closing in (("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<textarea", "</text")):
        lower = text.lower()
        at = lower.rfind(opening)
        if at >= 0 and closing not in lower[at:] and not re.match(r"<\w+[^>]*/>", lower[at:]):
            return _trouble_at(text, at, f"{opening} without {closing}")
    return None


def _trouble_at(text: str, at: int, what: str) -> Trouble:
    row = text.count("\n", 0, at)
    return Trouble(row + 1, at - text.rfind("\n", 0, at), _shown(text, row), what)


def _shown(text: str, row: int) -> str:
    lines = text.split("\n")
    return lines[row].strip()[:100] if row < len(lines) else ""


def top_level(root: Node) -> Iterator[Node]:
    """The named nodes outside of everything, comments left out."""
    return (node for node in root.children if node.is_named and "comment" not in node.type)


@functools.cache
def _language(lang: str) -> Language:
    from tree_sitter import Language

    package, function = GRAMMARS[lang]
    return Language(getattr(importlib.import_module(package), function)())


def has_jsx(lang: str, text: str) -> bool:
    """Whether JavaScript or TypeScript has tags in it, which no compiler that is here takes."""
    if lang not in ("javascript", "typescript") or ("</" not in text and "/>" not in text):
        return False
    root = tree("tsx" if lang == "typescript" else lang, text)
    return root is not None and any(node.type.startswith("jsx_") for node in walk(root))
