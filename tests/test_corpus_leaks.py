"""Problems of HumanEval-X planted in a corpus: all are found and shown, and nothing else is."""

import random
import time

import pytest

from benchmarks.decontamination import renamed
from codem.benchmark_data import Source
from codem.corpus import benchmarks, leaks
from codem.corpus.pair import Pair
from codem.errors import ConfigErrors
from codem.records import Problem
from codem.world import corpora

SEPARATE_IN_GO = """Here is how:

```go
package main

import "strings"

// SeparateParenGroups cuts the text at depth zero.
func SeparateParenGroups(text string) []string {
	clusters := []string{}
	var builder strings.Builder
	level := 0
	for _, r := range text {
		if r == '(' {
			level++
			builder.WriteRune(r)
		} else if r == ')' {
			level--
			builder.WriteRune(r)
			if level == 0 {
				clusters = append(clusters, builder.String())
				builder.Reset()
			}
		}
	}
	return clusters
}
```
"""
SPECIAL_IN_C = """
#include <stdbool.h>
int triples(int m) {
    int *v = malloc(m * sizeof(int));
    for (int k = 1; k <= m; k++) {
        v[k - 1] = k * k - k + 1;
    }
    int found = 0;
    for (int x = 0; x < m; x++) {
        for (int y = x + 1; y < m; y++) {
            for (int z = y + 1; z < m; z++) {
                if ((v[x] + v[y] + v[z]) % 3 == 0) {
                    found += 1;
                }
            }
        }
    }
    free(v);
    return found;
}
"""


@pytest.fixture(scope="module")
def problems(request) -> list[Problem]:
    folder = request.getfixturevalue("data_dir")
    return benchmarks.problems(["humaneval-x"], Source(folder, folder))


@pytest.fixture(scope="module")
def index(problems):
    return leaks.index(problems)


@pytest.fixture(scope="module")
def in_python(problems):
    return leaks.index(p for p in problems if p.lang == "python")


def problem(problems, lang, n) -> Problem:
    return next(p for p in problems if p.id == f"humaneval-x/{lang}/{n}")


def best(index, instruction, response):
    found = index.matches(Pair("planted", instruction, response))
    assert found, "nothing was found"
    assert 0.5 <= found[0].score <= 1
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    return found[0]


def test_a_whole_problem_with_its_solution(problems, index):
    p = problem(problems, "go", 12)
    found = best(index, f"Write a Go function. {p.description}", p.signature + p.reference)
    assert (found.pair, found.task, found.score) == ("planted", "humaneval-x/12", 1.0)
    assert "list of strings, return the longest one" in found.evidence.lower() or "the longest one" in found.evidence


def test_the_description_alone(problems, index):
    for n in (0, 53, 160):
        p = problem(problems, "python", n)
        found = best(index, p.description, "I cannot do that.")
        assert (found.task, found.kind) == (f"humaneval-x/{n}", "text")


def test_the_description_as_a_comment_of_the_response(problems, index):
    p = problem(problems, "python", 10)
    comment = "\n".join(f"// {line}" for line in p.description.split("\n"))
    assert best(index, "Some code, please.", f"```go\n{comment}\nfunc f() {{}}\n```").task == "humaneval-x/10"


def test_half_of_a_description_is_enough(problems, index):
    told = problem(problems, "python", 115).description.split()
    assert best(index, " ".join(told[: len(told) * 6 // 10]), "No.").task == "humaneval-x/115"


def test_the_solution_alone_below_an_unrelated_instruction(problems, index):
    for lang in ("python", "go", "cpp", "java", "rust", "javascript"):
        p = problem(problems, lang, 1)
        found = best(index, "Tell me a story about a fox.", p.signature + p.reference)
        assert found.problem == p.id


def test_the_solution_renamed_and_the_instruction_reworded(problems, index):
    p = problem(problems, "go", 64)
    code = renamed(p.signature + p.reference, "go")
    assert "VowelsCount" not in code and "thing0" in code
    found = best(index, "How many vowels has a word? Mind the y at its end.", f"Sure!\n```go\n{code}```\n")
    assert (found.problem, found.kind) == ("humaneval-x/go/64", "code")
    assert "thing" in found.evidence  # the lines of the pair, to be read beside the benchmark's


def test_a_translation_into_a_language_that_the_benchmark_does_not_have(in_python):
    found = best(in_python, "Cut a text with several bracket clusters into them.", SEPARATE_IN_GO)
    assert found.problem == "humaneval-x/python/1"
    assert "SeparateParenGroups" in found.evidence


def test_a_translation_into_c_under_other_names(index):
    found = best(index, "In C, please: the task from our last lesson.", SPECIAL_IN_C)
    assert (found.task, found.kind) == ("humaneval-x/147", "structure")


def test_the_examples_give_a_reworded_problem_away(in_python):
    instruction = "Say if two of the measurements are nearer to each other than allowed."
    examples = """
f([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.3) is true, f([1.0, 2.0, 3.9, 4.0, 5.0, 2.2], 0.05) is false
f([1.0, 2.0, 5.9, 4.0, 5.0], 0.95) is true, f([1.0, 2.0, 5.9, 4.0, 5.0], 0.8) is false
f([1.1, 2.2, 3.1, 4.1, 5.1], 1.0) is true, f([1.1, 2.2, 3.1, 4.1, 5.1], 0.5) is false"""
    code = "func f(v []float64, most float64) bool {\n\tfor i := 0; i < len(v); i++ {\n\t\tfor j := 0; j < i; j++ {\n"
    code += "\t\t\tif math.Abs(v[i]-v[j]) < most {\n\t\t\t\treturn true\n\t\t\t}\n\t\t}\n\t}\n\treturn false\n}\n"
    assert in_python.matches(Pair("", instruction, code)) == []
    found = best(in_python, instruction + examples, code)
    assert (found.task, found.kind) == ("humaneval-x/0", "examples")
    assert "1, 2, 3.9, 4, 5, 2.2" in found.evidence


def test_well_known_sequences_are_nobodys_examples(in_python):
    letters = ", ".join(f"'{c}'" for c in "abcdefghijklmnopqrstuvwxyz")
    numbers = ", ".join(map(str, range(200))) + ", " + ", ".join(map(str, range(0, 200, 2)))
    text = f"Sort these: {letters}; {numbers}"
    assert in_python.matches(Pair("", text, f"letters = [{letters}]\nnumbers = [{numbers}]\n")) == []


def test_six_plants_among_two_hundred(problems, index):
    """Exactly these rows: as many of other sorts of plants as there are ways to leak."""
    go, python = (lambda n: problem(problems, "go", n)), (lambda n: problem(problems, "python", n))
    planted = {
        12: ("verbatim", go(25).description, go(25).signature + go(25).reference),
        40: ("renamed", "Turn digits round.", renamed(go(65).signature + go(65).reference, "go")),
        77: ("translated", "Cut a text with bracket clusters into them.", SEPARATE_IN_GO),
        100: ("in C", "As we said in the last lesson, in C.", SPECIAL_IN_C),
        150: ("solution", "Write something about foxes.", go(140).signature + go(140).reference),
        199: ("description", python(99).description, "TODO"),
    }
    pairs = [Pair(i["id"], i["instruction"], i["response"], "go") for i in corpora.instructions("go", 0)[:200]]
    for row, (name, instruction, response) in planted.items():
        pairs.insert(row, Pair(name, instruction, response, "go"))
    found = {pair.id: [leak.task for leak in index.matches(pair)] for pair in pairs}
    of = {"verbatim": 25, "renamed": 65, "translated": 1, "in C": 147, "solution": 140, "description": 99}
    assert {k: v[0] for k, v in found.items() if v} == {k: f"humaneval-x/{n}" for k, n in of.items()}


@pytest.mark.parametrize("lang", corpora.CORPUS_LANGUAGES)
def test_the_embedded_corpora_hold_nothing_of_humaneval_but_its_sum_to_n(index, lang):
    rows = corpora.instructions(lang, 0)[:400]
    found = {leak.task for i in rows for leak in index.matches(Pair(i["id"], i["instruction"], i["response"]))}
    assert found <= {"humaneval-x/60"}  # "sums numbers from 1 to n": the same problem indeed


def test_common_phrases_and_trivial_code_are_no_leak(index):
    for instruction, response in (
        ("Write a function that returns the sum of a list of numbers.", "def total(xs):\n    return sum(xs)\n"),
        ("Write a function that takes two integers and returns their sum.", "def f(a, b):\n    return a + b\n"),
        ("Given a list of integers, return the largest.", "func f(a []int) int {\n\treturn slices.Max(a)\n}\n"),
        ("Reverse a string.", "def rev(s):\n    return s[::-1]\n"),
        ("", ""),
        ("\ud800", "\x00" * 10),
    ):
        assert index.matches(Pair("x", instruction, response)) == []


def test_the_same_pair_gives_the_same_matches_whatever_came_before(problems):
    some = [p for p in problems if p.lang in ("go", "java")]
    p = problem(problems, "java", 30)
    pair = Pair("x", p.description, p.signature + p.reference)
    index, shuffled = leaks.index(some), leaks.index(random.Random(3).sample(some, len(some)))
    found = index.matches(pair)
    assert found[0].problem == p.id
    assert found == index.matches(pair) == shuffled.matches(pair)


def test_hostile_texts_cost_no_more_than_their_length(index):
    began = time.process_time()
    for text in ("/*" * 9_000, "'''" * 5_001, "for (" * 5_000, "a<" * 9_000, "`" * 9_001, "if x:" * 5_000):
        index.matches(Pair("x", text, text))
    assert time.process_time() - began < 20


def test_no_problems_no_leaks():
    assert leaks.index([]).matches(Pair("x", "anything", "x = 1")) == []


def test_one_small_problem_is_an_index_too():
    only = Problem(
        id="b/python/0", task="b/0", lang="python", entry_point="collatz_peak", prelude="", tests="",
        description="Return the highest value that the Collatz sequence starting at n ever reaches on its way to one.",
        signature="def collatz_peak(n):\n",
        reference="    top = n\n    while n != 1:\n        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
        "        top = max(top, n)\n    return top\n",
    )  # fmt: skip
    index = leaks.index([only])
    assert index.matches(Pair("x", only.description, ""))[0].problem == "b/python/0"
    assert index.matches(Pair("x", "Reverse a string.", "def f(s):\n    return s[::-1]\n")) == []


def test_every_missing_benchmark_is_named_at_once(tmp_path):
    with pytest.raises(ConfigErrors) as told:
        benchmarks.problems(["humaneval-y", "humaneval-x", "mini"], Source(tmp_path, tmp_path))
    assert "humaneval-y" in str(told.value) and "did you mean humaneval-x" in str(told.value)
    assert all(
        f"humaneval_{name}.jsonl.gz" in str(told.value) for name in ("python", "js", "cpp", "java", "go", "rust")
    )
    langs = {p.lang for p in benchmarks.problems(["mini", "mini"], Source(None, tmp_path))}
    assert {"python", "go", "c", "typescript"} <= langs
