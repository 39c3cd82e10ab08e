"""`launch.dry_run=true`: what would be done, needed and paid, without a network, and without doing anything."""

import dataclasses
import json
import subprocess
import sys

import pytest
from environment import clean_environment

from codem import checks, config, plan, plan_text, train
from codem.run import write_record, write_whole

ALL = ("train", "generate", "execute")


def rows(*overrides, stages=ALL, multirun=False):
    return plan.of(config.cells(["launch.dry_run=true", *overrides], multirun), stages)


def said(*overrides, **more):
    return plan_text.text(rows(*overrides, **more))


@pytest.mark.parametrize(
    ("module", "launcher"), [("train", "local"), ("generate", "local"), ("execute", "local"), ("train", "slurm")]
)
def test_the_command_prints_a_plan_and_does_nothing(module, launcher, tmp_path):
    """No network, no compiler, no Slurm, nothing written, nothing heavy imported."""
    code = (
        "import runpy, socket, sys\n"
        "def no_network(*a, **k): raise OSError('no network')\n"
        "socket.getaddrinfo = socket.socket.connect = no_network\n"
        "module, sys.argv = sys.argv[1], sys.argv[1:]\n"
        "try: runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        "heavy = {'torch', 'transformers', 'numpy'} & set(sys.modules); assert not heavy, heavy\n"
    )
    env = {**clean_environment(), "PATH": "", "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, f"codem.{module}", "base=starcoder-7b", "lang=python", "launch.dry_run=true",
         f"launcher={launcher}", "bench=humaneval-multi"],
        cwd=tmp_path, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "runs/starcoder-7b/sft/python/seed0" in done.stdout
    assert "nothing was done" in done.stdout
    assert not list(tmp_path.iterdir())


def test_the_papers_run():
    (row,) = rows("base=starcoder-7b", "lang=python")
    t = row.training
    assert (t.pairs, t.batch, t.steps) == (9_000, 64, 422)
    assert t.tokens == 3 * 9_000 * plan.ASSUMED_TOKENS
    assert t.shape.parameters == 7_327_263_232
    assert t.memory[8]["peak"] < 39 < 140 < t.memory[1]["peak"]
    assert t.gpu_hours["A100"] > 3 * t.gpu_hours["H100 or H200"] > 0
    assert t.model_gb == pytest.approx(14.65, abs=0.01)
    text = plan_text.text([row])
    for words in ("7.33 B parameters", "assumed", "at 40% of 312 and 989 TFLOP/s", "cannot work on cards of 24 GB"):
        assert words in text
    assert "65,504" in text, "the paper's fp16 on a base of bf16"


def test_a_whole_table_has_a_sum():
    text = said("+sweeps=table1", multirun=True)
    assert text.count("422 steps") == 9
    total = sum(r.training.gpu_hours["A100"] for r in rows("+sweeps=table1", multirun=True) if r.training)
    assert f"All 9 trainings: {total:.1f} GPU-hours of A100" in text
    assert "108,000 pairs" in said("+sweeps=table2", multirun=True)


@pytest.mark.parametrize("table", ["table1", "table2"])
def test_the_cost_in_a_sweeps_header_is_the_plans(table):
    header = " ".join((config.ROOT / "sweeps" / f"{table}.yaml").read_text().replace("#", " ").split())
    trained = [r.training for r in rows(f"+sweeps={table}", multirun=True) if r.training]
    a100, h100 = (sum(t.gpu_hours[card] for t in trained) for card in plan.PEAK_TFLOPS)
    assert f"{a100:.2g} GPU-hours of A100, or {h100:.2g} of H100 or H200" in header
    assert f"{sum(t.model_gb for t in trained):.0f} GB for the model" in header


def test_what_is_there_is_not_done_again(tmp_path):
    (cell,) = config.cells(["lang=go", f"runs={tmp_path}"])
    recipe = json.loads(json.dumps(train.recipe(cell)))
    run = train.run_of(cell)
    write_record(run.record, {"recipe": recipe, "finished": "now", "status": "done"})
    (again,) = rows("lang=go", f"runs={tmp_path}", "eval_lang=[go,java]")
    assert again.missing["train"] == ["go"], "its model was removed, and is needed for more answers"
    write_whole(run.model / "config.json", "{}")
    write_whole(run.model / "model.safetensors", "")
    (row,) = rows("lang=go", f"runs={tmp_path}", "eval_lang=[go,java]")
    assert row.there["train"] == ["go"]
    assert row.training is None
    assert row.missing == {"train": [], "generate": ["java", "go"], "execute": ["java", "go"]}


def test_a_folder_of_another_recipe_is_announced(tmp_path):
    (cell,) = config.cells(["lang=go", f"runs={tmp_path}"])
    write_record(train.run_of(cell).record, {"recipe": train.recipe(cell), "finished": "now", "status": "done"})
    (row,) = rows("lang=go", f"runs={tmp_path}", "method.lr=1e-3")
    assert "holds results of another recipe" in row.refused


def test_generation_without_a_model_is_announced(tmp_path):
    (row,) = rows("lang=go", f"runs={tmp_path}", stages=("generate",))
    assert "not trained" in row.refused


def test_a_corpus_that_is_here_is_looked_into(tmp_path):
    (tmp_path / "python.jsonl").write_text(
        "".join(json.dumps({"instruction": "i" * 100, "output": "o" * 200}) + "\n" for _ in range(50))
    )
    (row,) = rows("base=starcoder-1b", "lang=python", f"corpus.source={tmp_path}")
    assert row.training.pairs == 50
    assert 100 < row.training.pair_tokens < 200
    assert "assumed" not in row.training.source
    assert any("smaller than one batch of 64" in w for w in row.warnings)


def test_a_folders_shape_comes_from_its_config(micro_base):
    (row,) = rows(f"base={micro_base}", "lang=python")
    assert row.training.shape.width == 16
    assert "state base.shape" in said("base=owner/model", "lang=python")


def test_the_compilers_of_this_machine_do_not_matter(monkeypatch):
    monkeypatch.setattr(checks, "_how_to_get", lambda lang: "apt-get install it")
    (row,) = rows("lang=go")
    assert row.missing["generate"] == ["python", "javascript", "typescript", "c", "cpp", "java", "go"]
    assert rows("lang=go", "eval_lang=[java]")[0].missing["execute"] == ["java"]


def test_what_would_need_less_is_named_only_where_it_does():
    (full,) = rows("base=starcoder-7b", "lang=python")
    assert any("deepspeed=zero3 " in w and "method=lora" in w for w in full.warnings)
    (lora,) = rows("base=starcoder-1b", "method=lora", "lang=python")
    assert not any("cannot work" in w for w in lora.warnings)


def test_rows_are_plain_data_for_whoever_starts_jobs():
    (row,) = rows("base=starcoder-15b", "lang=python", "method.gpus=4")
    record = dataclasses.asdict(row.training)
    assert json.loads(json.dumps(record))["memory"]["4"]["peak"] == row.training.memory[4]["peak"]
