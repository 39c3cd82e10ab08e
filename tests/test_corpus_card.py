"""`python -m codem.corpus card`: what stands on the page, and that nothing of a corpus gets out of its place on it."""

from __future__ import annotations

import json
import re
import struct

import pytest
import yaml

from codem import run as runs
from codem.corpus.__main__ import main

PICTURES = ("lengths", "languages", "verbs", "topics")


def row(n: int) -> dict[str, str | int]:
    name = f"step{n}"
    code = f"func {name}(value int) int {{\n\tfirst{n} := value + {n}\n\treturn first{n}\n}}\n"
    return {
        "instruction": f"Write a Go function {name} that adds {n} to its value{n}",
        "output": f"```go\n{code}```",
        "teacher": "one" if n % 2 else "two",
        "seed_id": n,
    }


def carded(tmp_path, rows, *arguments, name="go.jsonl", code=0):
    path = tmp_path / name
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    out = tmp_path / "card"
    assert main(["card", str(path), "--out", str(out), "--workers", "1", *arguments]) == code
    return out


def front_matter(page: str) -> dict:
    return yaml.safe_load(page.split("---\n")[1])


def outside_fences(page: str) -> str:
    """What a Markdown reader takes as its own: fences end only with as many backticks as they began with."""
    kept, fence = [], ""
    for line in page.split("\n"):
        mark = re.match(r"`{3,}", line)
        if not fence and mark:
            fence = mark[0]
        elif fence and re.fullmatch(r"`{3,}", line) and len(line) >= len(fence):
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence
    return "\n".join(kept)


def test_the_page_says_what_the_corpus_is(tmp_path, capsys):
    out = carded(tmp_path, [*map(row, range(30)), row(3), {"instruction": "no answer"}], "--licence", "MIT")
    assert capsys.readouterr().out == f"{out / 'README.md'}\n"
    page = (out / "README.md").read_text()
    assert front_matter(page) == {
        "license": "mit",
        "language": ["code"],
        "pretty_name": "go",
        "size_categories": ["n<1K"],
        "task_categories": ["text-generation"],
        "tags": ["code", "instruction-tuning"],
    }
    for line in (
        "| rows | 32 |",
        "| bad rows: missing field | 1 |",
        "| pairs of an instruction and a response | 31 |",
        "| Go | 31 | 100.0 % |",
        "| near_duplicate | 1 | 3.2 % |",
        "| (nothing found) | 30 | 96.8 % |",
        "| `teacher` | `one` | 16 |",
        "| `teacher` | `two` | 15 |",
        "Contamination: **not looked for**; `--against humaneval-x` does.",
    ):
        assert line in page.split("\n"), line
    assert "seed_id" not in page  # as many values as rows: it says nothing of the whole
    assert str(tmp_path) not in page  # a card is for others, whose folders are called otherwise
    assert len(re.findall(r"^### ", page, re.M)) == 10
    for name in PICTURES:
        png = (out / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG") and min(struct.unpack(">II", png[16:24])) > 200
        assert "</svg>" in (out / f"{name}.svg").read_text() and f"({name}.png)" in page


def test_the_same_corpus_gives_the_same_card(tmp_path):
    files = []
    for _ in range(2):
        out = carded(tmp_path, map(row, range(12)), "--examples", "3", "--seed", "5")
        files.append({p.name: p.read_bytes() for p in out.iterdir()})
    assert files[0] == files[1] and len(files[0]) == 9
    other = carded(tmp_path, map(row, range(12)), "--examples", "3", "--seed", "6")
    assert (other / "README.md").read_bytes() != files[0]["README.md"]


def test_nothing_of_a_corpus_leaves_its_place(tmp_path):
    hostile = {
        "instruction": "Say ``` and\n```\n# Heading of mine\n<script>alert(1)</script>",
        "output": "````text\n~~~\n---\nlicense: mit\n---\n`````\n![x](http://evil.example/x.png) \x1b[31m \u202e | a |",
        "id": "`|<b>\n## id",
        "source": "| ``cell`` | <img src=x>\n\n# From a field",
        "<b>key</b>": "x",
    }
    out = carded(tmp_path, [hostile, *map(row, range(3))], "--name", "a: [b\n# <i>$x$</i>", name="odd`na|me<.jsonl")
    page = (out / "README.md").read_text()
    own = outside_fences(page)
    assert front_matter(page)["pretty_name"] == "a: [b # <i>$x$</i>" and front_matter(page)["license"] == "unknown"
    assert "evil.example" in page and "evil.example" not in own
    headings = [line for line in own.split("\n") if line.startswith("#")]
    assert not any("of mine" in h or "From a field" in h or "## id" in h.removeprefix("### ") for h in headings[2:-4])
    spans_gone = re.sub(r"(`+) ?.*?\1(?!`)", "", own.split("---\n", 2)[2])
    assert not re.search(r"<(?!!-- Written by)", spans_gone.replace("\\<", ""))
    assert "\x1b" not in page and "\u202e" not in page
    tables = [line for line in own.split("\n") if line.startswith("| `source`")]
    assert len(tables) == 1 and tables[0].count("|") == 4


def test_a_readme_of_somebody_else_stays(tmp_path, capsys):
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / "README.md").write_text("mine")
    carded(tmp_path, map(row, range(3)), code=2)
    assert (tmp_path / "card" / "README.md").read_text() == "mine"
    assert "--out" in capsys.readouterr().err and len(list((tmp_path / "card").iterdir())) == 1


def test_a_corpus_without_a_pair_has_no_card(tmp_path, capsys):
    out = carded(tmp_path, [{"instruction": "x"}], code=2)
    assert not out.exists() and "go.jsonl" in capsys.readouterr().err


def test_the_record_beside_a_crafted_corpus_is_its_provenance(tmp_path):
    place = runs.Crafted(tmp_path, "mine", "go")
    recipe = {"teacher": {"model": "big|one"}, "langs": ["a", "b"]}
    runs.write_record(place.record, {"licence": "apache-2.0", "recipe": recipe, "status": "finished"})
    place.corpus.write_text("".join(json.dumps(row(n)) + "\n" for n in range(4)))
    assert main(["card", str(place.corpus), "--workers", "1"]) == 0
    page = (tmp_path / "mine" / "go.card" / "README.md").read_text()
    assert front_matter(page)["license"] == "apache-2.0"
    assert "| `recipe.teacher.model` | `big\N{BROKEN BAR}one` |" in page and "| `recipe.langs` | `a, b` |" in page


def test_a_folder_is_one_corpus_and_its_card_lies_beside_it(tmp_path, capsys, monkeypatch):
    (tmp_path / "mine").mkdir()
    for n, name in enumerate(("go.jsonl", "python.json")):
        (tmp_path / "mine" / name).write_text(json.dumps(row(n)))
    monkeypatch.chdir(tmp_path / "mine")
    assert main(["card", ".", "--workers", "1"]) == 0
    page = (tmp_path / "mine.card" / "README.md").read_text()
    assert "| `go.jsonl` | 1 | go |" in page and "| `python.json` | 1 | python |" in page
    assert "| other_language | 1 | 50.0 % |" in page  # Go in a file that is named for Python
    assert front_matter(page)["pretty_name"] == "mine"


@pytest.mark.parametrize("licence", ["", "see <the> file: 'LICENCE'\n- x"])
def test_a_licence_that_hubs_do_not_know(tmp_path, licence):
    page = (carded(tmp_path, map(row, range(2)), "--licence", licence) / "README.md").read_text()
    matter = front_matter(page)
    if licence:
        assert (matter["license"], matter["license_name"]) == ("other", "see <the> file: 'LICENCE' - x")
    else:
        assert matter["license"] == "unknown" and "Licence: **unknown**" in page and "Provenance:" not in page


def test_a_planted_problem_is_on_the_card(tmp_path, data_dir):
    from codem.answers import load_problems

    problem = load_problems("humaneval-c", "c", data_dir)[10]
    planted = {"instruction": problem.description, "output": f"```c\n{problem.signature}{problem.reference}```"}
    out = carded(tmp_path, [*map(row, range(9)), planted], "--against", "humaneval-c", "--data-dir", str(data_dir))
    page = (out / "README.md").read_text()
    assert "| contaminated | 1 | 10.0 % |" in page and "Looked for 164 tasks of humaneval-c" in page
    assert re.search(r"^\| `go.jsonl row 10` \| humaneval-c/c/10 \| [01]\.\d\d \| `", page, re.M)
