"""Where a definition ends, found without a parser: for text that does not parse.

Two families of syntax: indentation (Python) and braces (all the others). Both scanners know strings and comments,
so that a brace or a bracket inside one does not count. They give None when the text stops before the end.
"""

from __future__ import annotations

import re

_COMMENT = r"//[^\n]*|/\*[\s\S]*?(?:\*/|\Z)"
_STRING = r'"(?:[^"\\\n]|\\[\s\S])*"?'
_CHARACTER = r"'(?:[^'\\\n]|\\[\s\S])*'?"
_BRACES = r"[{}()\[\];]"
_TOKENS = {
    "c": re.compile(rf"{_COMMENT}|{_STRING}|{_CHARACTER}|{_BRACES}"),
    "cpp": re.compile(
        rf'{_COMMENT}|R"(?P<raw>[^()\\\s]{{0,16}})\([\s\S]*?(?:\)(?P=raw)"|\Z)|{_STRING}|\b\d[\w\']*|{_CHARACTER}|{_BRACES}'
    ),
    "java": re.compile(rf'{_COMMENT}|"""(?:[^\\"]|\\[\s\S]|"(?!""))*(?:"""|\Z)|{_STRING}|{_CHARACTER}|{_BRACES}'),
    "go": re.compile(rf"{_COMMENT}|`[^`]*`?|{_STRING}|{_CHARACTER}|{_BRACES}"),
    "rust": re.compile(
        rf'{_COMMENT}|\br(?P<raw>#*)"[\s\S]*?(?:"(?P=raw)|\Z)|"(?:[^"\\]|\\[\s\S])*"?'
        rf"|'(?:\\(?:x..|u\{{[^}}\n]*\}}|.)|[^\\'\n])'|{_BRACES}"
    ),
    "script": re.compile(rf"{_COMMENT}|{_STRING}|{_CHARACTER}|`|/|{_BRACES}"),
}
_IN_TEMPLATE = re.compile(r"\\[\s\S]|`|\$\{")
_REGEX = re.compile(r"/(?![*/])(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_TYPE_GOES_ON = re.compile(r"[ \t]*[{|\[]")
_AFTER_BODY = re.compile(r"[ \t]*(?:[A-Za-z_]\w*[ \t]*)?;")
_PYTHON = re.compile(r"""#[^\n]*|\"{3}|'{3}|"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?|[()\[\]{}]|\\\n|\n""")
_LONG = {
    '"""': re.compile(r'(?:[^"\\]|\\[\s\S]|"(?!""))*(?:"""|\Z)'),
    "'''": re.compile(r"(?:[^'\\]|\\[\s\S]|'(?!''))*(?:'''|\Z)"),
}


def end_of_python(text: str, start: int) -> int:
    """After the last line of the definition at `start`: before the first line at its column that is no continuation."""
    depth, at, end = 0, start, start
    first, decorated = True, False
    line = start
    while line < len(text):
        head = text[line : line + 1]
        if not first and head not in ("", " ", "\t", "\n", "#") and not (decorated and head in "@acd"):
            return end
        decorated = head == "@"
        comment = head == "#"
        next_line, depth = len(text), 0
        at = line
        while match := _PYTHON.search(text, at):
            token, at = match[0], match.end()
            if token in _LONG:
                long = _LONG[token].match(text, at)
                at = long.end() if long else len(text)
            elif token in "([{":
                depth += 1
            elif token in ")]}":
                depth = max(0, depth - 1)
            elif token == "\n" and depth == 0:
                next_line = at
                break
        if text[line:next_line].strip() and not comment:
            end = next_line
        first, line = False, next_line
    return end


def end_of_braces(lang: str, text: str, start: int) -> int | None:
    """After the closing brace of the definition at `start`; for `const f = x => x + 1;` after its semicolon."""
    script = lang in ("javascript", "typescript")
    tokens = _TOKENS["script" if script else lang]
    depth, parens, opened, at = 0, 0, False, start
    templates: list[int] = []  # the brace depth at each `${` that is open
    while match := tokens.search(text, at):
        token, at = match[0], match.end()
        if token == "/":
            regex = _REGEX.match(text, match.start()) if _regex_may_start(text, start, match.start()) else None
            at = regex.end() if regex else at
        elif token == "`" and script:
            at = _template(text, at, templates, depth)
        elif token == "{":
            depth += 1
            opened = opened or parens == 0
        elif token == "}" and templates and templates[-1] == depth:
            templates.pop()
            at = _template(text, at, templates, depth)
        elif token == "}":
            depth -= 1
            if depth < 0:
                return None
            if depth == 0 and parens <= 0 and opened:
                if not _TYPE_GOES_ON.match(text, at):
                    tail = _AFTER_BODY.match(text, at)
                    return tail.end() if tail else at
                opened = False  # it was a type, `interface{}` or `{ a: number }`: the body follows
        elif token in ("(", "["):
            parens += 1
        elif token in (")", "]"):
            parens -= 1
        elif token == ";" and depth == 0 and parens <= 0 and not opened:
            return at
    return None


def _template(text: str, at: int, templates: list[int], depth: int) -> int:
    """From inside a JavaScript template to its end, or into the `${` that it holds."""
    while match := _IN_TEMPLATE.search(text, at):
        at = match.end()
        if match[0] == "`":
            return at
        if match[0] == "${":
            templates.append(depth)
            return at
    return len(text)


def _regex_may_start(text: str, start: int, at: int) -> bool:
    before = text[max(start, at - 40) : at].rstrip()
    return not before or before[-1] in "(,=:[!&|?{};+-*%<>~^" or bool(re.search(r"\b(?:return|typeof|case)$", before))


def find_definition(lang: str, name: str, text: str) -> int | None:
    """Where the C or C++ function `name` is defined (not merely called), from the start of its line."""
    if lang not in ("c", "cpp"):
        raise ValueError(f"find_definition: expected c or cpp, found {lang!r}; codem/cutting/ reads the others")
    # a type, the name, parameters, and an opening brace: a prototype or a call has none
    match = re.search(
        r"^[ \t]*(?!return\b|else\b|new\b|throw\b|case\b|goto\b)[A-Za-z_<][\w:<>,\[\]*& \t.?]{0,200}[\s*&>\]]"
        rf"{re.escape(name)}\s*\([^;{{}}]{{0,2000}}\)[^;{{}}()=]{{0,200}}\{{",
        text,
        re.M,
    )
    return None if match is None else match.start()
