"""Print a function tree, a call or a test in one of the seven languages.

`signature(f, lang) + body(f, lang)` is the whole function.
"""

from __future__ import annotations

from codem.world.spec import (
    At,
    Bin,
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
    Value,
    Var,
    While,
)
from codem.world.syntax import LANGUAGES, Syntax

BINDING = {"or": 1, "and": 2, "==": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "%": 6}
ATOM = 9


def name_in(name: str, lang: str) -> str:
    if LANGUAGES[lang].snake_case:
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def signature(function: Function, lang: str) -> str:
    """The header line with its newline."""
    syntax = LANGUAGES[lang]
    args = ", ".join(
        syntax.arg.format(type=syntax.types[kind], name=name).replace("* ", "*") for name, kind in function.args
    )
    header = syntax.signature.format(
        result=syntax.types[function.result], name=name_in(function.name, lang), args=args
    ).replace("* ", "*")
    return header + "\n"


def body(function: Function, lang: str) -> str:
    """Everything after the signature, the closing brace included."""
    syntax = LANGUAGES[lang]
    close = [syntax.close] if syntax.close else []
    return "\n".join([*_block(function.body, syntax), *close]) + "\n"


def comment(text: str, lang: str) -> str:
    return LANGUAGES[lang].comment + text + "\n"


def test(function: Function, lang: str, values: tuple[Value, ...], expected: Value) -> str:
    """One statement that says whether the answer returns `expected` for `values`."""
    syntax = LANGUAGES[lang]
    call = f"{name_in(function.name, lang)}({', '.join(_literal(v, syntax) for v in values)})"
    if isinstance(expected, bool) and lang == "python":
        claim = f"{call} is {expected}"  # `None == False` is false, but `not None` is true
    elif isinstance(expected, str) and lang == "c":
        claim = f"strcmp({call}, {_literal(expected, syntax)}) == 0"
    elif isinstance(expected, str) and lang == "java":
        claim = f"{_literal(expected, syntax)}.equals({call})"
    else:
        equals = dict(syntax.words).get("==", "==")
        claim = f"{call} {equals} {_literal(expected, syntax)}"
    return f"codem_check({claim})" + ("\n" if lang == "python" else ";\n")


def _literal(value: Value, syntax: Syntax) -> str:
    if isinstance(value, bool):
        return syntax.flags[value]
    return str(value) if isinstance(value, int) else f'"{value}"'


def _block(statements: tuple[Stmt, ...], syntax: Syntax) -> list[str]:
    return [syntax.indent + line for statement in statements for line in _lines(statement, syntax)]


def _lines(statement: Stmt, syntax: Syntax) -> list[str]:
    def show(tree: Expr) -> str:
        return _show(tree, syntax)[0]

    match statement:
        case Let(name, value):
            return [syntax.declare.format(name=name, value=show(value))]
        case Set(name, op, value):
            return [f"{name} {op} {show(value)}{syntax.end}"]
        case Return(value):
            return [f"return {show(value)}{syntax.end}"]
        case If(condition, inner):
            head = syntax.branch.format(condition=show(condition))
        case While(condition, inner):
            head = syntax.loop.format(condition=show(condition))
        case Count(var, first, last, inclusive, inner):
            if inclusive and syntax.after_last:
                last = last + syntax.after_last
            op = "<=" if inclusive else "<"
            head = syntax.count.format(var=var, first=show(first), last=show(last), op=op)
    close = [syntax.close] if syntax.close else []
    return [head, *_block(inner, syntax), *close]


def _show(tree: Expr, syntax: Syntax) -> tuple[str, int]:
    """The text of an expression and how strongly its outermost operator binds."""

    def show(part: Expr) -> str:
        return _show(part, syntax)[0]

    match tree:
        case Num(value):
            return str(value), ATOM
        case Flag(value):
            return syntax.flags[value], ATOM
        case Text(value):
            return f'"{value}"', ATOM
        case Char(value):
            return f"{syntax.quote}{value}{syntax.quote}", ATOM
        case Var(name):
            return name, ATOM
        case Len(text):
            return syntax.length.format(text=show(text)), ATOM
        case At(text, index):
            return syntax.at.format(text=show(text), index=show(index)), ATOM
        case SameText(left, right):
            return syntax.same_text.format(a=show(left), b=show(right)), BINDING["=="]
        case Bin(op, left, right):
            binding = BINDING[op]
            a, a_binding = _show(left, syntax)
            b, b_binding = _show(right, syntax)
            a = a if a_binding >= binding else f"({a})"
            chained = op in ("+", "*", "and", "or") and isinstance(right, Bin) and right.op == op
            b = b if b_binding > binding or chained else f"({b})"
            if op == "/":
                return syntax.divide.format(a=a, b=b), ATOM if "(" in syntax.divide else binding
            return f"{a} {dict(syntax.words).get(op, op)} {b}", binding
    raise TypeError(f"cannot print {tree!r}")
