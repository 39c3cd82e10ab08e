"""Functions that differ from a given one in a single place, as a hasty programmer's would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from codem.world.spec import Bin, Count, Function, If

SLIPS = {"<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="), "+": ("-",), "-": ("+",)}


def mutants(function: Function) -> Iterator[Function]:
    for body in _variants(function.body):
        yield replace(function, body=body)


def _variants(node: Any) -> Iterator[Any]:
    """Every tree that differs from `node` by one slip, here or further down."""
    if isinstance(node, tuple):
        for i, part in enumerate(node):
            yield from (node[:i] + (other,) + node[i + 1 :] for other in _variants(part))
            if isinstance(part, If):
                yield node[:i] + part.then + node[i + 1 :]
        return
    if not is_dataclass(node) or isinstance(node, type):
        return
    if isinstance(node, Bin):
        yield from (replace(node, op=op) for op in SLIPS.get(node.op, ()))
        if node.op in ("and", "or"):
            yield from (node.left, node.right, replace(node, op={"and": "or", "or": "and"}[node.op]))
    if isinstance(node, Count):
        yield replace(node, inclusive=not node.inclusive)
    for field in fields(node):
        yield from (replace(node, **{field.name: other}) for other in _variants(getattr(node, field.name)))
