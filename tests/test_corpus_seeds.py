"""Which part of a seed set is about Python. tests/data/seeds.jsonl was written and labelled by hand."""

import json
from pathlib import Path

import pytest

from codem.corpus.pair import Pair
from codem.corpus.seeds import is_python, python_part

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data" / "seeds.jsonl").read_text().splitlines()]


def pair(instruction: str, response: str, id: str = "1") -> Pair:
    return Pair(id, instruction, response)


def test_the_labelled_set():
    found = [is_python(pair(row["instruction"], row["response"]))[0] for row in ROWS]
    wrong = [row["instruction"] for row, is_one in zip(ROWS, found, strict=True) if is_one != row["python"]]
    assert len(ROWS) >= 60 and not wrong


def test_the_kept_are_in_order_with_their_reason_and_the_rest_is_counted():
    pairs = [
        pair("Add two numbers.", "```python\nprint(1 + 2)\n```", "a"),
        pair("Add two numbers in Java.", "int x = 1 + 2;", "b"),
        pair("Print hello using Java.", "System.out.println(1);", "c"),
        pair("Write a Python loop.", "for i in range(3):\n    print(i)", "d"),
        pair("", "print(1)", "e"),
    ]
    kept, left_out = python_part(iter(pairs))
    assert [(seed.pair.id, seed.reason) for seed in kept] == [
        ("a", "the fence says Python"),
        ("d", "the instruction names Python, the response parses as it"),
    ]
    assert left_out == {"the instruction names Java": 2, "empty": 1}


@pytest.mark.parametrize(
    "instruction, response, expected",
    [
        ("Convert this from Java to Python.", "x = 5", True),
        ("Write it as a Python program, not in Java.", "x = int(input())", True),
        ("Convert this Python code to Go.", "x := 5\nfmt.Println(x)", False),
        ("Sort the list.", "```js\n[3, 1].sort()\n```", False),
        ("Sort the list.", "```\n[3, 1].sort()\n```", True),
        ("Go through the list and print each word.", "for w in words:\n    print(w)", True),
        ("Swap the values of a and c. Use C only if b is true.", "a, c = c, a", True),
        ("What is the answer?", "Note: it depends", False),
    ],
)
def test_languages_that_are_named_and_words_that_only_look_so(instruction, response, expected):
    assert is_python(pair(instruction, response))[0] is expected
