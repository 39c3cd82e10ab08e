"""The embedded grid is a transfer matrix with something to see, and a finished one is left alone."""

import csv
import io
import json
import shutil

import pytest

pytestmark = pytest.mark.e2e


def scores(grid) -> dict[str, dict[str, float]]:
    rows = list(csv.DictReader(io.StringIO(grid.matrix())))
    name = next(iter(rows[0]))
    return {row[name]: {k: float(v) for k, v in row.items() if k != name} for row in rows}


def test_every_language_of_the_benchmark_is_scored(grid):
    """On the machines that test this, nothing is left out."""
    from codem.benchmarks import mini

    assert list(scores(grid)) == ["none", "python", "go"]
    assert all(set(row) == set(mini.LANGUAGES) for row in scores(grid).values())


def test_training_teaches_its_own_language_and_moves_the_others(grid):
    made = scores(grid)
    assert sum(v > 25 for v in made["none"].values()) >= 5
    for lang, other in (("python", "go"), ("go", "python")):
        assert made[lang][lang] >= 65
        assert made[lang][lang] > made["none"][lang] + 10
        assert made[lang][lang] > made[other][lang] + 15


def test_the_matrix_is_what_the_verdict_lines_say(grid):
    made = scores(grid)
    for train, row in made.items():
        method = "none" if train == "none" else "sft"
        for lang, value in row.items():
            folder = grid.folder / "runs" / "tiny" / method / train / "seed0" / "eval" / "mini" / lang / "greedy"
            verdicts = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
            assert len({v["problem"] for v in verdicts}) == len(verdicts)
            assert value == round(100 * sum(v["outcome"] == "passed" for v in verdicts) / len(verdicts), 2)


def test_records_say_how_it_was_made(grid):
    for path, record in grid.records().items():
        assert record["status"] == "done", path
        assert {"recipe", "fingerprint", "code", "packages", "argv", "started", "finished"} <= set(record)
        if "/eval/" in f"/{path}":
            assert record["judge"]["recipe"]["compiler"]
            assert sum(record["judge"]["counts"].values()) == record["recipe"]["problems"]
    trained = grid.records()["tiny/sft/go/seed0/record.json"]
    assert trained["result"]["engine"]["zero_stage"] == 2
    assert trained["recipe"]["method"]["name"] == "sft"


def test_a_finished_grid_is_left_alone(own_grid):
    before = own_grid.times()
    done = own_grid.run("codem.train", "-m", "lang=none,python,go")
    assert "Nothing to do" in done.stdout
    assert own_grid.times() == before


def test_status_shows_the_grid(grid):
    rows = json.loads(grid.run("codem.status", "--json").stdout)
    assert [(r["train"], r["status"]) for r in rows] == [("none", "done"), ("go", "done"), ("python", "done")]
    assert all(e["passed"] is not None for r in rows for e in r["evaluations"])
    table = grid.run("codem.status").stdout
    (line,) = (line for line in table.splitlines() if line.startswith("tiny/sft/go/seed0"))
    assert line.split()[1:3] == ["all", "done"]


def test_another_recipe_in_the_same_folder_is_refused(own_grid):
    before = own_grid.times()
    done = own_grid.run("codem.train", "lang=go", "method.lr=0.5", check=False)
    assert done.returncode == 1
    assert "method.lr:" in done.stderr
    assert "-> 0.5" in done.stderr
    assert own_grid.times() == before


def test_a_scored_model_may_be_removed(own_grid):
    """The verdicts are the product; only a new evaluation language needs the weights again."""
    shutil.rmtree(own_grid.folder / "runs" / "tiny" / "sft" / "go" / "seed0" / "model")
    done = own_grid.run("codem.train", "lang=go")
    assert "Nothing to do" in done.stdout
