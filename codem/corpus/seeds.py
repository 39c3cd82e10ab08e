"""The Python-related part of an Alpaca-style seed set: what the evolution of every language begins with (section 2.1
of the paper, which takes CodeAlpaca 20K and does not say how that part is told from the rest).

    kept, left_out = python_part(pairs)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from codem.corpus.code import Block, blocks
from codem.corpus.identify import Identified, identify, title
from codem.corpus.pair import Pair
from codem.corpus.refusals import refusal

_PYTHON = re.compile(
    r"\b(?:python[23]?(?:\.\d+)*|py(?:torch|game|test)|pandas|numpy|django|flask|tkinter|matplotlib|scikit-learn|sklearn"
    r"|tensorflow|keras|jupyter|beautifulsoup|list comprehensions?)\b",
    re.I,
)
_OTHERS = [
    ("JavaScript",
     r"java ?script|jquery|node(?:\.js|js)|react(?:\.?js| (?:component|app|native|hook)s?)?"
     r"|vue(?:\.?js)?|angular|es6|express\.js|\bJS"),
    ("TypeScript", r"type ?script"),
    ("Java", r"java(?! ?script)|spring boot|jvm"),
    ("C++", r"c\+\+|cpp"),
    ("C#", r"c#|c sharp|\.net|asp\.net|unity"),
    ("C", r"(?:in|using|a|ansi) c(?=[ .,:;?!]|$)(?!\s*(?:and|=|is|or)\b)|c (?:program|language|code|function|struct)"),
    ("Go", r"golang|(?:in|using) go(?=[ .,:;?!]|$)|go (?:program|code|function|language|struct|routine)|goroutines?"),
    ("Rust", r"(?:in|using) rust|rust (?:program|code|function)"),
    ("Ruby", r"ruby|rails"),
    ("PHP", r"php|laravel|wordpress"),
    ("SQL", r"sql|mysql|postgres(?:ql)?|sqlite|database query|(?:select|insert|update|join) (?:statement|query)"),
    ("HTML", r"html5?|web ?page|<\w+>"),
    ("CSS", r"css3?|style ?sheet|bootstrap|sass|scss"),
    ("shell",
     r"bash|shell|powershell|batch (?:file|script)|(?:linux|unix|terminal|command[- ]line|git"
     r"|docker) commands?|awk|sed|git"),
    ("R", r"(?:in|using) r(?=[ .,:;?!]|$)|r (?:program|code|function|script|language)|ggplot2?|dplyr"),
    ("Swift", r"swift|ios app|swiftui"),
    ("Kotlin", r"kotlin|android app"),
    ("Scala", r"scala"),
    ("Perl", r"perl"),
    ("Lua", r"lua"),
    ("Haskell", r"haskell"),
    ("Dart", r"dart|flutter"),
    ("MATLAB", r"matlab|octave"),
    ("assembly", r"assembly|assembler|x86|mips"),
    ("Visual Basic", r"visual basic|vba|vb\.net"),
    ("Excel", r"excel (?:formula|macro|function)|spreadsheet formula"),
    ("LaTeX", r"latex"),
    ("a regular expression", r"regex(?:p| pattern)?|regular expressions?"),
    ("XML or YAML", r"xml|yaml|json schema"),
    ("pseudocode", r"pseudo-?code"),
]  # fmt: skip
_NAMES = [(name, re.compile(rf"(?<![\w.+#])(?:{pattern})(?![\w+#])", re.I)) for name, pattern in _OTHERS]
_INTO_PYTHON = re.compile(
    r"\b(?:in|to|into|using|with|as(?: a)?) (?:\w+ )?python|python (?:code|program|script|function)", re.I
)
_PYTHON_TOO = ("SQL", "HTML", "CSS", "shell", "a regular expression", "XML or YAML", "pseudocode", "Excel")
"""What a Python program works with: `a Python script that writes an HTML page`."""


@dataclass(frozen=True)
class Seed:
    pair: Pair
    reason: str


def python_part(pairs: Iterable[Pair]) -> tuple[list[Seed], Counter[str]]:
    """The pairs that are about Python, in order; how many were left out for which reason."""
    kept, left_out = [], Counter[str]()
    for pair in pairs:
        is_one, reason = is_python(pair)
        if is_one:
            kept.append(Seed(pair, reason))
        else:
            left_out[reason] += 1
    return kept, left_out


def is_python(pair: Pair) -> tuple[bool, str]:
    """Whether it is, and why or why not, in words that many pairs share.

    A fence that names its language decides, then a language that the instruction names, then what the response is, and
    last what code the instruction holds.
    """
    if not pair.instruction.strip() or not pair.response.strip():
        return False, "empty"
    have = blocks(pair.response)
    if not any(block.fenced for block in have) and refusal(pair.response):
        return False, "the response is a refusal"
    fenced = {block.declared for block in have if block.declared}
    if "python" in fenced:
        return True, "the fence says Python"
    made = _python_of(have)
    asked = bool(_PYTHON.search(pair.instruction))
    other = "" if asked and _INTO_PYTHON.search(pair.instruction) else _other_named(pair.instruction, asked)
    if fenced and not made.is_in("python"):
        return False, f"the fence says {title(sorted(fenced)[0])}"
    if other:
        return False, f"the instruction names {other}"
    if made.is_in("python"):
        return True, "the instruction names Python, the response parses as it" if asked else _why(made)
    if made.lang:
        return False, f"the response is {title(made.lang)}"
    if any(re.search(r"^>>> ", block.text, re.M) for block in have):
        return True, "the response is a session of the Python shell"
    if asked:
        return True, "the instruction names Python, the response is no program"
    if "signs:" in (given := _python_of(blocks(pair.instruction))).reason and given.is_in("python"):
        return True, "the instruction holds Python code, the response is no program"
    return False, "nothing says Python"


def _python_of(have: list[Block]) -> Identified:
    """What the response's code is, Python if any of it is."""
    read = [identify(block, "python") for block in have]
    for made in read:
        if made.is_in("python") and made.trouble is None:
            return made
    return next((made for made in read if made.lang and made.lang != "python"), Identified("", ""))


def _why(made: Identified) -> str:
    return "the response parses as Python and " + (
        "has signs of it" if "signs:" in made.reason else "is more than an expression"
    )


def _other_named(instruction: str, asked: bool) -> str:
    """Another language that is asked for; Python programs may work with some of them."""
    for name, pattern in _NAMES:
        if pattern.search(instruction) and not (asked and name in _PYTHON_TOO):
            return name
    return ""
