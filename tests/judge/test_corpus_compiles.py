"""The compile filter of corpora, with the real compilers: whole programs, fragments, mistakes, and hostile code."""

from __future__ import annotations

import dataclasses
import time

import pytest
from judge_help import facts

from codem import plugins
from codem.corpus.compiles import failures
from codem.corpus.pair import Pair
from codem.corpus.rejection import Reason
from codem.sandbox import HarnessError

GOOD = {
    "c": [
        '#include <stdio.h>\nint main(void) { puts("x"); return 0; }',
        "size_t f(const char *s) { return strlen(s); }",
        'for (int i = 0; i < 3; i++) printf("%d", i);',
    ],
    "cpp": [
        "#include <iostream>\n#include <optional>\nint main() { std::optional<int> a = 1; std::cout << *a; }",
        "vector<int> f(vector<int> a) { sort(a.begin(), a.end()); return a; }",
    ],
    "go": [
        'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println(1)\n}',
        "func up(s string) string { return strings.ToUpper(s) }",
        "x := 5\nfmt.Println(x)",
    ],
    "java": [
        "package a.b;\n\nimport java.util.*;\n\npublic class Main {\n    public static void main(String[] args) {\n"
        "        List<Node> l = new ArrayList<>();\n        l.add(new Node());\n    }\n}\n\nclass Node {}",
        "static List<Integer> f() { return new ArrayList<>(); }",
        "int x = 5;\nSystem.out.println(x);",
    ],
    "rust": ['fn main() { println!("x"); }', "fn add(a: i32, b: i32) -> i32 { a + b }"],
    "typescript": [
        "import axios from 'axios';\nexport async function g(): Promise<any> { return (await axios.get('x')).data; }",
        "const b = document.getElementById('x') as HTMLInputElement;\nb.value = 'a';",
        "const App = (): any => <b>x</b>;",
    ],
    "python": [
        "import numpy as np\n\ndef f(a):\n    return np.zeros(a)\n\nprint(f(1))",
        "async def f():\n    await g()",
    ],
    "javascript": [
        "import x from 'y';\nexport default x;",
        "const f = (a) => a;\nmodule.exports = f;",
        "const a = <b/>;",
    ],
}
WRONG = {
    "c": ("int f(int a) {\n    char *s = a;\n    return s.x;\n}", "line 6: request for member"),
    "cpp": ("#include <string>\nint f(int a) { std::string s = a; return 1; }", "line 5: conversion from"),
    "go": (
        'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tfmt.Println(1)\n}',
        "line 8: imported and not",
    ),
    "java": ("public int f(int a) {\n    String s = a;\n    return s;\n}", "line 5: incompatible types"),
    "rust": ("fn f(a: i32) -> String { a }", "line 4: error[E0308]"),
    "typescript": ("function f(a: number): string {\n  return a;\n}", "line 5: TS2322"),
    "python": ("x = 1\nprint 'x'", "line 5: Missing parentheses"),
    "javascript": ("let x = 1;\nlet x = 2;", "line 5: SyntaxError"),
}
HOSTILE = {
    "c": '#include "/dev/zero"\nint main(void) { return 0; }',
    "cpp": "template<int N> struct A { A<N + 1> a; A<N + 2> b; };\nint main() { A<0> a; }",
    "go": "package main\n\nvar x [1 << 40]int\n\nfunc main() { x[1] = 2 }",
    "python": "x = " + "-" * 20_000 + "1",
    "javascript": "let x = 1;\n" + "let x = 2;\n" * 10_000,
}


def pairs(lang: str, codes: list[str]) -> list[Pair]:
    """Each code's first line is the response's line 4."""
    return [Pair(f"{lang}/{i}", "Do it.", f"Here:\n\n```{lang}\n{code}\n```\n", lang) for i, code in enumerate(codes)]


def ready(lang: str) -> None:
    tools = plugins.load("languages", lang).toolchain()
    if not tools.found:
        pytest.skip(tools.how_to_get())


@pytest.mark.parametrize("lang", GOOD)
def test_what_is_right_compiles_and_what_is_wrong_does_not(lang, sandbox):
    ready(lang)
    wrong, shown = WRONG[lang]
    *_, last = made = pairs(lang, [*GOOD[lang], wrong])
    (found,) = failures(made, facts(lang), sandbox, workers=2)
    assert found.pair == last.id and found.reason is Reason.DOES_NOT_COMPILE and found.evidence.startswith(shown)
    assert failures(made[::-1], facts(lang), sandbox, workers=1) == [found]


@pytest.mark.parametrize("lang", HOSTILE)
def test_hostile_code_is_stopped_and_harms_no_other(lang, sandbox):
    ready(lang)
    given = facts(lang, build_s=10, build_each_s=1, build_memory_mb=1024)
    start = time.monotonic()
    found = failures(pairs(lang, [HOSTILE[lang], GOOD[lang][0]]), given, sandbox, workers=1)
    assert [one.pair for one in found] == [f"{lang}/0"]
    assert time.monotonic() - start < 120


def test_of_several_blocks_the_longest_counts_or_all_together(sandbox):
    ready("go")
    used = "```go\npackage main\n\nfunc main() { println(Add(1, 2)) }\n```"
    both = "func Add(a, b int) int {\n\treturn a + b\n}\n\nfunc Sub(a, b int) int { return a - b }"
    alone = f"```go\n{both}\n```"
    steps = "```python\nclass A:\n    x = 1\n```\nthen\n```python\nclass B(A):\n    y = A.x\n```"
    assert failures([Pair("1", "Do it.", f"{alone}\nUse it:\n{used}")], facts("go"), sandbox, 1) == []
    assert failures([Pair("2", "Do it.", steps)], facts("python"), sandbox, 1) == []


@pytest.mark.parametrize("lang", ["c", "python"])
def test_our_own_failure_is_never_counted_against_a_pair(lang, sandbox, monkeypatch):
    """When a program known to be right does not compile, it is not the pairs' fault."""
    ready(lang)
    plugin = plugins.load("languages", lang)
    monkeypatch.setattr(plugin, "CANARY", dataclasses.replace(plugin.CANARY, right="int twice(\n"))
    with pytest.raises(HarnessError, match="known to be right"):
        failures(pairs(lang, [WRONG[lang][0]]), facts(lang), sandbox, workers=1)


def test_html_and_pairs_without_code_are_not_looked_at(sandbox):
    given = dataclasses.replace(facts("go"), name="html")
    assert failures([Pair("1", "Do it.", "<p>x</p>")], given, sandbox, 1) == []
    assert failures([Pair("1", "Do it.", "There is no code in this one.")], facts("python"), sandbox, 1) == []
    assert failures([], facts("go"), sandbox, 2) == []
