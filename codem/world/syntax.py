"""How each language spells the few things that the world's functions are made of: one table per language."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Syntax:
    types: dict[str, str]
    signature: str
    arg: str
    indent: str
    comment: str
    declare: str
    branch: str
    count: str
    """Has {op}, `<` or `<=`."""
    loop: str
    divide: str
    length: str
    at: str
    same_text: str
    end: str = ";"
    close: str = "}"
    quote: str = "'"
    """Around a single character."""
    words: tuple[tuple[str, str], ...] = (("and", "&&"), ("or", "||"))
    """How operators are spelled where the tree's own spelling is not it."""
    flags: tuple[str, str] = ("false", "true")
    snake_case: bool = False
    after_last: int = 0
    """Added to the end of an inclusive count where the language only counts up to, not including."""


C = Syntax(
    types={"int": "int", "bool": "bool", "text": "const char *"},
    signature="{result} {name}({args}) {{",
    arg="{type} {name}",
    indent="    ",
    comment="// ",
    declare="int {name} = {value};",
    branch="if ({condition}) {{",
    count="for (int {var} = {first}; {var} {op} {last}; {var}++) {{",
    loop="while ({condition}) {{",
    divide="{a} / {b}",
    length="strlen({text})",
    at="{text}[{index}]",
    same_text="strcmp({a}, {b}) == 0",
    snake_case=True,
)
CPP = replace(
    C,
    types={"int": "int", "bool": "bool", "text": "string"},
    length="{text}.size()",
    same_text="{a} == {b}",
)
JAVA = replace(
    C,
    types={"int": "int", "bool": "boolean", "text": "String"},
    signature="public static {result} {name}({args}) {{",
    length="{text}.length()",
    at="{text}.charAt({index})",
    same_text="{a}.equals({b})",
    snake_case=False,
)
JAVASCRIPT = replace(
    C,
    types={"int": "", "bool": "", "text": ""},
    signature="function {name}({args}) {{",
    arg="{name}",
    indent="  ",
    declare="let {name} = {value};",
    count="for (let {var} = {first}; {var} {op} {last}; {var}++) {{",
    divide="Math.floor({a} / {b})",
    length="{text}.length",
    same_text="{a} === {b}",
    quote='"',
    words=(("and", "&&"), ("or", "||"), ("==", "===")),
    snake_case=False,
)
TYPESCRIPT = replace(
    JAVASCRIPT,
    types={"int": "number", "bool": "boolean", "text": "string"},
    signature="function {name}({args}): {result} {{",
    arg="{name}: {type}",
    declare="let {name}: number = {value};",
)
GO = replace(
    C,
    types={"int": "int", "bool": "bool", "text": "string"},
    signature="func {name}({args}) {result} {{",
    arg="{name} {type}",
    indent="\t",
    declare="{name} := {value}",
    branch="if {condition} {{",
    count="for {var} := {first}; {var} {op} {last}; {var}++ {{",
    loop="for {condition} {{",
    length="len({text})",
    same_text="{a} == {b}",
    end="",
    snake_case=False,
)
PYTHON = Syntax(
    types={"int": "", "bool": "", "text": ""},
    signature="def {name}({args}):",
    arg="{name}",
    indent="    ",
    comment="# ",
    declare="{name} = {value}",
    branch="if {condition}:",
    count="for {var} in range({first}, {last}):",
    loop="while {condition}:",
    divide="{a} // {b}",
    length="len({text})",
    at="{text}[{index}]",
    same_text="{a} == {b}",
    end="",
    close="",
    quote='"',
    words=(),
    flags=("False", "True"),
    snake_case=True,
    after_last=1,
)
LANGUAGES: dict[str, Syntax] = {
    "python": PYTHON,
    "javascript": JAVASCRIPT,
    "typescript": TYPESCRIPT,
    "c": C,
    "cpp": CPP,
    "java": JAVA,
    "go": GO,
}
TITLES = {
    "python": "Python",
    "javascript": "JavaScript",
    "typescript": "TypeScript",
    "c": "C",
    "cpp": "C++",
    "java": "Java",
    "go": "Go",
    "html": "HTML",
}
