"""C and C++: what their top-level declarations are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^(?:#|(?:const|constexpr|static|extern|inline|unsigned|signed|long|int|char|short|double|float|bool|_Bool|void|size_t"
    r"|struct|union|enum|typedef|using|template|class|namespace)\b(?=[ \t<*\n])"
    r"|(?!return\b|else\b|new\b|throw\b|case\b|goto\b)[A-Za-z_][\w:<>,\[\]*& \t]{0,120}[\s*&>]\w{1,80}\s*"
    r"\([^;{}]{0,400}\)[^;{}()=]{0,60}\{)",
    re.M,
)
NAME = re.compile(r"(\w+)\s*\(|\b(?:struct|class|union|enum|namespace)\s+(\w+)")
_NAMES = ("identifier", "qualified_identifier", "operator_name", "operator_cast")
_ALWAYS = ("preproc_include", "preproc_call", "using_declaration", "static_assert_declaration")


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind, text = node.type, code.of(node)
    if kind in ("preproc_def", "preproc_function_def"):
        return [Piece(Kind.DEFINITION, text.rstrip("\n"), frozenset({code.of(node.child_by_field_name("name"))}))]
    if kind in _ALWAYS or kind.startswith("preproc_"):
        return [Piece(Kind.IMPORT, text.rstrip("\n"), frozenset())]
    inner = node
    if kind == "template_declaration":
        inner = node.named_children[-1]
    if inner.type == "function_definition":
        name = _function_name(code, inner)
        if name == "main":
            return [Piece(Kind.MAIN, text, frozenset({"main"}))]
        body = inner.child_by_field_name("body")
        header = text if body is None else code.text[code.start(node) : code.start(body)]
        # an operator or a constructor has no name that others would write: it goes with its types
        names = {name} if name else _types(code, inner)
        return [Piece(Kind.DEFINITION, text, frozenset(names), body is not None, header=header_of(header))]
    if inner.type in ("struct_specifier", "class_specifier", "union_specifier", "namespace_definition"):
        name_node = inner.child_by_field_name("name")
        plain = name_node is not None and name_node.type != "template_type"
        names = {code.of(name_node)} if plain else _types(code, inner)
        whole = inner.child_by_field_name("body") is not None
        return [Piece(Kind.DEFINITION, text.rstrip(";") + ";", frozenset(names), whole, header=header_of(text[:80]))]
    if inner.type in ("declaration", "type_definition", "alias_declaration", "enum_specifier", "concept_definition"):
        names = _types(code, inner)
        function = any(one.type == "function_declarator" for one in inner.named_children)
        ending = "" if text.endswith((";", "}")) and inner.type != "enum_specifier" else ";"
        whole = not function and wanted not in names  # a variable of a body may bear the function's name
        return [Piece(Kind.DEFINITION, text + ending, frozenset(names), whole, header=header_of(text) + "proto")]
    if inner.type == "linkage_specification":
        return [Piece(Kind.DEFINITION, text, frozenset(_types(code, inner)))]
    return []


def _function_name(code: Code, node: Node) -> str:
    here = node.child_by_field_name("declarator")
    while here is not None and here.type not in _NAMES:
        inner = here.child_by_field_name("declarator")
        if inner is None:
            inner = next((one for one in here.named_children if one.type.endswith("declarator")), None)
        here = inner
    if here is None or here.type.startswith("operator"):
        return ""
    if here.type == "qualified_identifier":
        return code.of(here.child_by_field_name("scope")).split("<")[0]
    return code.of(here)


def _types(code: Code, node: Node) -> set[str]:
    return {code.of(one) for one in walk(node) if one.type in ("identifier", "type_identifier", "namespace_identifier")}
