"""Python: what its top-level statements are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codem.cutting.piece import Kind, Piece, header_of
from codem.cutting.syntax import Code, walk

if TYPE_CHECKING:
    from tree_sitter import Node

ANCHOR = re.compile(
    r"^(?:@\w|(?:async[ \t]+)?def[ \t]|class[ \t]+\w|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b"
    r"|[A-Za-z_]\w{0,80}[ \t]*(?::[^=\n]{1,80})?=(?!=))",
    re.M,
)
NAME = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.M)

_SCOPES = ("function_definition", "lambda", "class_definition")
_TARGETS = ("identifier", "pattern_list", "tuple_pattern", "list_pattern")


def describe(code: Code, node: Node, wanted: str) -> list[Piece]:
    kind = node.type
    if kind in ("import_statement", "import_from_statement", "future_import_statement"):
        return [Piece(Kind.IMPORT, code.of(node), _imported(code, node))]
    inner = node.child_by_field_name("definition") if kind == "decorated_definition" else node
    if inner is not None and inner.type in ("function_definition", "class_definition"):
        name, body = inner.child_by_field_name("name"), inner.child_by_field_name("body")
        if body is None or body.start_byte == body.end_byte:
            return [Piece(Kind.DEFINITION, code.of(node), frozenset({code.of(name)}), whole=False)]
        free, changes = _names(code, node)
        sound = _indented(code, inner)
        # an @overload is a stub beside the function itself
        header = code.text[code.start(node) : code.start(inner)] if kind == "decorated_definition" else ""
        header = "overload" if "overload" in header else code.of(name)
        return [Piece(Kind.DEFINITION, code.of(node), frozenset({code.of(name)}), True, sound, free, changes, header)]
    if kind == "type_alias_statement":
        return [Piece(Kind.DEFINITION, code.of(node), frozenset({code.of(node.child_by_field_name("left"))}))]
    if kind == "if_statement" and "__name__" in code.of(node.child_by_field_name("condition")):
        return [Piece(Kind.MAIN, code.of(node), frozenset())]
    free, changes = _names(code, node, top=True)
    value = _assigned(node)
    if value is not None and value.type == "lambda":
        return [Piece(Kind.DEFINITION, code.of(node), changes, free=free, header=header_of(code.of(node)))]
    return [Piece(Kind.SETUP, code.of(node), changes | _called(code, node), free=free, changes=changes)]


def _indented(code: Code, node: Node) -> bool:
    """What the parser forgives and Python does not: a block without a line, and lines of a block that do not align."""
    for one in walk(node):
        if one.type != "block":
            continue
        if one.start_byte == one.end_byte:
            return False
        columns, row = set(), -1
        for child in one.named_children:
            if child.type != "comment" and child.start_point.row != row:
                columns.add(child.start_point.column)
            row = child.end_point.row
        if len(columns) > 1:
            return False
    return True


def _assigned(node: Node) -> Node | None:
    if node.type != "expression_statement" or not node.named_children:
        return None
    inner = node.named_children[0]
    return inner.child_by_field_name("right") if inner.type == "assignment" else None


def _called(code: Code, node: Node) -> frozenset[str]:
    """`fill(table)` at the top level may change what is given to it, and `precompute()` whatever it pleases."""
    call = node.named_children[0] if node.type == "expression_statement" and node.named_children else None
    if call is None or call.type != "call":
        return frozenset()
    what = code.of(call.child_by_field_name("function"))
    if what == "sys.setrecursionlimit":
        return frozenset({"*"})
    arguments = call.child_by_field_name("arguments")
    given = [] if arguments is None or what == "print" else arguments.named_children
    return frozenset({code.of(one) for one in given if one.type == "identifier"} | {f"{what}()"})


def _imported(code: Code, node: Node) -> frozenset[str]:
    if node.type == "future_import_statement":
        return frozenset()
    names = set()
    for child in node.children_by_field_name("name"):
        alias = child.child_by_field_name("alias")
        names.add(code.of(alias) if alias is not None else code.of(child).split(".")[0])
    return frozenset(names)


def _names(code: Code, node: Node, top: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """What it takes from outside, and which outer names running it binds or changes."""
    bound, seen, outer, touched = set(), set(), set(), set()
    for one in walk(node):
        kind = one.type
        if kind == "identifier":
            parent = one.parent
            if parent is not None and (
                (parent.type == "attribute" and parent.child_by_field_name("attribute") == one)
                or (parent.type == "keyword_argument" and parent.child_by_field_name("name") == one)
            ):
                continue
            seen.add(code.of(one))
        elif kind in ("global_statement", "nonlocal_statement"):
            outer |= {code.of(child) for child in one.named_children}
        elif kind in ("parameters", "lambda_parameters"):
            bound |= _identifiers(code, one)
        elif kind in ("assignment", "augmented_assignment", "for_statement", "for_in_clause", "named_expression"):
            left = one.child_by_field_name("left") or one.child_by_field_name("name")
            if left is not None and left.type in _TARGETS:
                bound |= _identifiers(code, left)
            elif left is not None:
                touched.add(_base(code, left))
        elif kind in ("as_pattern_target", "import_statement", "import_from_statement"):
            bound |= _identifiers(code, one)
        elif kind in ("function_definition", "class_definition") and (top or one != node):
            bound.add(code.of(one.child_by_field_name("name")))
        elif kind == "call":
            what = one.child_by_field_name("function")
            if what is not None and what.type == "attribute":
                touched.add(_base(code, what))
    if top:
        return frozenset(seen), frozenset((bound | touched) - {""})
    bound -= outer
    return frozenset(seen - bound), frozenset((touched - bound) | outer)


def _identifiers(code: Code, node: Node) -> set[str]:
    return {code.of(one) for one in walk(node) if one.type == "identifier"}


def _base(code: Code, node: Node) -> str:
    """`table` of `table[0].x`"""
    here: Node | None = node
    while here is not None and here.type in ("attribute", "subscript", "call"):
        here = here.named_children[0] if here.named_children else None
    return code.of(here) if here is not None and here.type == "identifier" else ""
