"""The functions of a piece of code, and the same code with one of them made hollow: it does nothing and gives nothing.

Tests that a hollow function passes test nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

KINDS = {
    "python": ("function_definition",),
    "javascript": ("function_declaration", "variable_declarator"),
    "typescript": ("function_declaration", "variable_declarator"),
    "c": ("function_definition",),
    "cpp": ("function_definition",),
    "java": ("method_declaration",),
    "go": ("function_declaration",),
    "rust": ("function_item",),
}
"""Node types by language."""
LANGUAGES = tuple(KINDS)
VALUES = ("arrow_function", "function_expression")
SCOPES = (*VALUES, "function_definition", "function_declaration", "method_definition", "class_definition", "class_body")
JAVA_NUMBERS = ("byte", "short", "int", "long", "float", "double", "char")


@dataclass(frozen=True)
class Function:
    name: str
    header: str
    """Its text up to the body."""
    hollow: str
    """All the code, this function's body taken out. It gives what is zero in its type, or nothing."""


def functions(lang: str, text: str) -> list[Function]:
    """Those that have a name and a body, in the order of the text; methods only in Java, and no function in another."""
    code = Code(lang, text)
    found = (_function(lang, code, node) for node in walk(code.root) if node.type in KINDS[lang])
    return [function for function in found if function is not None]


def _function(lang: str, code: Code, node: Node) -> Function | None:
    if lang in ("python", "javascript", "typescript") and not _is_outermost(node):
        return None
    whole, name = node, node.child_by_field_name("name")
    if lang in ("c", "cpp"):
        name = _declared(node)
    elif node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is None or value.type not in VALUES:
            return None
        whole = value
    body = whole.child_by_field_name("body")
    if name is None or body is None or not code.of(name).strip():
        return None
    start, end = code.start(body), code.end(body)
    header = code.text[code.start(node) : start]
    before, inside = _stub(lang, code, whole, body, header)
    hollow = code.text[: code.start(node)] + before + inside + code.text[end:]
    return Function(code.of(name), header, hollow)


def _is_outermost(node: Node) -> bool:
    """No method, and not inside another function."""
    at = node.parent
    while at is not None and at.type not in SCOPES:
        at = at.parent
    return at is None


def _declared(node: Node) -> Node | None:
    """The name in a declarator of C or C++, without what is around it."""
    at = node.child_by_field_name("declarator")
    while at is not None and at.type in ("pointer_declarator", "reference_declarator", "parenthesized_declarator"):
        at = at.child_by_field_name("declarator") or (at.named_children[-1] if at.named_children else None)
    if at is None or at.type != "function_declarator":
        return None
    name = at.child_by_field_name("declarator")
    return name if name is not None and name.type == "identifier" else None


def _stub(lang: str, code: Code, node: Node, body: Node, header: str) -> tuple[str, str]:
    """(the header, the body) of the hollow function."""
    if lang == "python":
        return header, "return None"
    if lang in ("javascript", "typescript"):
        nothing = "undefined as any" if lang == "typescript" else "undefined"
        return header, f"{{ return {nothing}; }}" if body.type == "statement_block" else f"({nothing})"
    if lang == "go":
        return _go(code, node, body, header)
    if lang == "rust":
        return header, "{ Default::default() }" if node.child_by_field_name("return_type") else "{ }"
    result = code.of(node.child_by_field_name("type")).strip()
    if lang == "java":
        zero = "0" if result in JAVA_NUMBERS else {"boolean": "false", "void": ""}.get(result, "null")
        return header, f"{{ return {zero}; }}"
    pointer = re.search(r"[*&]\s*$", re.split(r"\w+\s*\(", header, maxsplit=1)[0])
    if result == "void" and pointer is None:
        return header, "{ }"
    stars = "*" * re.split(r"\w+\s*\(", header, maxsplit=1)[0].count("*")
    if lang == "cpp":
        return header, f"{{ static {result} {stars}codem_zero{{}}; return codem_zero; }}"
    return header, f"{{ static {result} {stars}codem_zero; return codem_zero; }}"


def _go(code: Code, node: Node, body: Node, header: str) -> tuple[str, str]:
    """Results with names have values without being given any."""
    result = node.child_by_field_name("result")
    if result is None:
        return header, "{ }"
    kinds = [code.of(result)]
    if result.type == "parameter_list":
        given = result.named_children
        if any(one.child_by_field_name("name") is not None for one in given):
            return header, "{ return }"
        kinds = [code.of(one) for one in given]
    named = ", ".join(f"codem_{n} {kind}" for n, kind in enumerate(kinds))
    cut = len(header) - (code.start(body) - code.start(result))
    return f"{header[:cut]}({named}) ", "{ return }"
