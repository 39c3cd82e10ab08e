"""Each rule of the cutter, with the text that a model wrote and the program that is wanted."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

import dataclasses
import time

import pytest
from dialects import LANGUAGES, problem
from judge_help import judged

from codem.cut import cut
from codem.cutting.extent import end_of_braces, find_definition
from codem.records import Outcome

BODY = {lang: problem(lang).reference for lang in LANGUAGES}
HEAD = {lang: problem(lang).signature for lang in LANGUAGES}
TAG = {"cpp": "c++", "javascript": "js", "typescript": "ts"}


def fence(lang: str, code: str) -> str:
    return f"```{TAG.get(lang, lang)}\n{code}```\n"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("", "\n\n"),
        ("", "\nThis function doubles its argument.\n"),
        ("", "```\n\nThis doubles { the number.\n"),
        ("", "<|endoftext|>garbage {{{"),
        ("", "</s>\nmore"),
        ("", "\n### Instruction:\nWrite something else.\n\n### Response:\nno"),
        ("", "\nint main() { return 1; }\n"),
    ],
)
def test_a_body_is_continued_and_what_follows_goes(lang, before, after):
    assert cut(problem(lang), before + BODY[lang] + after).rstrip() == (HEAD[lang] + BODY[lang]).rstrip()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("Here is the function:\n\n", "\nIt returns twice the number.\n"),
        ("\n\n", "\n\n### Response:\n"),
        ("Sure!\n", "```\nEnjoy {\n"),
    ],
)
def test_a_repeated_signature_starts_the_program(lang, before, after):
    whole = HEAD[lang] + BODY[lang]
    assert cut(problem(lang), before + whole + after).strip() == whole.strip()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda lang, code: fence(lang, code),
        lambda lang, code: "Here you are:\n\n" + fence(lang, code) + "\nIt works by doubling.",
        lambda lang, code: f"```\n{code}```",
        lambda lang, code: f"```{lang}\n{code}",
        lambda lang, code: "First install it:\n```bash\nmake\n```\nthen\n" + fence(lang, code) + fence(lang, "other"),
    ],
    ids=["fence", "prose", "no tag", "not closed", "second block"],
)
def test_the_first_fenced_block_that_defines_it(lang, wrap):
    whole = HEAD[lang] + BODY[lang]
    assert cut(problem(lang), wrap(lang, whole)).strip() == whole.strip()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_fence_may_hold_the_body_alone(lang):
    assert cut(problem(lang), fence(lang, BODY[lang])).rstrip() == (HEAD[lang] + BODY[lang]).rstrip()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_running_on_does_not_replace_the_first_answer(lang):
    """The body is complete; the model then begins the same function again and is cut off by the token limit."""
    again = HEAD[lang] + BODY[lang][: len(BODY[lang]) // 2]
    assert cut(problem(lang), BODY[lang] + "\n" + again).rstrip() == (HEAD[lang] + BODY[lang]).rstrip()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_that_stops_early_is_kept_as_it_is(lang):
    half = BODY[lang][:-4]
    assert cut(problem(lang), half).rstrip() == (HEAD[lang] + half).rstrip()
    assert cut(problem(lang), "").rstrip() == HEAD[lang].rstrip()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_carriage_returns(lang):
    assert cut(problem(lang), BODY[lang].replace("\n", "\r\n")).rstrip() == (HEAD[lang] + BODY[lang]).rstrip()


HELPED = {
    "python": "import math\n\ndef helper(n):\n    return math.floor(n) * 2\n\n\ndef double_it(n):\n    return helper(n)\n\n\n"
    "if __name__ == '__main__':\n    assert False\nassert double_it(1) == 7\n",
    "javascript": "const two = 2;\nfunction helper(n) { return n * two; }\nexport const doubleIt = (n) => {\n  return helper(n) + later();\n};\n"
    "function later() { return 0; }\nconsole.log(doubleIt(4));\nthrow new Error('demo');\nmodule.exports = doubleIt;\n",
    "typescript": "interface Box { n: number }\nfunction helper(b: Box): number { return b.n * 2; }\n"
    "export function doubleIt(n: number): number {\n  return helper({ n });\n}\nconsole.log(doubleIt(4));\nthrow new Error('demo');\n",
    "c": "#include <math.h>\n\nstatic int helper(int n) {\n    return n * 2;\n}\n\nint double_it(int n) {\n    return helper(n);\n}\n\n"
    "int main(void) {\n    return double_it(3) == 7;\n}\n",
    "cpp": "#include <vector>\nusing namespace std;\n\nint helper(vector<int> v) {\n    return v[0] * 2;\n}\n\n"
    "int double_it(int n) {\n    return helper({n});\n}\n\nint main() {\n    return double_it(3) == 7;\n}\n",
    "java": "import java.util.*;\n\npublic class Solution {\n    private static int helper(List<Integer> v) {\n        return v.get(0) * 2;\n"
    "    }\n\n    private static int doubleIt(int n) {\n        return helper(Arrays.asList(n));\n    }\n\n"
    "    public static void main(String[] args) {\n        System.out.println(doubleIt(3));\n    }\n}\n",
    "go": 'package main\n\nimport (\n\t"fmt"\n\t"math"\n)\n\nfunc helper(n int) int {\n\treturn int(math.Floor(float64(n))) * 2\n}\n\n'
    "func doubleIt(n int) int {\n\treturn helper(n)\n}\n\nfunc main() {\n\tfmt.Println(doubleIt(3))\n}\n",
    "rust": "#![allow(dead_code)]\nuse std::collections::HashMap;\n\nconst TWO: i32 = 2;\n\nfn helper(n: i32) -> i32 {\n    n * TWO\n}\n\n"
    "pub fn double_it(n: i32) -> i32 {\n    let m: HashMap<i32, i32> = HashMap::new();\n    helper(n) + m.len() as i32\n}\n\n"
    'fn main() {\n    println!("{}", double_it(3));\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n'
    "    fn own() { assert_eq!(double_it(1), 7); }\n}\n",
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_helpers_imports_mains_and_demo_code_in_a_fence(sandbox, lang):
    (verdict,) = judged(sandbox, problem(lang), ["Sure:\n" + fence(lang, HELPED[lang]) + "Done."])
    assert verdict.outcome is Outcome.PASSED, verdict.output_tail


TRICKY = {
    "python": [
        '    s = """\nnot the end\n"""\n    return 2 * n\n',
        "    # a comment\n# at the margin\n    return 2 * n\n",
        "    return (n +\nn)\n",
        "    s = '(' + \"#\" + '\\''\n    return 2 * n\n",
        "    def inner(x):\n        return x\n\n    return inner(n) * 2\n",
    ],
    "javascript": [
        "  const s = '}' + \"}\" + `}${'}'}`;\n  return 2 * n; // }\n}\n",
        "  const r = /[}\\]/{]+\\//.test('}'); /* } */\n  return 2 * n;\n}\n",
        "  const half = n / 2; const o = { a: half / 1 }; return o.a * 4;\n}\n",
    ],
    "typescript": ["  const f = (x: { a: number }): { b: number } => ({ b: x.a });\n  return f({ a: n }).b * 2;\n}\n"],
    "c": [
        "    char c = '}'; char q = '\"'; /* } */ // }\n    return 2 * n;\n}\n",
        '    const char *s = "}\\"}";\n    return 2 * n;\n}\n',
    ],
    "cpp": ['    string s = R"x(}")")x"; if (s.empty()) { return 0; }\n    return 2 * n;\n}\n'],
    "java": [
        '    char c = \'}\'; String s = "}\\"";\n    String t = """\n        } "\n        """;\n    return 2 * n;\n}\n'
    ],
    "go": [
        "\ts := `}\"`\n\tr := '}'\n\tm := map[string]interface{}{s: r}\n\tif len(m) == 0 {\n\t\treturn 0\n\t}\n\treturn 2 * n\n}\n"
    ],
    "rust": [
        '    let c = \'}\'; let s = r#"}"}"#; /* } /* } */ */ // }\n    if s.starts_with(c) { 2 * n } else { 0 }\n}\n',
        "    fn first<'a>(s: &'a str, _: &'a str) -> &'a str { s }\n    first(\"}\", \"{\").len() as i32 * 2 * n\n}\n",
    ],
}


@pytest.mark.parametrize(("lang", "text"), [(lang, text) for lang in TRICKY for text in TRICKY[lang]])
def test_braces_in_strings_and_comments_do_not_count(lang, text):
    assert cut(problem(lang), text + "\nSome prose }.\n").startswith((HEAD[lang] + text).rstrip()[:-1])
    assert "prose" not in cut(problem(lang), text + "\nSome prose }.\n")


def test_types_with_braces_before_the_body():
    go = "func doubleIt(n interface{}) map[string]interface{} {\n\treturn nil\n}\n"
    assert cut(problem("go"), go + "prose").strip() == go.strip()
    ts = "function doubleIt(n: { a: number }): { b: number } {\n  return { b: n.a };\n}\n"
    assert cut(problem("typescript"), ts + "prose").strip() == ts.strip()


def test_a_call_or_a_prototype_is_no_definition():
    text = "int x = double_it(3);\nint double_it(int n);\n  return double_it(n);\n"
    assert find_definition("c", "double_it", text) is None
    assert find_definition("c", "double_it", "static inline unsigned int *double_it(const int *a, int n)\n{\n") == 0


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("cpp", "int a = 1'000'000; char c = '}'; }"),
        ("cpp", 'auto s = R"(})" "}\\"}"; }'),
        ("java", 'String s = """\n} \\""" }\n"""; }'),
        ("go", "s := `}`; r := '}' }"),
        ("rust", "let c: &'a str = r#\"}\"}\"#; let d = '}'; }"),
        ("javascript", "const s = `}${`${'}'}`}`, r = /[}/]}/; const t = a / b; }"),
    ],
)
def test_where_braces_end_without_a_parser(lang, text):
    assert end_of_braces(lang, "f() { " + text + " } }", 0) == len("f() { " + text)
    assert end_of_braces(lang, "f() { " + text[:-1], 0) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_long_answer_is_cut_by_its_braces_or_indentation(lang):
    """Longer than the parser is given at once: the function, a helper after it, and no prose."""
    comment = "#" if lang == "python" else "//"
    indent = "\t" if lang == "go" else "    "
    long = "".join(f"{indent}{comment} line {i} of a very long {{ comment\n" for i in range(600))
    whole = HEAD[lang] + long + BODY[lang]
    assert len(whole) > 20_000
    assert cut(problem(lang), long + BODY[lang] + "\nSome prose }.\n").strip() == whole.strip()
    assert cut(problem(lang), "Sure:\n" + fence(lang, whole) + "Done.").strip() == whole.strip()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("unit", ["(", "[", "{", "- ", "!", "if (n) { ", "f(", "a[", "((", "x ? ", "`${", "List<"])
def test_deep_nesting_breaks_nothing(lang, unit):
    text = HEAD[lang] + "    return " + unit * 5000
    assert cut(problem(lang), text).startswith(HEAD[lang].split("(")[0])
    assert "prose" not in cut(problem(lang), BODY[lang] + "\nprose " + unit * 5000)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "unit",
    [
        "x",
        "(",
        "{",
        "int double_it(int n) ",
        "function doubleIt = ",
        "```\n",
        "'\"`/",
        "\n",
        "List<user> a\n",
        "a<",
        "a ```\n",
    ],
)
def test_long_and_strange_texts_are_cut_quickly(lang, unit):
    text = unit * (5_000_000 // len(unit))
    start = time.process_time()
    cut(problem(lang), text)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  return 2 * n\nend\n", "function twice(n)\n  return 2 * n\nend\n"),
        (
            "Sure:\n```lua\nlocal function twice(n)\n  return 2 * n\nend\n```\nBye",
            "local function twice(n)\n  return 2 * n\nend\n",
        ),
        ("Here:\n\nfunction twice(n)\n  return 2 * n\nend\n</s>more", "function twice(n)\n  return 2 * n\nend\n"),
        ("", "function twice(n)\n"),
    ],
)
def test_a_language_that_no_parser_knows_is_cut_plainly(text, wanted):
    lua = dataclasses.replace(problem("python"), lang="lua", signature="function twice(n)\n", entry_point="twice")
    assert cut(lua, text) == wanted
