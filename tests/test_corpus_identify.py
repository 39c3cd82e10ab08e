"""The code of a response, and which language it is in."""

import time

import pytest

from codem.corpus import parsing
from codem.corpus.code import Block, blocks, language_of
from codem.corpus.identify import identify, response_language


def texts(response: str) -> list[tuple[str, str]]:
    return [(block.declared, block.text) for block in blocks(response)]


@pytest.mark.parametrize(
    "response, expected",
    [
        ("```go\nfunc a() {}\n```", [("go", "func a() {}")]),
        ("~~~c++\nint x;\n~~~", [("cpp", "int x;")]),
        ("Run\n```JS\na()\n```\nor\n```sh\nnode a.js\n```", [("javascript", "a()"), ("bash", "node a.js")]),
        ("```py3\nprint(1)", [("python", "print(1)")]),
        ("```{.python}\nx\n```", [("python", "x")]),
        ('```python title="a.py"\nx\n```', [("python", "x")]),
        ("```\nx\n```", [("", "x")]),
        ("1. First\n   ```go\n   if x {\n   \ty()\n   }\n   ```", [("go", "if x {\n\ty()\n}")]),
        ("> ```go\n> x := 1\n> ```", [("go", "x := 1")]),
        ("````markdown\n```go\nx\n```\n````", [("", "```go\nx\n```")]),
        ("```go\na()\n```go\nb()\n```", [("go", "a()"), ("go", "b()")]),
        ("```python\r\nx = 1\r\n```\r\n", [("python", "x = 1")]),
        ("```go\n\n```", []),
        ("def f():\n    return 1\n", [("", "def f():\n    return 1")]),
        ("Here is the code:\nx = 1\n\nThis sets the value of x.", [("", "x = 1")]),
        ("Recursion is when a function calls itself until it ends.", []),
        ("It uses the print() function to show the value.", []),
        ("# add one to the given number\nx += 1", [("", "# add one to the given number\nx += 1")]),
        ('print("`' + "``" + '")\ny = 2', [("", 'print("```")\ny = 2')]),
    ],
)
def test_the_code_of_a_response(response, expected):
    assert texts(response) == expected


def test_a_block_knows_its_line():
    assert [block.line for block in blocks("one\n```go\nx\n```\n\n```go\ny\n```")] == [3, 7]
    assert blocks("Here is the code:\n\nx = 1")[0].line == 3


def test_tags():
    tags = ["golang", "c++17", "python3.11", "lang-js", "TypeScript", "text", "brainfuck", "c"]
    assert [language_of(tag) for tag in tags] == [
        *("go", "cpp", "python", "javascript", "typescript", "", "brainfuck", "c")
    ]


@pytest.mark.parametrize(
    "text, tag, expected, said",
    [
        ("func add(a, b int) int {\n\treturn a + b\n}", "", "go", "func"),
        ("func add(a, b int) int {\n\treturn a + b\n}", "go", "go", "the fence says Go"),
        ("def f(x):\n    return x + 1\n", "go", "python", "the fence says Go, but it does not parse so"),
        ("public static int f(int x) { return x; }", "", "java", "parses as Java without errors"),
        ('fn main() {\n    println!("x");\n}', "", "rust", "println!"),
        ("<ul><li>a<li>b</ul>", "", "html", "parses as HTML"),
        ("SELECT name FROM users WHERE id = 1", "", "sql", "no grammar"),
        ("#!/bin/sh\nls", "", "bash", "#!/bin/sh"),
        ("a { color: red; }", "", "css", "color"),
        ("def f(x)\n  x + 1\nend", "", "ruby", "end"),
        ("The answer is five.", "", "", "no signs"),
        ('{"a": 1}', "json", "json", "the fence says json"),
    ],
)
def test_a_language_and_its_reason(text, tag, expected, said):
    made = identify(Block(text, tag))
    assert made.lang == expected and said in made.reason


@pytest.mark.parametrize(
    "text, target, accepted",
    [
        ("int add(int a, int b) { return a + b; }", "c", True),
        ("int add(int a, int b) { return a + b; }", "cpp", True),
        ("#include <iostream>\nint main() { std::cout << 1; }", "c", False),
        ('#include <stdio.h>\nint main() { printf("x"); }', "cpp", True),
        ("const f = (x) => x + 1;", "javascript", True),
        ("const f = (x) => x + 1;", "typescript", True),
        ("const f = (x: number): number => x + 1;", "javascript", False),
        ("const f = (x: number): number => x + 1;", "typescript", True),
        ("interface A { name: string }", "javascript", False),
        ("x = 5", "python", True),
        ("Hello", "python", False),
        ("Hello", "javascript", False),
        ("Answer: 5", "javascript", False),
        ("O(n)", "go", False),
        ("plain text", "html", False),
        ("vector<int> x;", "html", False),
    ],
)
def test_the_larger_of_two_languages_takes_the_smaller_one(text, target, accepted):
    assert identify(Block(text), target).is_in(target) is accepted


def test_a_fence_for_the_larger_language_does_not_make_it_so():
    assert identify(Block("int f(void) { return 1; }", "cpp"), "c").is_in("c")
    assert not identify(Block("int f() { return std::max(1, 2); }", "cpp"), "c").is_in("c")


def test_of_a_whole_response():
    response = "```bash\ngo run main.go -with -many -options -that -are -long\n```\n```go\nx := 1\n```"
    assert response_language(blocks(response), "go").lang == "go"
    assert response_language(blocks("There is nothing to see in this one.")).lang == ""


@pytest.mark.parametrize(
    "lang, text",
    [
        ("go", "x := 5\nfmt.Println(x)"),
        ("java", "int x = 5;\nSystem.out.println(x);"),
        ("java", '@Override\npublic String toString() { return ""; }'),
        ("c", 'for (int i = 0; i < 3; i++) printf("x");'),
        ("cpp", "bool f(any a) { return a.type() == typeid(int); }"),
        ("javascript", "const a = <b>x</b>;"),
        ("html", "<p>a<p>b<br>AT&T a < b </i> {{ x }}"),
        ("html", "<!DOCTYPE html>\n<html><script>if (a<b) { x = '</p>'; }</script><style>p { }</style></html>"),
    ],
)
def test_what_people_write_parses(lang, text):
    assert parsing.trouble(lang, text, parsing.tree(lang, text)) is None


@pytest.mark.parametrize("lang", ["go", "java", "c", "cpp", "javascript", "typescript", "rust"])
def test_an_elision_does_not_parse(lang):
    text = "void f() {\n  ...\n}" if lang in ("c", "cpp", "java") else "function f() {\n  ...\n}"
    text = {"go": "func f() {\n  ...\n}", "rust": "fn f() {\n  let x = ...;\n}", "java": f"class A {{ {text} }}"}.get(
        lang, text
    )
    found = parsing.trouble(lang, text, parsing.tree(lang, text))
    assert found is not None and found.line == 2 and "..." in found.text


@pytest.mark.parametrize("text", ["<p>a</p><div class='x", "<p><!-- never closed", "<script>f();"])
def test_html_that_is_cut_off(text):
    assert parsing.trouble("html", text, parsing.tree("html", text)) is not None


def test_a_column_counts_characters():
    text = 'func f() {\n\ts := "äöü" ...\n}'
    found = parsing.trouble("go", text, parsing.tree("go", text))
    assert found is not None and (found.line, found.column) == (2, 13)


@pytest.mark.parametrize(
    "text", ["a<" * 6_000, "a<" * 50_000, "(" * 24_000, "\n" * 23_000, "x for " * 3_900, "<a " * 7_900]
)
@pytest.mark.parametrize("target", ["java", "cpp", "html"])
def test_no_text_takes_long(text, target):
    start = time.process_time()
    identify(Block(text), target)
    response_language(blocks(text), target)
    assert time.process_time() - start < 10
