"""Java: the members of the class that holds the function; other top-level classes become nested ones."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^[ \t]*(?:import\s+[\w.]|(?:(?:public|protected|private|static|final|abstract|sealed)\s+){0,5}"
    r"(?:class|interface|enum|record)\s+\w|(?:(?:public|protected|private|static|final)\s+){1,5}\w"
    r"|(?:@\w+\s+)?(?!return\b|else\b|new\b|throw\b|case\b|import\b|package\b)"
    r"[A-Za-z_<][\w<>,\[\]& \t.?]{0,120}[\s>\]]\w{1,80}\s*\([^;{}()]{0,400}\)[^;{}()=]{0,80}\{)",
    re.M,
)
NAME = re.compile(r"(\w+)\s*\(|\b(?:class|interface|enum|record)\s+(\w+)")
OPENING = re.compile(
    r"[ \t]*(?:(?:public|final|abstract|static)\s+){0,4}(?:class|interface|enum|record)\s+\w+[^{;\n]{0,200}\{"
)
_TYPES = (
    "class_declaration",
    "interface_declaration",
    "enum_declaration",
    "record_declaration",
    "annotation_type_declaration",
)
SOLUTION = "Solution"
"""The class that the runtime puts the members into."""


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind = node.type
    if kind == "import_declaration":
        text = code.of(node)
        last = text.rstrip("; \t\n").split(".")[-1].strip()
        return [Piece(Kind.IMPORT, text, frozenset() if last == "*" else frozenset({last}))]
    if kind in _TYPES:
        if _holds(code, node, wanted):
            return _members(code, node, wanted)
        name = code.of(node.child_by_field_name("name"))
        return [Piece(Kind.DEFINITION, _nested(code, node), frozenset({name}), header=header_of(f"class {name}"))]
    if kind == "method_declaration":
        name, body = code.of(node.child_by_field_name("name")), node.child_by_field_name("body")
        if name == "main":
            return [Piece(Kind.MAIN, code.of(node), frozenset({name}))]
        parameters = code.of(node.child_by_field_name("parameters"))
        header = header_of(name + parameters)
        return [Piece(Kind.DEFINITION, code.of(node), frozenset({name}), body is not None, header=header)]
    if kind in ("field_declaration", "local_variable_declaration"):
        names = {
            code.of(one.child_by_field_name("name")) for one in node.named_children if one.type == "variable_declarator"
        }
        # a variable of a body may bear the function's name
        whole = wanted not in names
        return [Piece(Kind.DEFINITION, code.of(node), frozenset(names), whole, header=header_of(code.of(node)))]
    if kind in ("static_initializer", "constructor_declaration", "compact_constructor_declaration"):
        return [Piece(Kind.IMPORT, code.of(node), frozenset())]
    return []


def _holds(code: Code, node: Node, wanted: str) -> bool:
    return any(
        one.type == "method_declaration" and code.of(one.child_by_field_name("name")) == wanted for one in walk(node)
    )


def _members(code: Code, node: Node, wanted: str) -> list[Piece]:
    """The class is opened up: its name becomes that of the class that the members are put into."""
    name, body = code.of(node.child_by_field_name("name")), node.child_by_field_name("body")
    if body is None or node.type in ("enum_declaration", "record_declaration"):
        return [Piece(Kind.DEFINITION, _nested(code, node), frozenset({name}))]
    found: list[Piece] = []
    for child in body.named_children:
        for piece in describe(code, child, wanted):
            text = piece.text
            if name != SOLUTION:
                text = re.sub(rf"(?<![\w\"']){re.escape(name)}(?=\s*[.(<]|\s+\w)", SOLUTION, text)
            if node.type == "interface_declaration":
                text = re.sub(r"^\s*default\s+", "", text)
            found.append(replace(piece, text=text))
    return found


def _nested(code: Code, node: Node) -> str:
    body = node.child_by_field_name("body")
    head = code.of(node) if body is None else code.text[code.start(node) : code.start(body)]
    rest = "" if body is None else code.of(body)
    head = re.sub(r"\b(?:public|static)\s+", "", head)
    return ("static " if node.type == "class_declaration" else "") + head + rest
