"""JavaScript and TypeScript: what their top-level statements are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^(?:export\s+(?:default\s+)?)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:function\b|class\s+\w|interface\s+\w|type\s+\w|enum\s+\w|(?:const|let|var)\s+[\w{\[]"
    r"|import\s*[\w{*'\"]|namespace\s+\w"
    r"|(?:module\.)?exports\.\w+\s*=)",
    re.M,
)
NAME = re.compile(
    r"^(?:export\s+(?:default\s+)?)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:function\s*\*?|class|interface|type|enum|const|let|var|namespace)\s+(\w+)",
    re.M,
)
_FUNCTIONS = ("function_declaration", "generator_function_declaration", "function_signature")
_TYPES = (
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "type_alias_declaration",
    "enum_declaration",
    "internal_module",
    "module",
)
_VALUES = ("arrow_function", "function_expression", "generator_function", "class", "function")
_NAMES = ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern")


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind = node.type
    if kind == "export_statement":
        # `export` is for other files: here the function is called by its name
        inner = node.child_by_field_name("declaration")
        return [] if inner is None else describe(code, inner, wanted)
    if kind == "labeled_statement":  # "Note:" before a function is prose
        inner = node.child_by_field_name("body")
        return [] if inner is None else describe(code, inner, wanted)
    text = code.of(node)
    if kind in ("import_statement", "import_alias"):
        return [Piece(Kind.IMPORT, text, frozenset(_identifiers(code, node)))]
    if kind == "expression_statement" and node.named_children and node.named_children[0].type == "internal_module":
        node = node.named_children[0]
        kind = node.type
    if kind in _FUNCTIONS or kind in _TYPES:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        header = text if body is None else code.text[code.start(node) : code.start(body)]
        free, changes = _names(code, node)
        whole = body is not None or kind == "type_alias_declaration"
        return [
            Piece(
                Kind.DEFINITION,
                text,
                frozenset({code.of(name)}),
                whole,
                free=free,
                changes=changes,
                header=header_of(header),
            )
        ]
    if kind == "ambient_declaration":
        return [Piece(Kind.DEFINITION, text, frozenset(_identifiers(code, node)), whole=False)]
    if kind in ("lexical_declaration", "variable_declaration"):
        return [_variables(code, node)]
    if kind == "expression_statement":
        made = _assignment(code, node, wanted)
        if made is not None:
            return [made]
    free, changes = _names(code, node, top=True)
    return [Piece(Kind.SETUP, text, changes | _called(code, node), free=free, changes=changes)]


def _variables(code: Code, node: Node) -> Piece:
    declared = [one for one in node.named_children if one.type == "variable_declarator"]
    names: set[str] = set()
    values = []
    for one in declared:
        left = one.child_by_field_name("name")
        names |= set() if left is None else _identifiers(code, left)
        value = one.child_by_field_name("value")
        while value is not None and value.type == "parenthesized_expression" and value.named_children:
            value = value.named_children[0]
        values.append(value)
    free, changes = _names(code, node)
    text = code.of(node)
    if any(value is not None and value.type in _VALUES for value in values):
        first = next(value for value in values if value is not None)
        header = header_of(code.text[code.start(node) : code.start(first)])
        return Piece(Kind.DEFINITION, text, frozenset(names), free=free, header=header)
    if any(code.of(value).startswith("require(") for value in values):
        return Piece(Kind.IMPORT, text, frozenset(names))
    return Piece(Kind.SETUP, text, frozenset(names), free=free, changes=frozenset(names) | changes)


def _assignment(code: Code, node: Node, wanted: str) -> Piece | None:
    """`exports.f = (a) => ...` defines f where nothing else does; `module.exports = f` is for other files."""
    inner = node.named_children[0] if node.named_children else None
    if inner is None or inner.type != "assignment_expression":
        return None
    left, right = inner.child_by_field_name("left"), inner.child_by_field_name("right")
    name = code.of(left)
    if name.startswith(("module.exports", "exports")):
        if right is None or right.type not in _VALUES or name not in (f"module.exports.{wanted}", f"exports.{wanted}"):
            return Piece(Kind.MAIN, code.of(node), frozenset())
        free, _ = _names(code, node)
        text = f"const {wanted} = {code.of(right)};"
        return Piece(Kind.DEFINITION, text, frozenset({wanted}), free=free, header=header_of(name))
    if right is not None and right.type in _VALUES and left is not None and left.type == "identifier":
        free, _ = _names(code, right)
        return Piece(Kind.DEFINITION, code.of(node), frozenset({name}), free=free, header=header_of(name + "="))
    return None


def _called(code: Code, node: Node) -> frozenset[str]:
    call = node.named_children[0] if node.type == "expression_statement" and node.named_children else None
    if call is None or call.type != "call_expression":
        return frozenset()
    what = call.child_by_field_name("function")
    arguments = call.child_by_field_name("arguments")
    given = [] if arguments is None or code.of(what).startswith("console.") else arguments.named_children
    return frozenset({code.of(one) for one in given if one.type == "identifier"} | {f"{code.of(what)}()"})


def _names(code: Code, node: Node, top: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """What it takes from outside, and which outer names running it binds or changes."""
    bound, seen, touched = set(), set(), set()
    for one in walk(node):
        kind = one.type
        if kind in _NAMES or kind == "type_identifier":
            seen.add(code.of(one))
        if kind == "formal_parameters":
            bound |= _identifiers(code, one)
        elif kind == "arrow_function":
            single = one.child_by_field_name("parameter")
            bound |= set() if single is None else {code.of(single)}
        elif kind in ("variable_declarator", "catch_clause", "for_in_statement"):
            field = {"variable_declarator": "name", "catch_clause": "parameter"}.get(kind, "left")
            left = one.child_by_field_name(field)
            bound |= set() if left is None else _identifiers(code, left)
        elif kind in _FUNCTIONS and one != node:
            bound.add(code.of(one.child_by_field_name("name")))
        elif kind in ("assignment_expression", "augmented_assignment_expression"):
            touched.add(_base(code, one.child_by_field_name("left")))
        elif kind == "update_expression":
            touched.add(_base(code, one.child_by_field_name("argument")))
        elif kind == "call_expression":
            what = one.child_by_field_name("function")
            if what is not None and what.type == "member_expression":
                touched.add(_base(code, what))
    touched -= {"", "console"}
    if top:
        return frozenset(seen), frozenset(touched)
    return frozenset(seen - bound), frozenset(touched - bound)


def _identifiers(code: Code, node: Node) -> set[str]:
    return {code.of(one) for one in walk(node) if one.type in _NAMES}


def _base(code: Code, node: Node | None) -> str:
    while node is not None and node.type in ("member_expression", "subscript_expression", "call_expression"):
        node = node.named_children[0] if node.named_children else None
    return code.of(node) if node is not None and node.type == "identifier" else ""
