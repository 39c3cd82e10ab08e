"""Each rule of the cutter, with the text that a model wrote and the program that is wanted."""

# ruff: noqa: E501  (programs on one line each)

from __future__ import annotations

import time

import pytest
from dialects import LANGUAGES, problem
from judge_help import judged

from codem.cut import cut
from codem.extent import find_definition
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
    assert (
        find_definition("c", "double_it", "int x = double_it(3);\nint double_it(int n);\n  return double_it(n);\n")
        is None
    )
    assert find_definition("java", "doubleIt", "        return doubleIt(n) {\n") is None
    assert find_definition("python", "double_it", "    def double_it(n):\n        pass\nprint(double_it(2))\n") is None
    assert find_definition("c", "double_it", "static inline unsigned int *double_it(const int *a, int n)\n{\n") == 0


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "unit", ["x", "(", "{", "int double_it(int n) ", "function doubleIt = ", "```\n", "'\"`/", "\n", "List<user> a\n"]
)
def test_long_and_strange_texts_are_cut_quickly(lang, unit):
    text = unit * (300_000 // len(unit))
    start = time.perf_counter()
    cut(problem(lang), text)
    assert time.perf_counter() - start < 5
