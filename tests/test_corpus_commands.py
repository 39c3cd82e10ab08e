"""`python -m codem.corpus check` and `diff` on small files whose faults are known because they were put there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from codem.corpus import instruction_words
from codem.corpus.__main__ import main
from codem.corpus.lengths import WordsAndSigns, spread
from codem.corpus.side_by_side import Column, printable, side_by_side

GO = "package main\n\nfunc {name}(a int, b int) int {{\n\tresult := a {sign} b\n\treturn result\n}}\n"
SIGNS = {"+": "sum", "-": "difference", "*": "product", "/": "quotient", "%": "remainder"}


def go_pair(sign: str, name: str) -> dict[str, str]:
    return {
        "instruction": f"Write a Go function {name} for the {SIGNS[sign]} of two arguments, as {name} is called here",
        "output": f"```go\n{GO.format(name=name, sign=sign)}```",
    }


PAIRS = [go_pair(sign, name) for sign, name in zip(SIGNS, ("alpha", "beta", "gamma", "delta", "omega"), strict=True)]


def written(path, rows, ending="\n"):
    texts = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_bytes("".join(text + ending for text in texts).encode())
    return str(path)


def checked(capsys, *arguments, code=0):
    assert main(["check", *arguments, "--json", "--workers", "1"]) == code
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    return json.loads(out)


def test_a_clean_corpus_has_nothing_against_it(tmp_path, capsys):
    said = checked(capsys, written(tmp_path / "go.jsonl", PAIRS), "--strict")
    assert (said["rows"], said["pairs"], said["clean"]) == (5, 5, 5)
    assert (said["rejected"], said["duplicates"], said["contaminated"], said["bad_rows"]) == ({}, 0, [], [])
    assert said["files"] == [{"name": str(tmp_path / "go.jsonl"), "lang": "go", "rows": 5, "bad": 0}]


def test_each_fault_is_counted_and_its_row_named(tmp_path, capsys):
    rows = [
        *PAIRS[:2],
        "",  # no row: the line counts, the row does not
        "{torn",
        {"instruction": "Write a Go function"},
        {"instruction": "Write a Go function", "output": "I'm sorry, but I can't help with that request."},
        {
            "instruction": "Write a Go greeting",
            "output": "```python\ndef hello(name):\n    return 'hello ' + name\n```",
        },
        {"instruction": "Write a Go function", "output": "```go\nfunc broken(a int) int {\n\treturn a +\n```"},
        PAIRS[0],
    ]
    said = checked(capsys, written(tmp_path / "go.jsonl", rows))
    assert said["rows"] == 8
    assert said["rejected"] == {
        "does_not_parse": 1,
        "missing_field": 1,
        "near_duplicate": 1,
        "not_json": 1,
        "other_language": 1,
        "refusal": 1,
    }
    assert [(bad["row"], bad["line"], bad["reason"]) for bad in said["bad_rows"]] == [
        (3, 4, "not_json"),
        (4, 5, "missing_field"),
    ]
    assert [(r["row"], r["line"], r["reason"]) for r in said["rejected_rows"]] == [
        (5, 6, "refusal"),
        (6, 7, "other_language"),
        (7, 8, "does_not_parse"),
    ]
    [duplicate] = said["duplicate_rows"]
    assert (duplicate["row"], duplicate["of"]["row"], duplicate["score"]) == (8, 1, 1)
    assert (said["duplicates"], said["duplicates_across_files"], said["clean"]) == (1, 0, 2)


def test_strict_is_for_scripts(tmp_path, capsys):
    checked(capsys, written(tmp_path / "go.jsonl", [*PAIRS, "torn"]), "--strict", code=1)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path, capsys):
    plain = checked(capsys, written(tmp_path / "go.jsonl", PAIRS))
    with open(tmp_path / "windows_go.jsonl", "wb") as file:
        file.write(b"\xef\xbb\xbf" + (tmp_path / "go.jsonl").read_bytes().replace(b"\n", b"\r\n"))
    other = checked(capsys, str(tmp_path / "windows_go.jsonl"), "--lang", "go")
    assert {k: v for k, v in other.items() if k != "files"} == {k: v for k, v in plain.items() if k != "files"}


def test_duplicates_across_files_and_shapes_are_found(tmp_path, capsys):
    first = written(tmp_path / "go.jsonl", PAIRS[:2])
    chat = [
        {
            "messages": [
                {"role": "user", "content": PAIRS[1]["instruction"]},
                {"role": "assistant", "content": PAIRS[1]["output"]},
            ]
        }
    ]
    (tmp_path / "more.json").write_text(json.dumps(chat, indent=1))
    said = checked(capsys, first, str(tmp_path / "more.json"))
    assert [file["lang"] for file in said["files"]] == ["go", ""]
    [duplicate] = said["duplicate_rows"]
    assert (duplicate["file"], duplicate["row"]) == (str(tmp_path / "more.json"), 1)
    assert (duplicate["of"]["file"], duplicate["of"]["row"]) == (first, 2)
    assert said["duplicates_across_files"] == 1


def test_the_language_is_the_files_or_the_one_that_is_said(tmp_path, capsys):
    short = written(tmp_path / "js.jsonl", PAIRS[:1])  # as the paper's public set calls JavaScript
    assert checked(capsys, short)["rejected"] == {"other_language": 1}
    assert checked(capsys, short, "--lang", "go")["rejected"] == {}
    unnamed = written(tmp_path / "answers.jsonl", PAIRS[:1])
    assert checked(capsys, unnamed)["rejected"] == {}
    assert main(["check", short, "--lang", "golang"]) == 2
    assert "--lang golang" in capsys.readouterr().err


def test_lengths_are_limited_in_what_is_measured(tmp_path, capsys):
    path = written(tmp_path / "go.jsonl", PAIRS[:1])
    length = WordsAndSigns()(PAIRS[0]["output"])
    said = checked(capsys, path, "--max-response-tokens", str(length - 1))
    assert said["rejected"] == {"too_long": 1} and said["measured_in"] == "words and signs"
    assert checked(capsys, path, "--max-response-tokens", str(length))["rejected"] == {}


def test_a_planted_problem_is_listed_beside_its_row(tmp_path, capsys, data_dir):
    from codem.answers import load_problems

    problem = load_problems("humaneval-x", "go", data_dir)[0]
    planted = {"instruction": problem.description, "output": f"```go\n{problem.signature}{problem.reference}```"}
    path = written(tmp_path / "go.jsonl", [*PAIRS, planted])
    said = checked(capsys, path, "--against", "humaneval-x", "--data-dir", str(data_dir))
    [leak] = said["contaminated"]
    assert leak["row"] == 6 and leak["problem"].rpartition("/")[2] == problem.id.rpartition("/")[2]
    assert 0.5 <= leak["score"] <= 1 and leak["evidence"]
    assert said["problems"] == 6 * 164 and said["rejected"] == {"contaminated": 1}


def test_a_planted_problem_is_shown_beside_its_row(tmp_path, capsys, data_dir):
    from codem.answers import load_problems

    problem = load_problems("humaneval-c", "c", data_dir)[0]
    planted = {"instruction": problem.description, "output": f"```c\n{problem.signature}{problem.reference}```"}
    path = written(tmp_path / "answers.jsonl", [*PAIRS, planted])
    against = ["--against", "humaneval-c", "--data-dir", str(data_dir), "--workers", "1"]
    assert main(["check", path, *against, "--width", "200"]) == 0
    text = capsys.readouterr().out
    assert f"{path} row 6" in text and problem.id in text
    assert any(line.startswith("= ") and "| = " in line for line in text.splitlines())


def test_missing_benchmark_files_end_it_before_any_work(tmp_path, capsys):
    path = written(tmp_path / "go.jsonl", PAIRS)
    empty = tmp_path / "data"
    empty.mkdir()
    for arguments, said in (
        (["--against", "humaneval-x", "--data-dir", str(empty)], "no such file"),
        (["--against", "humaneval-x", "--data-dir", str(tmp_path / "nowhere")], "--data-dir"),
        (["--against", "humaneval-y", "--data-dir", str(empty)], "humaneval"),
        (["--base", "no/such/base"], "no/such/base"),
    ):
        assert main(["check", path, *arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and said in captured.err


def test_a_file_that_is_not_there_is_an_error_and_an_empty_one_is_not(tmp_path, capsys):
    for missing in (str(tmp_path / "*.jsonl"), str(tmp_path / "go.jsonl"), "go.jsonl", "no/such/folder"):
        assert main(["check", missing]) == 2
        assert f"{missing}: " in capsys.readouterr().err  # at once: what cannot be on the hub is not looked for there
    assert checked(capsys, written(tmp_path / "go.jsonl", []))["rows"] == 0


def test_what_a_corpus_holds_cannot_steer_the_terminal(tmp_path, capsys):
    evil = {"instruction": "Write \x1b[2J \u202e a Go function\r", "output": "I cannot do that \x1b]0;title\x07 sorry"}
    path = written(tmp_path / "go.jsonl", [evil, '{"instruction": "half \\ud800", "output": "x"}'])
    assert main(["check", path, "--width", "1"]) == 0
    assert not any(c in capsys.readouterr().out for c in "\x1b\x07\u202e\r\ud800")


def test_as_a_process_only_the_report_is_on_the_output(tmp_path):
    path = written(tmp_path / "go.jsonl", PAIRS * 200)
    command = [sys.executable, "-m", "codem.corpus", "check", path, "--json", "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["rows"], said["clean"], said["duplicates"]) == (1000, 5, 995)
    assert "1,000 pairs" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    path = written(tmp_path / "go.jsonl", PAIRS * 200)
    piped = f"{sys.executable} -m codem.corpus check {path} --json --workers 1 | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "{") and "Traceback" not in done.stderr


def test_diff_counts_every_pair_once(tmp_path, capsys):
    edited = {**PAIRS[3], "output": PAIRS[3]["output"] + "\nIt divides whole numbers."}
    edited["instruction"] += ", please"
    answered = {**PAIRS[2], "output": "```go\nfunc gamma(x, y int) int { return y * x }\n```"}
    a = written(tmp_path / "a.jsonl", [PAIRS[0], PAIRS[0], PAIRS[1], PAIRS[2], PAIRS[3]])
    b = written(tmp_path / "b.jsonl", [edited, PAIRS[4], answered, PAIRS[0]], ending="\r\n")
    assert main(["diff", a, b, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["both"] == 1
    assert [(m["a"]["row"], m["b"]["row"]) for m in said["other_response"]] == [(4, 3)]
    assert [(m["a"]["row"], m["b"]["row"]) for m in said["edited"]] == [(5, 1)]
    assert 0.75 <= said["edited"][0]["score"] < 1
    assert [place["row"] for place in said["only_a"]] == [2, 3]
    assert [place["row"] for place in said["only_b"]] == [2]
    assert (said["a"]["pairs"], said["b"]["pairs"]) == (5, 4)
    assert (said["a"]["languages"], said["b"]["languages"]) == ({"go": 5}, {"go": 4})

    assert main(["diff", a, b]) == 0
    text = capsys.readouterr().out
    assert f"{a} row 3: Write a Go function beta" in text and "same instruction, other response" in text


def test_a_corpus_does_not_differ_from_itself(tmp_path, capsys):
    a = written(tmp_path / "a.jsonl", [*PAIRS, PAIRS[0]])
    assert main(["diff", a, a, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["both"] == 6 and said["a"] == said["b"]
    assert not any(said[key] for key in ("only_a", "only_b", "other_response", "edited"))


@pytest.mark.parametrize(
    ("instruction", "verb", "noun"),
    [
        ("Write a Python function that reverses a string.", "write", "function"),
        ("Could you please help me to write two small programs for sorting?", "write", "program"),
        ("You are given a list. Your task is to implement a stack in Go.", "implement", "stack"),
        ("1. Create an HTML web page with a form.", "create", "page"),
        ("Design a simple REST API endpoint to update users", "design", "endpoint"),
        ("### Task: generate a set of unit tests", "generate", "test"),
        ("Write me a piece of code that prints", "write", "code"),
        ("Using JavaScript, build several classes", "build", "class"),
        ("The code has a bug. Fix it.\n```\nwrite()\n```", "fix", ""),
        ("Optimise the following SQL queries.", "optimize", "query"),
        ("What is the output of this code?", instruction_words.QUESTION, ""),
        ("How do I sort a list?", "sort", "list"),
        ("Sum of two numbers", instruction_words.NONE, ""),
        ("\u7f16\u5199\u4e00\u4e2a\u51fd\u6570", instruction_words.NONE, ""),
        ("", instruction_words.NONE, ""),
    ],
)
def test_the_request_of_an_instruction(instruction, verb, noun):
    assert instruction_words.asked(instruction) == instruction_words.Asked(verb, noun)


def test_topics_are_named_by_words_and_not_by_parts_of_words():
    assert instruction_words.topics("Sort a linked list of strings") == [
        "strings and text",
        "lists and arrays",
        "sorting and searching",
        "linked structures, trees, graphs",
    ]
    assert instruction_words.topics("Start a Node.js application, stringently resorting to nothing") == []


def test_the_spread_of_lengths_is_of_lengths_that_occur():
    assert spread([5, 1, 9]) == {"mean": 5.0, "median": 5, "p95": 9, "longest": 9}
    assert spread([*range(1, 101)]) == {"mean": 50.5, "median": 51, "p95": 96, "longest": 100}


def test_two_texts_beside_each_other():
    left, right = Column("mine", "a b c\n\tx = 1 + y\n" + "z" * 30), Column("theirs", "X=1+Y\nother")
    lines = side_by_side(left, right, width=43, lines=5)
    assert lines == [
        "mine                 | theirs",
        "  a b c              | = X=1+Y",
        "=     x = 1 + y      |   other",
        "  zzzzzzzzzzzzzzzzzz |",
        "  zzzzzzzzzzzz       |",
    ]
    assert side_by_side(left, right, width=43, lines=1)[2] == "  ... 3 more lines   |   ... 1 more lines"
    assert printable("a\x1b[0m\u202e\u2028\n\tb") == "a\\x1b[0m\\u202e\\u2028\n    b"


def test_with_compile_each_answer_is_built(tmp_path, capsys):
    right = {"instruction": "Return twice x in Python", "output": "```python\ndef twice(x):\n    return 2 * x\n```"}
    wrong = {
        "instruction": "Leave a function early, said outside of it",  # parses, and is refused by every compiler
        "output": "```python\nvalue = 3\nother = value + 4\nreturn other\n```",
    }
    path = written(tmp_path / "python.jsonl", [right, wrong])
    assert checked(capsys, path)["rejected"] == {}
    said = checked(capsys, path, "--compile")
    assert said["rejected"] == {"does_not_compile": 1} and said["compiled"]
    assert [r["row"] for r in said["rejected_rows"]] == [2] and "line 4" in said["rejected_rows"][0]["evidence"]
