"""Code of any of the languages as sequences that renaming or translating leave alone.

A small lexer for all languages at once, not a parser: what is compared is often cut off, broken, or between prose.
"""

from __future__ import annotations

import re
from typing import NamedTuple

FENCED = re.compile(r"```[^\n`]*\n([\s\S]*?)(?:```|\Z)")
PYTHON = re.compile(r"^[ \t]*(?:def|class|for|if|while|else|elif)\b[^\n{;]*:[ \t]*(?:#[^\n]*)?$", re.M)
"""In Python `//` divides and `#` comments."""
_STRING = (
    r"(?P<string>[rbfu]?(?:\"{3}[\s\S]*?(?:\"{3}|\Z)|'{3}[\s\S]*?(?:'{3}|\Z)"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`\n]*`))"
)
_REST = (
    r"|(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\w*"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>\*\*|//|<<|>>|===?|!==?|<=|>=|&&|\|\||\+\+|--|:=|->|=>|::|[-+*/%&|^]=|\S)"
)
TOKEN = re.compile(r"(?P<comment>/\*[\s\S]*?(?:\*/|\Z)|//[^\n]*|^[ \t]*#[^\n]*)|" + _STRING + _REST, re.M)
PYTHON_TOKEN = re.compile(r"(?P<comment>/\*[\s\S]*?(?:\*/|\Z)|#[^\n]*)|" + _STRING + _REST, re.M)
LITERAL = re.compile(
    r"(\"(?:\\.|[^\"\\\n]){0,80}\"|(?<!\w)'(?:\\.|[^'\\\n]){0,80}')|(\d+(?:\.\d+)?)(?!\w)|([A-Za-z_]\w*)"
)
"""A text, a number, or a name, whose digits are no number."""
IMPORT = re.compile(r"^[ \t]*(?:import|from|package|using|use)\b[^\n(]*$", re.M)
GENERIC = re.compile(r"(?<=\w)<[\w\s,:\[\]*?'.&]*>")
"""`vector<int>`: its marks compare nothing."""
FAR = 30
"""Tokens; a name that was last written earlier than this counts as new."""
NESTED = 3
"""Levels of them that are looked for."""
COUNTING = re.compile(r"\bfor\b\s{0,9}\(?([^;{}\n]{0,120});([^;{}\n]{0,120});[^{;\n]{0,120}")
"""The header of a counting loop in C's family."""
WORDS_OF_LANGUAGES = """
and append as async auto bool boolean break byte case catch char class const continue def default del do double elif
else enum except false final float fn for from func function if impl import in int integer is lambda len let long loop
map match mut new nil none not null or pass print private public pub raise range return self short signed static str
string struct super switch this throw true try type undefined unsigned use using var vec vector void where while with
yield
"""
KEYWORDS = frozenset(WORDS_OF_LANGUAGES.split())
"""A renaming leaves them alone."""
EVENTS = {
    **dict.fromkeys(("for", "while", "loop"), "L"),
    **dict.fromkeys(("if", "elif", "switch", "match", "case", "?"), "I"),
    **dict.fromkeys(("break", "continue"), "B"),
    **dict.fromkeys(("throw", "raise", "panic"), "T"),
    "return": "R",
    **dict.fromkeys(("and", "&&"), "&&"),
    **dict.fromkeys(("or", "||"), "||"),
    **dict.fromkeys(("not", "!"), "!"),
    **dict.fromkeys(("==", "===", "equals", "strcmp"), "=="),
    **dict.fromkeys(("!=", "!=="), "!="),
    **dict.fromkeys(("+", "+="), "+"),
    **dict.fromkeys(("-", "-="), "-"),
    **dict.fromkeys(("*", "*="), "*"),
    **dict.fromkeys(("/", "/=", "//"), "/"),
    **dict.fromkeys(("%", "%=", "fmod", "rem_euclid"), "%"),
    **{mark: mark for mark in ("<", ">", "<=", ">=", "^", "<<", ">>")},
    **dict.fromkeys(("**", "pow", "powi", "powf"), "**"),
    **dict.fromkeys(("len", "size", "length", "strlen"), "len"),
    **dict.fromkeys(("append", "push", "push_back", "add", "push_str", "emplace_back", "writebyte"), "app"),
    **dict.fromkeys(("pop", "pop_back", "removelast"), "pop"),
    **dict.fromkeys(("sort", "sorted", "sort_by", "qsort", "sort_unstable"), "sort"),
    **dict.fromkeys(("abs", "fabs", "math_abs"), "abs"),
    **dict.fromkeys(("max", "fmax", "max_element"), "max"),
    **dict.fromkeys(("min", "fmin", "min_element"), "min"),
    **dict.fromkeys(("sqrt", "floor", "ceil", "round", "sum", "reverse", "split", "join", "replace", "substr"), ""),
    **dict.fromkeys(("substring",), "substr"),
    **dict.fromkeys(("upper", "toupper", "touppercase", "to_uppercase", "to_ascii_uppercase"), "up"),
    **dict.fromkeys(("lower", "tolower", "tolowercase", "to_lowercase", "to_ascii_lowercase"), "low"),
    **dict.fromkeys(("isdigit", "is_digit", "isnumeric", "is_numeric", "is_ascii_digit"), "digit"),
    **dict.fromkeys(("isalpha", "isletter", "is_alphabetic", "is_ascii_alphabetic"), "alpha"),
    **dict.fromkeys(("contains", "includes", "indexof", "find", "in", "containsrune", "index"), "in"),
    **dict.fromkeys(("md5",), "md5"),
    **dict.fromkeys(("get", "charat", "at", "nth"), "@"),
    **dict.fromkeys(("true", "false"), "bool"),
}
"""What a step of a program is called when its language is left out of it; empty: as it is written."""
STEPS = frozenset(
    ("for", "while", "loop", "if", "elif", "switch", "match", "case", "break", "continue", "throw", "raise", "return")
    + ("and", "or", "not", "in", "true", "false", "True", "False")
)
"""Words that are steps; other names are when they are called, or members."""


class Token(NamedTuple):
    kind: str
    """`string`, `number`, `name` or `mark`."""
    text: str
    start: int
    """Character of the text."""


def code_of(text: str) -> str:
    """What stands between code fences; the whole text when there are none."""
    fenced = FENCED.findall(text)
    return "\n".join(fenced) if fenced else text


def tokens(code: str) -> list[Token]:
    """Comments are left out."""
    pattern = PYTHON_TOKEN if PYTHON.search(code) else TOKEN
    return [Token(m.lastgroup or "", m[0], m.start()) for m in pattern.finditer(code) if m.lastgroup != "comment"]


def value(token: Token) -> str:
    """A number or a text as its language-free value: `2.0` and `2` are one, `'a'` and `"a"` too."""
    if token.kind == "number":
        return _number(re.sub(r"[^\d.eE+-].*\Z", "", token.text.replace("_", "")))
    return '"' + token.text.lstrip("rbfu").strip("\"'`")


def _number(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") or "0" if "." in digits and "e" not in digits.lower() else digits


def renamed(found: list[Token]) -> list[str]:
    """Each token, a name as how many tokens ago it was last written: equal for code that differs in names alone."""
    seen: dict[str, int] = {}
    made = []
    before = ""
    for at, token in enumerate(found):
        text = token.text
        if token.kind == "name":
            if text.lower() not in KEYWORDS and before != ".":
                last = seen.get(text)
                seen[text] = at
                text = "@" if last is None or at - last > FAR else f"@{at - last}"
        elif token.kind != "mark":
            text = value(token)
        made.append(text)
        before = token.text
    return made


def skeleton(code: str) -> list[str]:
    """What the program does, one step after the other: loops, conditions, operators, literals, well-known calls."""
    flat = IMPORT.sub("", code)
    for _ in range(NESTED):
        flat = GENERIC.sub("", flat)
    flat = COUNTING.sub(_counting, flat)
    made: list[str] = []
    found = tokens(flat)
    around = zip([Token("mark", "", 0), *found], found, [*found[1:], Token("mark", "", 0)], strict=False)
    for last, token, coming in around:
        made += _events(last, token, coming, made[-1] if made else "")
    return made


def _events(last: Token, token: Token, coming: Token, before: str) -> tuple[str, ...]:
    """What a token does, between its neighbours; before: the event that comes before it."""
    text = token.text
    if token.kind in ("number", "string"):
        return (value(token),)
    if text in ("++", "--"):
        return (text[0], "1")
    if text == "[":
        is_type = coming.text == "]" or last.text[:1].isupper() or last.text in KEYWORDS
        return ("@",) if not is_type and (last.kind == "name" or last.text in ("]", ")")) else ()
    if text == "-" and last.text in ("(", ",", "=", "return", "[", "{", ":="):
        return ("neg",)
    if token.kind == "mark":
        event = EVENTS.get(text)
    elif text in STEPS or coming.text == "(" or last.text == ".":
        event = EVENTS.get(text.lower())
    else:
        return ()
    if event is None or (event == "in" and before == "L"):
        return ()
    return (event or text.lower(),)


def _counting(header: re.Match[str]) -> str:
    """`for (int i = 1; i < n; i++)` -> `for 1 n`: as other languages write a range."""
    first = header[1].rpartition("=")[2].strip()
    end = re.split(r"[<>=!]=?", header[2])[-1].strip()
    return f"for {'' if first == '0' else first} {end} "


def literals(text: str) -> list[str]:
    """Numbers and short texts in quotation marks in their order, in code as in prose."""
    made = []
    for quoted, number, _ in LITERAL.findall(text):
        if quoted:
            made.append('"' + quoted[1:-1])
        elif number:
            made.append(_number(number))
    return made
