"""A function written once, as a small tree, and what it computes.

The trees hold only what all seven programming languages share: 32-bit integers, booleans and ASCII text.
`evaluate` is their meaning. It refuses whatever the languages would answer differently: overflow, and
division or remainder of a negative number.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

Value = int | bool | str
INT_MAX = 2**31 - 1
MAX_STEPS = 2_000
OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
}


class Undefined(ArithmeticError):
    """The languages disagree about this value, or the function does not end on it."""


class Expr:
    """Operators build trees, so that a family's body reads like code. (`==` is spelled `same`.)"""

    def __add__(self, other: Expr | int) -> Bin:
        return Bin("+", self, lift(other))

    def __sub__(self, other: Expr | int) -> Bin:
        return Bin("-", self, lift(other))

    def __mul__(self, other: Expr | int) -> Bin:
        return Bin("*", self, lift(other))

    def __floordiv__(self, other: Expr | int) -> Bin:
        return Bin("/", self, lift(other))

    def __mod__(self, other: Expr | int) -> Bin:
        return Bin("%", self, lift(other))

    def __lt__(self, other: Expr | int) -> Bin:
        return Bin("<", self, lift(other))

    def __gt__(self, other: Expr | int) -> Bin:
        return Bin(">", self, lift(other))

    def __le__(self, other: Expr | int) -> Bin:
        return Bin("<=", self, lift(other))

    def __ge__(self, other: Expr | int) -> Bin:
        return Bin(">=", self, lift(other))

    def __and__(self, other: Expr) -> Bin:
        return Bin("and", self, other)

    def __or__(self, other: Expr) -> Bin:
        return Bin("or", self, other)


@dataclass(frozen=True)
class Num(Expr):
    value: int


@dataclass(frozen=True)
class Text(Expr):
    value: str


@dataclass(frozen=True)
class Char(Expr):
    value: str
    """One letter: a character where the language has them, a string of length one where not."""


@dataclass(frozen=True)
class Flag(Expr):
    value: bool


@dataclass(frozen=True)
class Var(Expr):
    name: str


@dataclass(frozen=True)
class Bin(Expr):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Len(Expr):
    text: Expr


@dataclass(frozen=True)
class At(Expr):
    text: Expr
    index: Expr


@dataclass(frozen=True)
class SameText(Expr):
    left: Expr
    right: Expr


@dataclass(frozen=True)
class Let:
    """Declare an integer variable."""

    name: str
    value: Expr


@dataclass(frozen=True)
class Set:
    name: str
    op: str
    """`=`, `+=`, `*=`"""
    value: Expr


@dataclass(frozen=True)
class If:
    condition: Expr
    then: tuple[Stmt, ...]


@dataclass(frozen=True)
class Count:
    """Count `var` up from `first` to `last`."""

    var: str
    first: Expr
    last: Expr
    inclusive: bool
    body: tuple[Stmt, ...]


@dataclass(frozen=True)
class While:
    condition: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True)
class Return:
    value: Expr


Stmt = Let | Set | If | Count | While | Return


@dataclass(frozen=True)
class Function:
    name: str
    """In snake_case; languages with another custom respell it."""
    args: tuple[tuple[str, str], ...]
    """(name, type) with type `int`, `bool` or `text`."""
    result: str
    body: tuple[Stmt, ...]


def lift(value: Expr | int) -> Expr:
    return Num(value) if isinstance(value, int) else value


def same(left: Expr, right: Expr | int) -> Bin:
    return Bin("==", left, lift(right))


def evaluate(function: Function, values: tuple[Value, ...]) -> Value:
    names = {name: value for (name, _), value in zip(function.args, values, strict=True)}
    result = _run(function.body, names, [MAX_STEPS])
    if result is None:
        raise Undefined(f"{function.name}{values}: the function ended without returning")
    return result


def _run(body: tuple[Stmt, ...], names: dict[str, Value], left: list[int]) -> Value | None:
    """The returned value, or None when the block ran through."""
    for statement in body:
        left[0] -= 1
        if left[0] < 0:
            raise Undefined("too many steps")
        result: Value | None = None
        match statement:
            case Let(name, value):
                names[name] = _value(value, names)
            case Set(name, op, value):
                new = _value(value, names)
                names[name] = new if op == "=" else _operate(op[0], names[name], new)
            case If(condition, then):
                if _value(condition, names):
                    result = _run(then, names, left)
            case Count(var, first, last, inclusive, inner):
                stop = _value(last, names) + inclusive
                for i in range(_value(first, names), stop):
                    names[var] = i
                    if (result := _run(inner, names, left)) is not None:
                        break
            case While(condition, inner):
                while result is None and _value(condition, names):
                    result = _run(inner, names, left)
            case Return(value):
                result = _value(value, names)
        if result is not None:
            return result
    return None


def _value(tree: Expr, names: dict[str, Value]) -> Any:
    """A `Value`; that an operator meets operands it knows is for the author of the tree to see to.

    The commonest kinds are asked for by type: over a million nodes are evaluated to choose the benchmark's cases.
    """
    if type(tree) is Var:
        return names[tree.name]
    if type(tree) is Num:
        return tree.value
    if type(tree) is Bin and tree.op not in ("and", "or"):
        return _operate(tree.op, _value(tree.left, names), _value(tree.right, names))
    match tree:
        case Text(value) | Char(value) | Flag(value):
            return value
        case Len(text):
            return len(_value(text, names))
        case At(text, index):
            string, i = _value(text, names), _value(index, names)
            if not 0 <= i < len(string):
                raise Undefined(f"index {i} of a text of length {len(string)}")
            return string[i]
        case SameText(left, right):
            return _value(left, names) == _value(right, names)
        case Bin("and", left, right):
            return _value(left, names) and _value(right, names)
        case Bin("or", left, right):
            return _value(left, names) or _value(right, names)
    raise TypeError(f"no meaning for {tree!r}")


def _operate(op: str, a: Any, b: Any) -> Value:
    if op in "/%" and (a < 0 or b <= 0):
        raise Undefined(f"{a} {op} {b}")
    result = OPERATIONS[op](a, b)
    if not isinstance(result, bool) and abs(result) > INT_MAX:
        raise Undefined(f"{a} {op} {b} does not fit into 32 bits")
    return result
