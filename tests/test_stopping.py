"""Generation ends with the wanted function, and the program that is cut out of the answer stays what it was."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from codem.cut import cut
from codem.language_facts import LanguageFacts
from codem.stopping import Stopper
from codem.strict import convert

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "judge"))
from corpus_format import answers  # noqa: E402

LANGUAGES = ("python", "javascript", "typescript", "c", "cpp", "java", "go", "rust")
STOP = ("\n### Instruction",)
CUTS = {
    "letters": r"[\s\S]",
    "words, a newline with its indentation": r"\n[ \t]*|[ \t]+\w{0,6}|\w{1,6}|[^\w\s]|\s",
    "lines": r"[^\n]*\n|[^\n]+$",
}
"""Three ways in which a tokenizer may cut a text."""


def facts(lang: str) -> LanguageFacts:
    errors: list[str] = []
    made = convert(LanguageFacts, yaml.safe_load((ROOT / f"conf/lang/{lang}.yaml").read_text()), lang, errors)
    assert not errors
    return made


def pieces(text: str, way: str) -> list[str]:
    found = re.findall(CUTS[way], text)
    assert "".join(found) == text
    return found


def ends_after(stop: Stopper, written: list[str]) -> int | None:
    """How many pieces are written until it has ended; None: it does not end."""
    return next((n for n in range(1, len(written) + 1) if stop.ended("".join(written[:n]))), None)


def stopper(lang: str, name: str, signature: str, prelude: str = "", **others) -> Stopper:
    return Stopper(facts(lang), name, others.pop("stop", STOP), signature=signature, prelude=prelude, **others)


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_answer_that_ends_early_has_the_same_program(lang, way):
    wrong, ended = [], 0
    for answer in answers(lang):
        problem = answer.problem
        written = pieces(answer.text, way)
        count = ends_after(stopper(lang, problem.entry_point, problem.signature, problem.prelude), written)
        if count is None:
            continue
        ended += 1
        if cut(problem, "".join(written[:count])) != cut(problem, answer.text):
            wrong.append(f"{answer.place} {answer.title}: ended with {written[count - 1]!r}")
    assert not wrong, "\n".join(wrong)
    assert ended >= 30  # else the equality says nothing


C_MAIN = "int main() {\n    return twice(2);\n}\n"
RAMBLES = [
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "\nif __name__ == '__main__':\n    print(twice(2))\n"),
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "\nprint(twice(2))\n"),
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "\nThe function doubles what it is given.\n"),
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "```\nIt doubles.\n"),
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "\n\ndef thrice(n):\n    return 3 * n\n"),
    ("python", "twice", "def twice(n):\n", "    return 2 * n\n", "\n\ndef twice(n):\n    return n + n\n"),
    ("c", "twice", "int twice(int n) {\n", "    return 2 * n;\n}\n", "\n" + C_MAIN),
    ("c", "twice", "int twice(int n) {\n", "    return abs(n);\n}\n", "\nint thrice(int n) {\n    return 3 * n;\n}\n"),
    ("cpp", "twice", "int twice(int n) {\n", "    return max(n, n) * 2;\n}\n", "\n" + C_MAIN),
    ("java", "twice", "public int twice(int n) {\n", "    return Math.abs(n);\n}\n", "\nExplanation: it doubles.\n"),
    (
        "java",
        "twice",
        "    public int twice(int n) {\n",
        "        return 2 * n;\n    }\n",
        "\n    public static void main(String[] args) {\n        twice(2);\n    }\n}\n",
    ),
    ("go", "twice", "func twice(n int) int {\n", "\treturn len([]int{n})\n}\n", "\nfunc main() {\n\ttwice(2)\n}\n"),
    (
        "rust",
        "twice",
        "fn twice(n: i32) -> i32 {\n",
        "    Some(2 * n).unwrap()\n}\n",
        "\nfn main() {\n    twice(2);\n}\n",
    ),
    ("javascript", "twice", "const twice = (n) => {\n", "  return Math.abs(n);\n}\n", "\nconsole.log(twice(2));\n"),
    (
        "typescript",
        "twice",
        "function twice(n: number): number {\n",
        "  return 2 * n;\n}\n",
        "\nconsole.log(twice(2));\n",
    ),
]


@pytest.mark.parametrize(("lang", "name", "signature", "body", "more"), RAMBLES)
def test_what_comes_after_the_function_ends_the_answer(lang, name, signature, body, more):
    stop = stopper(lang, name, signature)
    written = pieces(body + more * 20, "words, a newline with its indentation")
    count = ends_after(stop, written)
    assert count is not None
    beyond = "".join(written[:count])[len(body) :]
    assert beyond.strip() and beyond.count("\n", len(beyond) - len(beyond.lstrip())) <= 1, beyond


@pytest.mark.parametrize(
    ("lang", "signature", "text"),
    [
        # not over: the body goes on
        ("python", "def f(n):\n", "    if n:\n        return 1\n\n"),
        ("python", "def f(n):\n", '    text = """\nprint(1)\n'),
        ("c", "int f(int n) {\n", "    if (n) {\n        return 1;\n    }\n"),
        # what it uses is still to be defined
        ("python", "def f(n):\n", "    return helper(n)\n\n\nprint(f(1))\n"),
        ("python", "def f(n):\n", "    return LIMIT + n\n\nThe limit is\n"),
        ("c", "int f(int n) {\n", "    return helper(n);\n}\n\nint main() {\n"),
        ("java", "int f(int n) {\n", "    return new Pair(n).x;\n}\n\nHere is the class:\n"),
        ("go", "func f(n int) int {\n", "\treturn helper(n)\n}\n\nfunc main() {\n"),
        ("rust", "fn f(n: i32) -> i32 {\n", "    helper(n)\n}\n\nfn main() {\n"),
        ("javascript", "function f(n) {\n", "  return helper(n);\n}\n\nconsole.log(f(1));\n"),
        # its definition begins
        ("cpp", "int f(int n) {\n", "    struct g x;\n    return 1;\n}\n\nstruct g {\n"),
        ("rust", "fn f(n: i32) -> i32 {\n", "    n.twice()\n}\n\ntrait Twice {\n"),
        ("cpp", "int f(int n) {\n", "    return f(n, 1);\n}\n\nint f(int n, int m) {\n"),
        # the text does not continue the header
        ("python", "def f(n):\n", "Here is the function:\n\n"),
        ("python", "def f(n):\n", "```python\ndef f(n):\n    return n\n```\n\nIt returns\n"),
        ("python", "def f(n):\n", "def f(n):\n    return n\n\nprint(f(1))\n"),
        ("python", "def f(n):\n", "total = 0\nfor i in n:\n    total += i\nreturn total\n"),
        ("c", "int f(int n) {\n", "int f(int n) {\n    return n;\n}\n\nint main() {\n"),
    ],
)
def test_generation_goes_on(lang, signature, text):
    assert ends_after(stopper(lang, "f", signature), pieces(text, "words, a newline with its indentation")) is None


def test_what_the_benchmark_supplies_need_not_come():
    text = "    return helper(n)\n\n\nprint(f(1))\n"
    assert stopper("python", "f", "def f(n):\n", "def helper(n):\n    return n\n").ended(text)
    assert not stopper("python", "f", "def f(n):\n").ended(text)


def test_a_stop_string_ends_any_text():
    stop = stopper("python", "f", "def f(n):\n", at_function_end=False)
    assert stop.ended("I do not know.\n### Instruction") and not stop.ended("I do not know.\n### Inst")
    assert not stop.ended("    return n\n\n\nprint(f(1))\n")


def test_a_mark_of_a_chat_ends_any_text_but_an_empty_one():
    stop = stopper("python", "f", "def f(n):\n", stop=())
    assert stop.ended("I do not know.<|im_end|>") and not stop.ended("<|im_start|>assistant\n")


def test_a_language_without_a_parser_is_stopped_by_strings_alone():
    lua = Stopper(LanguageFacts("lua", "Lua", ".lua"), "f", ("\n--",), signature="function f(n)\n")
    assert lua.ended("  return n\nend\n-- demo") and not lua.ended("  return n\nend\n\nprint(f(1))\nprint(f(2))\n")
