"""Rust: what its items are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^(?:#!?\[|(?:pub(?:\([^)\n]*\))?[ \t]+)?(?:(?:const|async|unsafe|extern(?:[ \t]+\"\w+\")?)[ \t]+)*"
    r"(?:fn[ \t]+\w|struct[ \t]+\w|enum[ \t]+\w|union[ \t]+\w|trait[ \t]+\w|impl\b|mod[ \t]+\w|use[ \t]+[\w:{]"
    r"|type[ \t]+\w|const[ \t]+\w|static[ \t]+\w|macro_rules!))",
    re.M,
)
NAME = re.compile(r"\b(?:fn|struct|enum|trait|mod|type|const|static)\s+(\w+)")


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind = node.type
    if kind in ("attribute_item", "inner_attribute_item"):
        return []  # it goes with the item that follows
    first, attributes = node, []
    while (before := first.prev_sibling) is not None and before.type in ("attribute_item", "line_comment"):
        if before.type == "attribute_item":
            attributes.append(code.of(before))
            first = before
        else:
            first = before
    text = "\n".join([*reversed(attributes), code.of(node)])
    if kind == "function_item":
        name = code.of(node.child_by_field_name("name"))
        if name == "main" or any(re.search(r"\b(?:test|bench)\b", one) for one in attributes):
            return [Piece(Kind.MAIN, text, frozenset({name}))]
        body = node.child_by_field_name("body")
        header = code.of(node) if body is None else code.text[code.start(node) : code.start(body)]
        return [Piece(Kind.DEFINITION, text, frozenset({name}), body is not None, header=header_of(header))]
    if kind == "mod_item" and (any("test" in one for one in attributes) or node.child_by_field_name("body") is None):
        return [Piece(Kind.MAIN, text, frozenset())]
    if kind in ("use_declaration", "extern_crate_declaration"):
        return [Piece(Kind.IMPORT, text, frozenset(_used(code, node)))]
    if kind == "impl_item":
        names = {_type(code, node.child_by_field_name("type"))}
        trait = node.child_by_field_name("trait")
        if trait is not None:
            names.add(_type(code, trait))
            header = header_of(text[: text.find("{")])
        else:
            header = header_of(text)
        return [Piece(Kind.DEFINITION, text, frozenset(names - {""}), header=header)]
    if kind == "trait_item":
        names = {code.of(node.child_by_field_name("name"))} | {
            code.of(one.child_by_field_name("name"))
            for one in walk(node)
            if one.type in ("function_signature_item", "function_item")
        }
        return [Piece(Kind.DEFINITION, text, frozenset(names), header=header_of(text))]
    if (kind.endswith("_item") and kind != "function_signature_item") or kind == "macro_definition":
        name = code.of(node.child_by_field_name("name"))
        return [Piece(Kind.DEFINITION, text, frozenset({name}), header=header_of(text))] if name else []
    return []


def _type(code: Code, node: Node | None) -> str:
    while node is not None and node.type == "generic_type":
        node = node.child_by_field_name("type")
    return code.of(node).split("::")[-1]


def _used(code: Code, node: Node) -> set[str]:
    """The names that a `use` brings; none can be said when it ends in a star."""
    text = code.of(node)
    if "*" in text:
        return set()
    text = re.sub(r"\b\w+\s+as\s+", "", text)
    text = re.sub(r"\b(\w+)::\{\s*self\b", r"\1, {", text)
    return set(re.findall(r"(\w+)\s*(?=[,;}]|$)", text)) - {"self"}
