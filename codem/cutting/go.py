"""Go: what its top-level declarations are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^(?:func[ \t]*[\w(]|type[ \t]+\w|(?:const|var)[ \t]*[\w(]|import[ \t]*[\w(\"]|package[ \t]+\w)", re.M
)
NAME = re.compile(r"^func[ \t]*(?:\([^)\n]*\)[ \t]*)?(\w+)|^type[ \t]+(\w+)", re.M)
_TEST = re.compile(r"(?:Test|Benchmark|Example)(?![a-z])")


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind, text = node.type, code.of(node)
    if kind == "import_declaration":
        return [Piece(Kind.IMPORT, text, frozenset(_packages(code, node)))]
    if kind == "function_declaration":
        name, body = code.of(node.child_by_field_name("name")), node.child_by_field_name("body")
        if name in ("main", "init") or (_TEST.match(name) and "testing." in text):
            return [Piece(Kind.MAIN, text, frozenset({name}))]
        header = text if body is None else code.text[code.start(node) : code.start(body)]
        return [Piece(Kind.DEFINITION, text, frozenset({name}), body is not None, header=header_of(header))]
    if kind == "method_declaration":
        receiver = node.child_by_field_name("receiver")
        types = set() if receiver is None else {code.of(one) for one in walk(receiver) if one.type == "type_identifier"}
        body = node.child_by_field_name("body")
        header = text if body is None else code.text[code.start(node) : code.start(body)]
        return [Piece(Kind.DEFINITION, text, frozenset(types), body is not None, header=header_of(header))]
    if kind in ("type_declaration", "const_declaration", "var_declaration"):
        names = {
            code.of(name)
            for spec in walk(node)
            if spec.type in ("type_spec", "type_alias", "const_spec", "var_spec")
            for name in spec.children_by_field_name("name")
        }
        return [Piece(Kind.DEFINITION, text, frozenset(names), header=header_of(text))]
    return []


def _packages(code: Code, node: Node) -> set[str]:
    names = set()
    for spec in walk(node):
        if spec.type == "import_spec":
            path = code.of(spec.child_by_field_name("path")).strip('"`')
            names.add(code.of(spec.child_by_field_name("name")) or path.rsplit("/", 1)[-1])
    return names
