"""`launch.dry_run=true` for a whole command: jobs, what they ask for and cost, what is there, what is refused."""

import json

import pytest

from codem import config, dry_run, generate, train
from codem.run import write_record, write_whole

ALL = ("train", "generate", "execute")


def made(*overrides, stages=ALL, multirun=False):
    return dry_run.of(config.cells(["launch.dry_run=true", *overrides], multirun), stages)


def said(*overrides, stages=ALL, multirun=False):
    return dry_run.text(config.cells(["launch.dry_run=true", *overrides], multirun), stages)


def finished(cell):
    recipe = json.loads(json.dumps(train.recipe(cell)))
    run = train.run_of(cell)
    write_record(run.record, {"recipe": recipe, "finished": "now", "status": "done"})
    write_whole(run.model / "config.json", "{}")
    write_whole(run.model / "model.safetensors", "")


def judged(cell, lang):
    stage = generate.stage_of(cell, lang)
    whole = {"recipe": stage.recipe, "finished": "now", "judge": {"finished": "now", "counts": {"passed": 3}}}
    write_record(stage.record, {**whole, "status": "done"})


def counts(found):
    return {s: sum(n.stage == s for n in found.nodes) for s in ("prepare", "train", "generate", "execute", "summary")}


def test_the_jobs_of_a_table_and_what_they_ask_for(tmp_path):
    text = said("+sweeps=table1", "launcher=slurm", "launcher.train.partition=gpu", f"runs={tmp_path}", multirun=True)
    jobs = text.split("Jobs for Slurm:")[1]
    assert "train     9 jobs   8 GPUs, 8 x 4 CPUs, 64G, limit 24:00:00, partition gpu" in jobs
    assert "9.6 GPU-hours   up to 8 min each" in jobs
    assert "generate  10 jobs  1 GPU, 4 CPUs" in jobs
    assert "execute   10 jobs  16 CPUs" in jobs
    assert "In all 9.7 GPU-hours" in jobs
    assert "without the wait in the queue" in jobs
    assert text.endswith("nothing was done. Without launch.dry_run=true the command does it.")


def test_what_is_there_is_neither_submitted_nor_paid(tmp_path):
    wanted = ("lang=go,python", "eval_lang=[c,go]", "bench.n=3", "launcher=slurm", f"runs={tmp_path}")
    wanted += (f"cache_dir={tmp_path / 'cache'}",)
    whole = made(*wanted, multirun=True)
    assert counts(whole) == {"prepare": 1, "train": 2, "generate": 2, "execute": 2, "summary": 1}
    go, python = config.cells(["launch.dry_run=true", *wanted], multirun=True)
    finished(go)
    judged(go, "c")
    half = made(*wanted, multirun=True)
    assert counts(half)["train"] == 1
    assert half.rows[0].there == {"train": ["go"], "generate": ["c"], "execute": ["c"]}
    assert [n.missing for n in half.nodes if n.stage == "execute"] == [("go",), ("c", "go")]
    judged(go, "go")
    finished(python)
    judged(python, "c")
    judged(python, "go")
    text = said(*wanted, multirun=True)
    assert "to do     nothing" in text
    assert "Jobs for Slurm" not in text


def test_a_refused_row_hides_no_other(tmp_path):
    wanted = ("lang=go,python", "launcher=slurm", f"runs={tmp_path}")
    (cell,) = config.cells(["lang=go", "method.lr=1e-3", f"runs={tmp_path}"])
    finished(cell)
    found = made(*wanted, multirun=True)
    assert "holds results of another recipe" in found.rows[0].refused
    assert counts(found)["train"] == 1
    assert "refused" in said(*wanted, multirun=True)


def test_shards_are_jobs(tmp_path):
    found = made("lang=go", "launcher=slurm", "launcher.shards=4", f"runs={tmp_path}")
    parts = [e.wall_s for n, e in zip(found.nodes, found.estimates, strict=True) if n.stage == "execute"]
    (whole,) = [
        e.wall_s
        for n, e in zip(*_of(made("lang=go", "launcher=slurm", f"runs={tmp_path}")), strict=True)
        if n.stage == "execute"
    ]
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(whole)


def _of(found):
    return found.nodes, found.estimates


def test_wall_time_is_that_of_as_many_jobs_as_run_at_once(tmp_path):
    rows = ("lang=python,go,c,java", "eval_lang=[c]", f"runs={tmp_path}")
    one = made(*rows, "launcher=slurm", "launcher.array_parallelism=1", multirun=True)
    four = made(*rows, "launcher=slurm", "launcher.array_parallelism=4", multirun=True)
    assert one.wall_s > 3 * four.wall_s
    chain = max(e.wall_s for e in four.estimates if e.wall_s)
    assert four.wall_s > chain, "a row's stages wait for each other"
    here = made(*rows, multirun=True)
    assert here.wall_s == pytest.approx(sum(e.wall_s or 0 for e in here.estimates))
    assert made(*rows, "launcher.parallel=2", multirun=True).wall_s < 0.6 * here.wall_s


def test_hundreds_of_rows_are_a_line_each(tmp_path):
    text = said("seed=range(0,40)", "launcher=slurm", f"runs={tmp_path}", multirun=True)
    assert text.count("/seed7: to do train python; generate, execute python") == 1
    assert len(text.splitlines()) < 60


def test_a_folder_of_ones_own_here(micro_base, tmp_path):
    text = said(f"base={micro_base}", "lang=go", "method.gpus=1", "method.precision=fp32", f"runs={tmp_path}")
    assert "Stages, run here:" in text
    assert "unknown: no peak of A100 is on file for fp32" in text
    assert "1 of the jobs are not estimated, and not in this" in text


def test_a_corpus_that_is_not_there(tmp_path):
    """A folder that lacks the language's file is its row's matter; the others are planned."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "go.jsonl").write_text('{"instruction": "i", "output": "o"}\n' * 100)
    wanted = ("base=starcoder-1b", "lang=go,python", f"corpus.source={tmp_path}/corpus", f"runs={tmp_path}/runs")
    found = made(*wanted, "launcher=slurm", multirun=True)
    assert found.rows[0].training.pairs == 100
    assert "no python with .jsonl, .json or .parquet; it has go.jsonl" in found.rows[1].refused
    assert counts(found)["train"] == 1


def test_generation_alone_of_what_is_not_trained(tmp_path):
    found = made("lang=go", "launcher=slurm", f"runs={tmp_path}", stages=("generate",))
    assert not found.nodes
    assert "not trained" in found.rows[0].refused


def test_a_ledger_on_a_machine_without_slurm(tmp_path, monkeypatch):
    from codem.run import Launches
    from codem.slurm import ledger, under_way

    wanted = ("lang=go", "launcher=slurm", f"runs={tmp_path}")
    nodes = made(*wanted).nodes
    entries = [
        ledger.Entry("s", **under_way.key(n)._asdict(), work=n.missing, comment="c", index=i, job_name=n.stage,
                     job=None, needs=(), folder=Launches(tmp_path).jobs("s"), at="x")
        for i, n in enumerate(nodes)
    ]  # fmt: skip
    ledger.add_array(tmp_path, entries)
    monkeypatch.setenv("PATH", "")
    text = said(*wanted)
    assert "note: this machine has no squeue: what is under way already is not left out" in text
    assert "train     1 job " in text
