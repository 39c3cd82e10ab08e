"""Which pairs are left out for what their text says, and what is shown for it."""

import pytest

from codem.corpus.code import blocks
from codem.corpus.filters import Limits, content, remembered
from codem.corpus.pair import Pair
from codem.corpus.refusals import refusal
from codem.corpus.rejection import Reason, Rejection
from codem.language_facts import LanguageFacts

TITLES = {"go": "Go", "cpp": "C++", "c": "C", "typescript": "TypeScript", "html": "HTML", "java": "Java"}


def told(
    response: str, lang: str = "go", limits: Limits | None = None, instruction: str = "Do it."
) -> Rejection | None:
    facts = LanguageFacts(lang, TITLES.get(lang, lang), "")
    limits = limits or Limits(1, 1000, 2000)
    return content(Pair("p", instruction, response), facts, limits, lambda text: len(text.split()))


GOOD = "```go\nfunc add(a, b int) int {\n\treturn a + b\n}\n```"


@pytest.mark.parametrize(
    "response, lang",
    [
        (GOOD, "go"),
        (f"Use this:\n\n{GOOD}\n\nRun it:\n\n```bash\ngo run main.go\n```\n\nOutput:\n\n```\n3\n```", "go"),
        ("int add(int a, int b) { return a + b; }", "cpp"),
        ("```js\nconst f = (x) => x;\n```", "typescript"),
        ("<!DOCTYPE html>\n<html>\n<body>\n<p>Hi<br>\n<p>there\n</body>\n</html>", "html"),
        ("```html\n<div><style>p { color: red; }</style><script>f(1 < 2);</script></div>\n```", "html"),
        ("```kotlin\nfun main() = println(1)\n```", "kotlin"),
    ],
)
def test_a_good_pair_stays(response, lang):
    assert told(response, lang) is None


@pytest.mark.parametrize(
    "response, lang, reason, shown",
    [
        ("", "go", Reason.EMPTY, "response"),
        (" \n\t", "go", Reason.EMPTY, "response"),
        ("I'm sorry, but I can't help with that.", "go", Reason.REFUSAL, "I'm sorry"),
        ("Goroutines are light threads that the runtime manages.", "go", Reason.NO_CODE, "Goroutines are"),
        ("```\nHello, World!\n```", "go", Reason.NO_CODE, "Hello"),
        ("```python\ndef f():\n    pass\n```", "go", Reason.OTHER_LANGUAGE, "found Python"),
        ("```go\ndef f(x):\n    return x\n```", "go", Reason.OTHER_LANGUAGE, "fence says Go, but"),
        ("```bash\nls\n```", "go", Reason.OTHER_LANGUAGE, "bash"),
        ("Text:\n\n```go\nfunc f() {\n\tx := (1\n}\n```", "go", Reason.DOES_NOT_PARSE, "line 5, column"),
        (f"{GOOD}\n```go\nfunc g( {{\n```", "go", Reason.DOES_NOT_PARSE, "func g( {"),
        ("public class A {\n  void f() {\n    ...\n  }\n}", "java", Reason.DOES_NOT_PARSE, "line 3, column 5: ..."),
        ("```html\nA page about cats.\n```", "html", Reason.NO_CODE, "cats"),
        ('```html\n<p>A page</p>\n<div class="a\n```', "html", Reason.DOES_NOT_PARSE, "does not end"),
        ("#include <iostream>\nint main() { std::cout << 1; }", "c", Reason.OTHER_LANGUAGE, "C++"),
    ],
)
def test_a_bad_pair_goes_with_its_reason(response, lang, reason, shown):
    found = told(response, lang)
    assert found is not None and found.reason is reason and shown in found.evidence


def test_an_empty_instruction():
    found = told(GOOD, instruction="  ")
    assert found == Rejection("p", Reason.EMPTY, "the instruction is empty")


def test_length_in_tokens_comes_last():
    words = len(GOOD.split())
    assert told(GOOD, limits=Limits(words, words, words + 2)) is None
    assert told(GOOD, limits=Limits(words + 1, 99, 99)).reason is Reason.TOO_SHORT
    assert told(GOOD, limits=Limits(1, words - 1, 99)).reason is Reason.TOO_LONG
    both = told(GOOD, limits=Limits(1, 99, words + 1))
    assert both.reason is Reason.TOO_LONG and f"{words + 2} tokens" in both.evidence
    assert told("```go\nfunc f( {\n```", limits=Limits(99, 999, 999)).reason is Reason.DOES_NOT_PARSE


def test_many_texts_are_counted_at_once_and_others_one_by_one():
    calls = []

    def count_many(texts):
        calls.append(len(texts))
        return [len(text) for text in texts]

    pairs = [Pair(str(i), "same", f"r{i}") for i in range(5)]
    count = remembered(pairs, count_many, batch=4)
    assert [count("same"), count("r3"), count("new"), count("new")] == [4, 2, 3, 3]
    assert calls == [4, 2, 1]


@pytest.mark.parametrize(
    "response",
    [
        "I'm sorry, but I cannot assist with that request.",
        "I’m sorry, I can’t do that.",
        "As an AI language model, I do not have access to your files.",
        "Sorry, I am not able to write malware.",
        "Unfortunately, I can't provide the code for this.",
        "I cannot help you with this task.",
        "I apologize, but I am unable to generate this program.",
        "Sure! But as an AI model I can't run code.",
        "Please provide more details about the function that you need.",
        "No input provided.",
        "N/A",
    ],
)
def test_refusals(response):
    assert refusal(response)


@pytest.mark.parametrize(
    "response",
    [
        "print(\"I'm sorry, but I can't do that\")",
        'fmt.Println("Sorry, I cannot help you")',
        "The error `cannot find package` means that the module is not there. I suggest this:\n```go\nx := 1\n```",
        "You cannot assign to a constant, so the compiler complains.",
        "Unfortunately, the standard library has no such function, so we write it:\n```go\nx := 1\n```",
        "Sorry for the long example.\n```go\nx := 1\n```",
        "def none():\n    return None",
        "Nothing is printed, because the loop never runs.",
        "Here is a chat bot that says: as an AI language model.\n```go\nx := 1\n```"[:30],
        "Here is how it works:\n\nI can't stress this enough: close the file.",
    ],
)
def test_what_only_sounds_like_a_refusal(response):
    assert not refusal(response)


def test_code_in_a_fence_is_an_answer_whatever_it_prints():
    response = "I'm sorry for the confusion.\n```go\nfunc f() {\n\tfmt.Println(\"I'm sorry, I can't do that\")\n}\n```"
    assert told(response) is None and blocks(response)
