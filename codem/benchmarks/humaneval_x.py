"""HumanEval-X: the 164 tasks of HumanEval by hand in six languages, each with its own tests (Zheng et al., 2023).

Items are given as published, in the parts that a Problem has. The header that the model continues has no docstring;
what a prompt defines before it (`poly` of task 32, for one) goes into the prelude and is shown in the description.

A model that continues a header cannot import anything any more. So the published evaluation puts common imports before
every program in Python, C++ and Go, and so do we; four of its own solutions in Go need that. (NumPy is not among ours.)
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from codem.benchmark_data import HOME, DataFile, Source, each, load
from codem.benchmarks import _humaneval_text as text
from codem.knob import knob
from codem.records import Problem

VERSION = "1"
LANGUAGES = ("python", "javascript", "cpp", "java", "go", "rust")
ERRATA = "humaneval"

REPO = "zai-org/CodeGeeX"
COMMIT = "2838420b7b4492cf3d16bce5320e26e65960c9e2"
FIELDS = ("task_id", "prompt", "declaration", "canonical_solution", "test")
FILES = {
    "python": ("python", "f0e21637407b08a725dbc5bfcc20f909049f73564dd0d55dcc11619fa0838849", ("text",)),
    "javascript": ("js", "da529500a73fcbc86bc8f6c7855c0f2c0fc7af1c4dc530e26a54bbfd17f97cef", ()),
    "cpp": ("cpp", "af420b4b58c1b5e7f4cac9c1257daad7b20b5c77e88d59ccc120e63825f03325", ()),
    "java": ("java", "2157a77a6ff808020adc20142228b4ff698048c0696b33110786400c47c5d79c", ()),
    "go": ("go", "87aba5e8ab3be26aec48a355b77c73790900ebae3731c44ea9e3fdd5ea51f1fe", ("import", "test_setup")),
    "rust": ("rust", "36938439d536c34418b582db82f7bfa5d0331990424fc69b1915c5067634b4e7", ()),
}
"""Language -> its name in the files, the hash, and the fields that only it has."""
COMMON_IN_PYTHON = (
    "import math\nimport re\nimport sys\nimport copy\nimport datetime\nimport itertools\nimport collections\n"
    "import heapq\nimport statistics\nimport functools\nimport hashlib\nimport string\n"
    "from typing import *\nfrom collections import *\n"
)
COMMON_IN_CPP = ("stdlib.h", "algorithm", "math.h", "stdio.h", "vector", "string", "climits", "cstring", "iostream")
COMMON_IN_GO = ("math", "strings", "fmt", "strconv", "time", "bytes", "regexp", "sort", "math/rand", "crypto/md5")
GO_IMPORT = re.compile(r'"([^"\n]+)"')
GO_OF_TESTS = ("testing", "github.com/stretchr/testify/assert")
RUST_ENTRY_POINTS = {10: "make_palindrome", 32: "find_zero", 38: "decode_cyclic", 50: "decode_shift"}
"""Rust leaves the functions that the other languages are given to the answer. Here they are given in Rust too."""
RUST_FUNCTION = re.compile(r"^[ \t]*(?:pub[ \t]+)?fn[ \t]+(\w+)", re.M)
RUST_ENUM = re.compile(r"^(?:#\[derive[^\n]*\n)?pub enum [\s\S]*?^\}\n", re.M)
"""A type that the header and the tests name, and that only the solution defines (task 137)."""
NAME = re.compile(r"(\w+)\s*(?:<[^()]*>)?\(")
"""The function's name in a header; Rust may have lifetimes behind it."""


@dataclass(frozen=True)
class Config:
    home: str = HOME
    """The pattern of the files' addresses, for a mirror."""
    n: int | None = knob(None, least=1)
    """Only the first n tasks, for a quick look."""


@dataclass(frozen=True)
class Parts:
    """One item taken apart."""

    description: str
    prelude: str
    signature: str
    reference: str
    tests: str
    given: str = ""
    """The part of the prelude that the answer may call."""


def problems(lang: str, config: Config, source: Source) -> list[Problem]:
    if lang not in LANGUAGES:
        raise ValueError(f"humaneval-x has no problems in {lang!r}; it has {', '.join(LANGUAGES)}")
    [rows] = load([data_file(lang)], source, config.home)
    return each(rows[: config.n], functools.partial(_problem, lang))


def data_file(lang: str) -> DataFile:
    short, sha256, more = FILES[lang]
    name = f"humaneval_{short}.jsonl.gz"
    path = f"codegeex/benchmark/humaneval-x/{short}/data/{name}"
    return DataFile("humaneval-x", name, REPO, COMMIT, path, sha256, 164, (*FIELDS, *more))


def _problem(lang: str, row: dict[str, str]) -> Problem:
    n = int(row["task_id"].rpartition("/")[2])
    parts = PARTS_OF[lang](row)
    return Problem(
        id=f"humaneval-x/{lang}/{n}",
        task=f"humaneval-x/{n}",
        lang=lang,
        description=text.with_given(parts.description, parts.given),
        signature=parts.signature.strip() + "\n",
        entry_point=_entry_point(lang, parts.signature),
        prelude=parts.prelude.strip("\n") + "\n" if parts.prelude.strip() else "",
        tests=parts.tests,
        reference=parts.reference.rstrip() + "\n",
        style="program",
    )


def _entry_point(lang: str, signature: str) -> str:
    if lang == "javascript":
        return signature.split()[1]
    found = NAME.search(signature)
    assert found is not None, signature
    return found[1]


def _python(row: dict[str, str]) -> Parts:
    before, line, after = _at_last(row["declaration"], r"^def [^\n]*\n")
    imports = "".join(f"{line.strip()}\n" for line in after.split("\n") if line.strip().startswith("import "))
    given = before[before.index("def ") :] if before.startswith("def ") or "\ndef " in before else ""
    prelude = f"{COMMON_IN_PYTHON}{imports}{before}"
    return Parts(text.prose(row["text"]), prelude, line, row["canonical_solution"], row["test"], given)


def _javascript(row: dict[str, str]) -> Parts:
    before, line, _ = _at_last(row["declaration"], r"^const [^\n]*\n")
    return Parts(text.last_comment(row["prompt"]), before, line, row["canonical_solution"], row["test"], before)


def _cpp(row: dict[str, str]) -> Parts:
    line = text.header(row["prompt"])
    before = row["declaration"][: row["declaration"].rindex(line)]
    given = "\n".join(x for x in before.split("\n") if x.strip() and not re.match(r"\s*#\s*include|using ", x))
    more = "".join(f"#include<{name}>\n" for name in COMMON_IN_CPP if f"#include<{name}>" not in before)
    body = row["canonical_solution"].partition("#undef NDEBUG")[0]  # the beginning of the tests, once
    return Parts(text.last_comment(row["prompt"]), more + before, line, body, row["test"], given)


def _java(row: dict[str, str]) -> Parts:
    """The header and the functions as members of class Solution, without the class around them."""
    before, line, _ = _at_last(row["declaration"], r"^    public [^\n]*\n")
    imports, _, members = before.partition("class Solution {\n")
    members = textwrap.dedent(members)
    body = re.sub(r"\}\s*\Z", "", row["canonical_solution"])
    reference = re.sub(r"^    ", "", body, flags=re.M)
    return Parts(text.last_comment(row["prompt"]), imports + members, line, reference, row["test"], members)


def _go(row: dict[str, str]) -> Parts:
    """Published are two lists of imports that were made for one file, each lacking what the other has. Here the prelude
    has all that an answer may need, of which Go wants those left out that it does not use; the tests have theirs."""
    line = text.header(row["prompt"])
    before = row["prompt"][: row["prompt"].rindex(line)]
    code = before.replace(row["import"], "", 1)
    given = code[: list(text.COMMENT.finditer(code))[-1].start()]
    paths = list(dict.fromkeys(GO_IMPORT.findall(row["import"] + row["test_setup"])))
    of_answer = [path for path in dict.fromkeys([*paths, *COMMON_IN_GO]) if path not in GO_OF_TESTS]
    of_tests = [path for path in paths if re.search(rf"\b{path.rpartition('/')[2]}\.", row["test"])]
    tests = f"package main\n\n{_go_imports(of_tests)}\n{row['test']}"
    prelude = f"{_go_imports(of_answer)}\n{given}"
    return Parts(text.last_comment(row["prompt"]), prelude, line, row["canonical_solution"], tests, given)


def _go_imports(paths: list[str]) -> str:
    return "import (\n" + "".join(f'    "{path}"\n' for path in paths) + ")\n" if paths else ""


def _rust(row: dict[str, str]) -> Parts:
    before, line, _ = _at_last(row["declaration"], r"^(?:pub )?fn [^\n]*\n")
    body = RUST_ENUM.sub("", row["canonical_solution"])
    given = "\n".join(RUST_ENUM.findall(row["canonical_solution"]))
    entry = RUST_ENTRY_POINTS.get(int(row["task_id"].rpartition("/")[2]))
    if entry is not None:
        functions = dict(text.top_level_functions(line + body, RUST_FUNCTION))
        line, _, body = functions.pop(entry).partition("{\n")
        line += "{"
        given = "\n".join(textwrap.dedent(function) for function in functions.values())
    return Parts(text.last_comment(row["prompt"]), before + given, line, body, row["test"], given)


def _at_last(source: str, pattern: str) -> tuple[str, str, str]:
    """What stands before, at and after the last place that matches."""
    match = list(re.finditer(pattern, source.rstrip() + "\n", re.M))[-1]
    return source[: match.start()], match[0], source[match.end() :]


PARTS_OF: dict[str, Callable[[dict[str, str]], Parts]] = {
    "python": _python,
    "javascript": _javascript,
    "cpp": _cpp,
    "java": _java,
    "go": _go,
    "rust": _rust,
}
