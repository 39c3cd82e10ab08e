"""Where a function's definition begins and where it ends, found without a parser.

Two families of syntax: indentation (Python) and braces (all the others). Both scanners know strings and comments,
so that a brace or a bracket inside one does not count. `end_of_*` return None when the text stops before the end.
"""

from __future__ import annotations

import re

BRACE_LANGUAGES = ("javascript", "typescript", "c", "cpp", "java", "go")

# a type, the name, parameters, and an opening brace: a prototype or a call has none
_TYPED = (
    r"^[ \t]*(?:@\w+\s+)*(?!return\b|else\b|new\b|throw\b|case\b|goto\b)[A-Za-z_<][\w:<>,\[\]*& \t.?]*[\s*&>\]]"
    r"{name}\s*\([^;{}]{0,2000}\)[^;{}()=]{0,200}\{"
)
_SCRIPT = (
    r"^[ \t]*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*{name}\b"
    r"|^[ \t]*(?:export\s+)?(?:const|let|var)\s+{name}\b[^=\n]*=(?!=)"
)
_DEFINITIONS = {
    "python": r"^(?:async[ \t]+)?def[ \t]+{name}\b",
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "go": r"^func[ \t]+(?:\([^)]*\)[ \t]*)?{name}\b",
    "c": _TYPED,
    "cpp": _TYPED,
    "java": _TYPED,
}


def find_definition(lang: str, name: str, text: str, start: int = 0) -> int | None:
    """Where `name` is defined (not merely called), from the start of its line."""
    pattern = _DEFINITIONS[lang].replace("{name}", re.escape(name))
    match = re.compile(pattern, re.M).search(text, start)
    return None if match is None else match.start()


def end_of_python(text: str, start: int) -> int | None:
    """After the last line of the definition at `start`: before the first line at column 0 that is no continuation."""
    end = start
    first = True
    for line_start, line_end, fresh in _python_lines(text, start):
        line = text[line_start:line_end]
        body = line.strip()
        if fresh and not first and body and not line[0].isspace() and not body.startswith("#"):
            return end
        if body and not (fresh and body.startswith("#") and not line[0].isspace()):
            end = line_end
        first = False
    return None


def _python_lines(text: str, start: int):
    """(line start, line end with newline, begins outside brackets and strings) of each line."""
    depth, quote, at, line_start, fresh = 0, "", start, start, True
    while at < len(text):
        c = text[at]
        if quote:
            if c == "\\":
                at += 2
                continue
            if text.startswith(quote, at):
                at += len(quote)
                quote = ""
                continue
            if c == "\n" and len(quote) == 1:
                quote = ""  # an unclosed string ends with its line
                continue
        elif c in "\"'":
            quote = text[at : at + 3] if text[at : at + 3] in ('"""', "'''") else c
            at += len(quote)
            continue
        elif c == "#":
            newline = text.find("\n", at)
            at = len(text) if newline < 0 else newline
            continue
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth = max(0, depth - 1)
        if c == "\n":
            yield line_start, at + 1, fresh
            continued = at > 0 and text[at - 1] == "\\"
            line_start, fresh = at + 1, not quote and depth == 0 and not continued
        at += 1
    if line_start < len(text):
        yield line_start, len(text), fresh


def end_of_braces(lang: str, text: str, start: int) -> int | None:
    """After the closing brace of the definition at `start`; for `const f = x => x + 1;` after its semicolon."""
    depth, opened, parens = 0, False, 0
    at = start
    last = ""  # the last significant character, to tell a regular expression from a division
    while at < len(text):
        skipped = _skip(lang, text, at, last)
        if skipped is not None:
            last = '"' if text[at] in "\"'`/" and text[at : at + 2] not in ("//", "/*") else last
            at = skipped
            continue
        c = text[at]
        if c == "{":
            depth += 1
            opened = opened or parens == 0
        elif c == "}":
            depth -= 1
            if depth < 0 or (depth == 0 and parens <= 0 and opened):
                if not re.compile(r"[ \t]*[{|\[]").match(text, at + 1):
                    return _with_semicolon(lang, text, at + 1)
                opened = False  # it was a type, `interface{}` or `{ a: number }`: the body follows
        elif c in "([":
            parens += 1
        elif c in ")]":
            parens -= 1
        elif c == ";" and depth == 0 and parens <= 0 and not opened:
            return at + 1
        if not c.isspace():
            last = c
        at += 1
    return None


def _with_semicolon(lang: str, text: str, at: int) -> int:
    if lang in ("javascript", "typescript"):
        match = re.compile(r"[ \t]*;").match(text, at)
        return match.end() if match else at
    return at


def _skip(lang: str, text: str, at: int, last: str) -> int | None:
    """The position after the string, comment or regular expression that begins at `at`; None if none does."""
    c, two = text[at], text[at : at + 2]
    if two == "//":
        return _after(text, "\n", at)
    if two == "/*":
        return _after(text, "*/", at + 2)
    if lang == "cpp" and two == 'R"':
        match = re.compile(r'R"([^()\\\s]{0,16})\(').match(text, at)
        return _after(text, f'){match[1]}"', match.end()) if match else None
    if lang == "java" and text.startswith('"""', at):
        return _after(text, '"""', at + 3)
    if c in "\"'":
        return _quoted(text, at, c)
    if c == "`" and lang == "go":
        return _after(text, "`", at + 1)
    if c == "`" and lang in ("javascript", "typescript"):
        return _template(lang, text, at)
    if c == "/" and lang in ("javascript", "typescript") and _regex_may_start(text, at, last):
        match = re.compile(r"/(?![*/])(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*").match(text, at)
        return match.end() if match else None
    return None


def _regex_may_start(text: str, at: int, last: str) -> bool:
    return last == "" or last in "(,=:[!&|?{};+-*%<>~^" or text[max(0, at - 12) : at].rstrip().endswith("return")


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)


def _quoted(text: str, at: int, quote: str) -> int:
    at += 1
    while at < len(text) and text[at] not in (quote, "\n"):
        at += 2 if text[at] == "\\" else 1
    return at + 1 if at < len(text) and text[at] == quote else min(at, len(text))


def _template(lang: str, text: str, at: int) -> int:
    """A JavaScript template; `${...}` may hold templates again, so their braces are counted."""
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "`":
            return at + 1
        elif text.startswith("${", at):
            depth, at = 1, at + 2
            while at < len(text) and depth:
                skipped = _skip(lang, text, at, "(")
                if skipped is not None:
                    at = skipped
                    continue
                depth += (text[at] == "{") - (text[at] == "}")
                at += 1
        else:
            at += 1
    return len(text)
