"""What passes between the two processes of a Python program: plain values, whatever the answer made them of.

Runs inside the sandbox, as the first part of `_python_harness.py`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these costs more than most answers take
    from collections.abc import Callable
    from typing import Any

MUTABLE = (list, dict, set, bytearray)


class Opaque:
    """Stands for what only the answer's process can hold. Equal to itself alone."""

    def __init__(self, kind: str):
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"


class View(Opaque):
    """`dict.values()` and the like: equal to nothing, but can be gone through."""

    def __init__(self, kind: str, items: list):
        super().__init__(kind)
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Remote(Opaque):
    """A generator, a map, a zip ...: its items are asked for one by one, because they may have no end."""

    def __init__(self, kind: str, following: Callable[[], Any]):
        super().__init__(kind)
        self.following = following

    def __iter__(self):
        return self

    def __next__(self):
        return self.following()


def encode(value: Any, iterators: dict[int, Any]) -> Any:
    """A tree of lists, tags and constants. Subclasses become their base, read by the base's own methods."""
    kind = type(value)
    if kind in (int, str, float, bool, complex, bytes) or value is None or value is Ellipsis:
        return value

    def all_of(items) -> list:
        return [encode(item, iterators) for item in items]

    if isinstance(value, int):
        return int.__index__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, complex):
        return complex.__pos__(value)
    if isinstance(value, bytes):
        return bytes.__add__(value, b"")
    if isinstance(value, bytearray):
        return ("bytearray", bytes(bytearray.copy(value)))
    if isinstance(value, list):
        return all_of(list.__iter__(value))
    if isinstance(value, dict):
        return ("dict", [all_of(pair) for pair in dict.items(value)])
    if isinstance(value, tuple):
        return ("tuple", all_of(tuple.__iter__(value)))
    if isinstance(value, set):
        return ("set", all_of(set.__iter__(value)))
    if isinstance(value, frozenset):
        return ("frozenset", all_of(frozenset.__iter__(value)))
    if kind is range:
        return ("range", [value.start, value.stop, value.step])
    if kind is type({}.keys()):
        return ("keys", all_of(value))
    if kind is type({}.values()) or kind is type({}.items()):
        return ("view", kind.__name__, all_of(value))
    made = MAKERS.get((kind.__module__, kind.__name__))
    if made is not None and getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind:
        return ("made", kind.__module__, kind.__name__, all_of(made(value)))
    if hasattr(kind, "__next__"):
        number = len(iterators)
        iterators[number] = value
        return ("iterator", kind.__name__, number)
    return ("opaque", kind.__name__)


MAKERS: dict[tuple[str, str], Callable[[Any], list]] = {
    ("fractions", "Fraction"): lambda v: [v.numerator, v.denominator],
    ("decimal", "Decimal"): lambda v: [str(v)],
    ("collections", "deque"): lambda v: [list(v)],
    ("datetime", "date"): lambda v: [v.year, v.month, v.day],
    ("datetime", "timedelta"): lambda v: [v.days, v.seconds, v.microseconds],
}
"""Types of the standard library that compare with others by value: what to call them with to have the same again."""


def decode(tree: Any, following: Callable[[int], Any] | None = None) -> Any:
    """What `encode` made, as values of this process."""
    if type(tree) is list:
        return [decode(item, following) for item in tree]
    if type(tree) is not tuple:
        return tree
    kind, *rest = tree
    if kind == "bytearray":
        return bytearray(rest[0])
    if kind == "iterator" and following is not None:
        return Remote(rest[0], lambda: following(rest[1]))
    if kind == "opaque":
        return Opaque(rest[0])
    items = [decode(item, following) for item in rest[-1]]
    if kind == "dict":
        return dict(items)
    if kind == "keys":
        return dict.fromkeys(items).keys()
    if kind == "view":
        return View(rest[0], items)
    if kind == "made" and (rest[0], rest[1]) in MAKERS:
        return getattr(__import__(rest[0]), rest[1])(*items)
    plain: dict[str, Callable] = {"tuple": tuple, "set": set, "frozenset": frozenset, "range": lambda v: range(*v)}
    return plain[kind](items)


def become(old: Any, new: Any) -> None:
    """Give the tests' object the content that the answer gave to its copy."""
    if type(old) is list:
        for i, item in enumerate(old[: len(new)]):
            if type(item) is type(new[i]) and type(item) in MUTABLE:
                become(item, new[i])
                new[i] = item
        old[:] = new
    elif type(old) is dict:
        for key, item in old.items():
            if key in new and type(item) is type(new[key]) and type(item) in MUTABLE:
                become(item, new[key])
                new[key] = item
        old.clear()
        old.update(new)
    elif type(old) is set:
        old.clear()
        old.update(new)
    elif type(old) is bytearray:
        old[:] = new
