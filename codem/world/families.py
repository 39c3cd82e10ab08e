"""The function families: what there is to know in the embedded world.

A family is a task with holes: the names of the arguments (`x`, `y`, `z` below) and up to two constants
(`p`, `q`). Filling the holes gives one concrete function; the same filling is printed in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codem.world.spec import (
    At,
    Char,
    Count,
    Expr,
    Flag,
    Function,
    If,
    Len,
    Let,
    Num,
    Return,
    SameText,
    Set,
    Stmt,
    Text,
    Var,
    While,
    same,
)

Param = int | str
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Family:
    name: str
    takes: tuple[str, ...]
    """One domain per argument: `int` (any), `nat` (not negative), `positive`, `small` (0 to 12), `text`."""
    returns: str
    """`int`, `bool` or `text`"""
    names: tuple[str, ...]
    """Names for the function. The first is the benchmark's; training texts use all."""
    wordings: tuple[str, ...]
    """Descriptions with the holes {x} {y} {z} {p} {q}. The first is the benchmark's; training texts use all."""
    body: Callable[..., tuple[Stmt, ...]]
    """From the arguments, then the constants, to the statements."""
    params: tuple[Sequence[Param], ...] = ()
    """What each constant may be."""

    def function(self, name: str, args: tuple[str, ...], params: tuple[Param, ...] = ()) -> Function:
        kinds = ("text" if domain == "text" else "int" for domain in self.takes)
        body = self.body(*(Var(arg) for arg in args), *params)
        return Function(name, tuple(zip(args, kinds, strict=True)), self.returns, body)

    def describe(self, wording: str, args: tuple[str, ...], params: tuple[Param, ...] = ()) -> str:
        holes = dict(zip("xyz", args, strict=False)) | dict(zip("pq", params, strict=False))
        return wording.format(**holes)


def _give(value: Expr) -> tuple[Stmt, ...]:
    return (Return(value),)


def _either(condition: Expr, then: Expr, otherwise: Expr) -> tuple[Stmt, ...]:
    return If(condition, (Return(then),)), Return(otherwise)


def _loop(start: int, change: Callable[[Expr], Stmt], last: Expr, first: int = 1) -> tuple[Stmt, ...]:
    """Start `total`, change it for each i from `first` to `last`, return it."""
    return (
        Let("total", Num(start)),
        Count("i", Num(first), last, True, (change(Var("i")),)),
        Return(Var("total")),
    )


def _letters(text: Expr, then: Callable[[Expr], Stmt], *after: Stmt) -> tuple[Stmt, ...]:
    """Do something for each position i of a text."""
    return Count("i", Num(0), Len(text), False, (then(Var("i")),)), *after


def _add(value: Expr) -> Set:
    return Set("total", "+=", value)


def _count_while(n: Var, add: Expr, divisor: int) -> tuple[Stmt, ...]:
    """Divide n down to zero and add something up on the way."""
    inner = (_add(add), Set(n.name, "=", n // divisor))
    return Let("total", Num(0)), While(n > 0, inner), Return(Var("total"))


INT, INT2, INT3 = ("int",), ("int",) * 2, ("int",) * 3
NAT, SMALL, TEXT, TEXT2 = ("nat",), ("small",), ("text",), ("text",) * 2
# no number of two equal digits: a model this small loses count of them
LOW, HIGH, ANY, DIVISOR = (
    tuple(n for n in numbers if n % 11) for numbers in (range(2, 10), range(12, 40), range(2, 40), range(2, 14))
)
TOTAL, ZERO, ONE = Var("total"), Num(0), Num(1)

# fmt: off
ARITHMETIC = (
    Family("add", INT2, "int", ("add", "plus", "sum_of"), (
        "Return the sum of {x} and {y}.", "Add {x} and {y}."),
        lambda x, y: _give(x + y)),
    Family("subtract", INT2, "int", ("subtract", "minus", "diff"), (
        "Return the difference of {x} and {y}.", "Subtract {y} from {x}."),
        lambda x, y: _give(x - y)),
    Family("multiply", INT2, "int", ("multiply", "times", "product"), (
        "Return the product of {x} and {y}.", "Multiply {x} by {y}."),
        lambda x, y: _give(x * y)),
    Family("add_three", INT3, "int", ("add_three", "sum_all", "total_of"), (
        "Return the sum of {x}, {y} and {z}.", "Add {x}, {y} and {z}."),
        lambda x, y, z: _give(x + y + z)),
    Family("add_constant", INT, "int", ("increase", "add_to", "shift"), (
        "Return {x} plus {p}.", "Add {p} to {x}."),
        lambda x, p: _give(x + p), (ANY,)),
    Family("multiply_constant", INT, "int", ("scale", "grow", "times_of"), (
        "Return {x} times {p}.", "Multiply {x} by {p}."),
        lambda x, p: _give(x * p), (ANY,)),
    Family("linear", INT, "int", ("linear", "line", "formula"), (
        "Return {x} times {p} plus {q}.", "Multiply {x} by {p} and add {q}."),
        lambda x, p, q: _give(x * p + q), (LOW, HIGH)),
    Family("square_plus", INT, "int", ("square_plus", "curve", "square_add"), (
        "Return the square of {x} plus {p}.", "Square {x} and add {p}."),
        lambda x, p: _give(x * x + p), (ANY,)),
    Family("perimeter", INT2, "int", ("perimeter", "border", "fence"), (
        "Return the perimeter of a rectangle with sides {x} and {y}.",
        "Compute the perimeter of a {x} by {y} rectangle."),
        lambda x, y: _give((x + y) * 2)),
    Family("remainder", NAT, "int", ("remainder", "modulo", "rest"), (
        "Return the remainder of {x} divided by {p}.", "Compute {x} modulo {p}."),
        lambda x, p: _give(x % p), (DIVISOR,)),
    Family("divide", NAT, "int", ("divide", "quotient", "share"), (
        "Return {x} divided by {p}, rounded down.", "Divide {x} by {p} and round down."),
        lambda x, p: _give(x // p), (DIVISOR,)),
)
COMPARISONS = (
    Family("is_multiple", NAT, "bool", ("is_multiple", "divides", "multiple_of"), (
        "Check if {x} is a multiple of {p}.", "Tell if {x} is divisible by {p}."),
        lambda x, p: _give(same(x % p, 0)), (DIVISOR,)),
    Family("is_greater", INT, "bool", ("is_greater", "above", "exceeds"), (
        "Check if {x} is greater than {p}.", "Tell if {x} is more than {p}."),
        lambda x, p: _give(x > p), (ANY,)),
    Family("is_between", INT, "bool", ("is_between", "inside", "in_range"), (
        "Check if {x} is between {p} and {q}.", "Tell if {x} is in the range from {p} to {q}."),
        lambda x, p, q: _give((x >= p) & (x <= q)), (LOW, HIGH)),
    Family("is_outside", INT, "bool", ("is_outside", "outside", "out_of_range"), (
        "Check if {x} is less than {p} or greater than {q}.", "Tell if {x} is below {p} or above {q}."),
        lambda x, p, q: _give((x < p) | (x > q)), (LOW, HIGH)),
    Family("both_positive", INT2, "bool", ("both_positive", "are_positive", "all_positive"), (
        "Check if {x} and {y} are both positive.", "Tell if both {x} and {y} are positive."),
        lambda x, y: _give((x > 0) & (y > 0))),
    Family("sum_is", INT2, "bool", ("sum_is", "adds_up", "makes"), (
        "Check if the sum of {x} and {y} is {p}.", "Tell if {x} plus {y} equals {p}."),
        lambda x, y, p: _give(same(x + y, p)), (ANY,)),
    Family("either_is", INT2, "bool", ("either_is", "any_is", "one_is"), (
        "Check if {x} or {y} is {p}.", "Tell if one of {x} and {y} equals {p}."),
        lambda x, y, p: _give(same(x, p) | same(y, p)), (ANY,)),
    Family("is_ordered", INT3, "bool", ("is_ordered", "ascending", "sorted"), (
        "Check if {x}, {y} and {z} are in order.", "Tell if {x}, {y} and {z} are sorted."),
        lambda x, y, z: _give((x <= y) & (y <= z))),
)
CONDITIONALS = (
    Family("maximum", INT2, "int", ("maximum", "larger", "bigger"), (
        "Return the larger of {x} and {y}.", "Find the maximum of {x} and {y}."),
        lambda x, y: _either(x > y, x, y)),
    Family("minimum", INT2, "int", ("minimum", "smaller", "lesser"), (
        "Return the smaller of {x} and {y}.", "Find the minimum of {x} and {y}."),
        lambda x, y: _either(x < y, x, y)),
    Family("absolute", INT, "int", ("absolute", "magnitude", "size_of"), (
        "Return the absolute value of {x}.", "Compute the absolute value of {x}."),
        lambda x: _either(x < 0, ZERO - x, x)),
    Family("distance", INT2, "int", ("distance", "gap", "apart"), (
        "Return the distance between {x} and {y}.", "Compute the absolute difference of {x} and {y}."),
        lambda x, y: _either(x > y, x - y, y - x)),
    Family("cap", INT, "int", ("cap", "limit", "at_most"), (
        "Return {x}, but at most {p}.", "Limit {x} to at most {p}."),
        lambda x, p: _either(x > p, Num(p), x), (ANY,)),
    Family("floor", INT, "int", ("raise_to", "bound", "at_least"), (
        "Return {x}, but at least {p}.", "Raise {x} to at least {p}."),
        lambda x, p: _either(x < p, Num(p), x), (ANY,)),
    Family("choose", INT, "int", ("choose", "pick", "select"), (
        "Return {p} if {x} is positive, otherwise {q}.", "Give {p} for a positive {x} and {q} otherwise."),
        lambda x, p, q: _either(x > 0, Num(p), Num(q)), (ANY, ANY)),
    Family("parity", NAT, "text", ("parity", "kind", "even_odd"), (
        'Return "even" if {x} is even, otherwise "odd".', 'Tell if {x} is "even" or "odd".'),
        lambda x: _either(same(x % 2, 0), Text("even"), Text("odd"))),
    Family("sign", INT, "text", ("sign", "sign_name", "sign_of"), (
        'Return "minus" if {x} is negative, otherwise "plus".', 'Tell if the sign of {x} is "minus" or "plus".'),
        lambda x: _either(x < 0, Text("minus"), Text("plus"))),
)
LOOPS = (
    Family("sum_to", SMALL, "int", ("sum_to", "add_up", "triangle"), (
        "Return the sum of the numbers from 1 to {x}.", "Sum all numbers from 1 to {x}."),
        lambda x: _loop(0, lambda i: _add(i), x)),
    Family("factorial", SMALL, "int", ("factorial", "fact", "multiply_up"), (
        "Return the product of the numbers from 1 to {x}.", "Compute the factorial of {x}."),
        lambda x: _loop(1, lambda i: Set("total", "*=", i), x)),
    Family("sum_squares", SMALL, "int", ("sum_squares", "squares", "square_sum"), (
        "Return the sum of the squares from 1 to {x}.", "Sum all squares from 1 to {x}."),
        lambda x: _loop(0, lambda i: _add(i * i), x)),
    Family("count_multiples", SMALL, "int", ("count_multiples", "multiples", "how_many"), (
        "Count the multiples of {p} from 1 to {x}.", "Return how many numbers from 1 to {x} are multiples of {p}."),
        lambda x, p: _loop(0, lambda i: If(same(i % p, 0), (_add(ONE),)), x), (DIVISOR,)),
    Family("power", SMALL, "int", ("power", "raise_power", "exponent"), (
        "Return {p} to the power of {x}.", "Compute {p} to the power of {x}."),
        lambda x, p: _loop(1, lambda i: Set("total", "*=", Num(p)), x), (LOW,)),
    Family("count_digits", ("positive",), "int", ("count_digits", "digits", "number_length"), (
        "Count the digits of the positive number {x}.", "Return how many digits the positive number {x} has."),
        lambda x: _count_while(x, ONE, 10)),
    Family("sum_digits", NAT, "int", ("sum_digits", "digit_sum", "add_digits"), (
        "Return the sum of the digits of {x}.", "Add up the digits of {x}."),
        lambda x: _count_while(x, x % 10, 10)),
    Family("halvings", NAT, "int", ("count_divisions", "divisions", "steps"), (
        "Count how often {x} can be divided by {p} until it is 0.",
        "Return how often to divide {x} by {p} to reach 0."),
        lambda x, p: _count_while(x, ONE, p), (LOW,)),
)
STRINGS = (
    Family("length", TEXT, "int", ("text_length", "length_of", "count_chars"), (
        "Return the length of the text {x}.", "Compute the length of the text {x}."),
        lambda x: _give(Len(x))),
    Family("total_length", TEXT2, "int", ("total_length", "both_lengths", "sum_lengths"), (
        "Return the total length of {x} and {y}.", "Add the lengths of {x} and {y}."),
        lambda x, y: _give(Len(x) + Len(y))),
    Family("longer", TEXT2, "bool", ("is_longer", "longer", "more_chars"), (
        "Check if {x} is longer than {y}.", "Tell if the text {x} is longer than {y}."),
        lambda x, y: _give(Len(x) > Len(y))),
    Family("equal_texts", TEXT2, "bool", ("equal_texts", "matches", "same_text"), (
        "Check if the texts {x} and {y} are equal.", "Tell if the texts {x} and {y} are the same."),
        lambda x, y: _give(SameText(x, y))),
    Family("is_long", TEXT, "bool", ("is_long", "long_enough", "has_length"), (
        "Check if {x} has at least {p} letters.", "Tell if the text {x} has {p} letters or more."),
        lambda x, p: _give(Len(x) >= p), (range(2, 16),)),
    Family("starts_with", TEXT, "bool", ("starts_with", "begins", "first_is"), (
        "Check if {x} starts with the letter '{p}'.", "Tell if the first letter of {x} is '{p}'."),
        lambda x, p: _give((Len(x) > 0) & same(At(x, ZERO), Char(p))), (LETTERS,)),
    Family("count_letter", TEXT, "int", ("count_letter", "letters", "occurrences"), (
        "Count the letter '{p}' in {x}.", "Return how often the letter '{p}' is in {x}."),
        lambda x, p: (
            Let("total", ZERO),
            *_letters(x, lambda i: If(same(At(x, i), Char(p)), (_add(ONE),)), Return(TOTAL)),
        ), (LETTERS,)),
    Family("has_letter", TEXT, "bool", ("has_letter", "contains", "includes"), (
        "Check if the letter '{p}' is in {x}.", "Tell if {x} contains the letter '{p}'."),
        lambda x, p: _letters(
            x, lambda i: If(same(At(x, i), Char(p)), (Return(Flag(True)),)), Return(Flag(False))
        ), (LETTERS,)),
    Family("find_letter", TEXT, "int", ("find_letter", "position", "locate"), (
        "Return the index of the first '{p}' in {x}, or -1.",
        "Find the first position of the letter '{p}' in {x}, or -1."),
        lambda x, p: _letters(
            x, lambda i: If(same(At(x, i), Char(p)), (Return(i),)), Return(Num(-1))
        ), (LETTERS,)),
)
# fmt: on
FAMILIES: tuple[Family, ...] = ARITHMETIC + COMPARISONS + CONDITIONALS + LOOPS + STRINGS
