"""What a job will take: measured where something was, else stated, and never made up."""

import json
import time

import pytest

from codem import cannot_work, config, costs, dry_run, graph, plan, train
from codem.errors import CodemError
from codem.run import write_record

ALL = ("train", "generate", "execute")


def cells(*overrides, multirun=False):
    return config.cells(["launch.dry_run=true", *overrides], multirun)


def node(stage, *overrides):
    """The first one of the stage."""
    return next(n for n in graph.of(cells(*overrides), ALL) if n.stage == stage)


def trained(cell, tokens_per_s, processes=1, device="cpu"):
    """As a finished run leaves it; its first step was slow."""
    run = train.run_of(cell)
    result = {"device": device, "engine": {"processes": processes}}
    write_record(run.record, {"recipe": train.recipe(cell), "finished": "x", "result": result, "status": "done"})
    speeds = [1.0, tokens_per_s, tokens_per_s, 3 * tokens_per_s]
    run.metrics.write_text("".join(json.dumps({"step": n, "tokens_per_s": s}) + "\n" for n, s in enumerate(speeds)))


def scored(cell, lang, answers, started, finished, judged=None, **more):
    where = train.run_of(cell).evaluation("mini", lang, "greedy")
    record = {
        "recipe": {"problems": answers, "decode": {"samples": 1}},
        "started": f"2026-11-20T10:{started}+0000",
        "finished": f"2026-11-20T10:{finished}+0000",
        "judge": judged or {},
        **more,
    }
    write_record(where.record, {**record, "status": "done"})


def test_stated_where_nothing_was_measured(tmp_path):
    wanted = ("base=starcoder-7b", "lang=python", f"runs={tmp_path}")
    found = costs.estimate(node("train", *wanted))
    (row,) = plan.of(cells(*wanted), ALL)
    assert found.gpu_hours == pytest.approx(row.training.gpu_hours["A100"])
    assert found.wall_s == pytest.approx(found.gpu_hours / 8 * 3600)
    assert found.source.startswith("assumed: 40% of the 312 TFLOP/s of A100 on 8")
    answered = costs.estimate(node("generate", *wanted))
    assert answered.wall_s * 1 / 3600 == pytest.approx(answered.gpu_hours)
    judged = costs.estimate(node("execute", *wanted))
    assert judged.gpu_hours == 0
    assert "docs/performance.md" in judged.source


def test_the_embedded_model_needs_no_gpu(tmp_path):
    found = costs.estimate(node("train", "lang=go", "launcher=slurm", "launcher.train.cpus=8", f"runs={tmp_path}"))
    assert found.gpu_hours == 0
    assert "on each of 8 processors" in found.source
    slower = costs.estimate(node("train", "lang=go", "launcher=slurm", "launcher.train.cpus=4", f"runs={tmp_path}"))
    assert slower.wall_s == pytest.approx(2 * found.wall_s)


def test_measured_is_what_finished_runs_of_the_kind_took(tmp_path):
    (first,) = cells("lang=go", f"runs={tmp_path}")
    trained(first, 1000.0)
    wanted = ("lang=python", "seed=1", f"runs={tmp_path}")
    found = costs.estimate(node("train", *wanted))
    (row,) = plan.of(cells(*wanted), ALL)
    assert found.wall_s == pytest.approx(row.training.tokens / 1000)
    assert found.source == f"measured: 1,000 tokens/s in {train.run_of(first)}"
    for other in ("method=lora", "base=starcoder-1b"):
        assert "measured" not in costs.estimate(node("train", *wanted, other)).source
    two = ("launcher=slurm", "launcher.train.tasks=2", "method.grad_accumulation=2")
    assert "measured" not in costs.estimate(node("train", *wanted, *two)).source


def test_an_unfinished_run_measures_nothing_and_a_torn_line_does_not_matter(tmp_path):
    (first, second) = cells("lang=go", "seed=0,1", f"runs={tmp_path}", multirun=True)
    trained(first, 1000.0)
    metrics = train.run_of(first).metrics
    metrics.write_text(metrics.read_text() + '{"step": 9, "tok')
    trained(second, 5.0)
    write_record(train.run_of(second).record, {"recipe": train.recipe(second), "status": "failed"})
    assert "1,000 tokens/s" in costs.estimate(node("train", "lang=c", f"runs={tmp_path}")).source


def test_a_resumed_training_takes_what_is_left(tmp_path):
    whole = costs.estimate(node("train", "lang=go", f"runs={tmp_path}"))
    (cell,) = cells("lang=go", f"runs={tmp_path}")
    run = train.run_of(cell)
    write_record(run.record, {"recipe": train.recipe(cell), "status": "running"})
    (run.checkpoint / "checkpoint-22").mkdir(parents=True)
    (run.checkpoint / "checkpoint-55").mkdir()
    half = costs.estimate(node("train", "lang=go", f"runs={tmp_path}"))
    assert half.wall_s == pytest.approx(whole.wall_s / 2)


def test_languages_that_were_answered_together_took_the_time_once(tmp_path):
    (first,) = cells("lang=go", f"runs={tmp_path}")
    trained(first, 1000.0)
    scored(first, "go", 52, "00:00", "00:20")
    scored(first, "c", 52, "00:01", "00:52")
    found = costs.estimate(node("generate", "lang=python", "eval_lang=[go,c]", f"runs={tmp_path}"))
    assert found.wall_s == pytest.approx(51)
    assert "answers/s" in found.source


def test_time_between_attempts_is_nobodys_speed(tmp_path):
    (first,) = cells("lang=go", f"runs={tmp_path}")
    trained(first, 1000.0)
    scored(first, "go", 52, "00:00", "59:00", spent_s=26.0)
    found = costs.estimate(node("generate", "lang=python", "eval_lang=[go]", f"runs={tmp_path}"))
    assert found.wall_s == pytest.approx(26)


def test_judging_is_measured_language_by_language(tmp_path):
    (first,) = cells("lang=go", f"runs={tmp_path}")
    trained(first, 1000.0)
    judge = {"counts": {"passed": 40, "wrong": 12}, "finished": "x", "spent_s": 13.0}
    scored(first, "go", 52, "00:00", "00:20", judged=judge)
    only = costs.estimate(node("execute", "lang=python", "eval_lang=[go]", f"runs={tmp_path}"))
    assert only.wall_s == pytest.approx(13)
    assert only.source.startswith("measured")
    both = costs.estimate(node("execute", "lang=python", "eval_lang=[go,c]", f"runs={tmp_path}"))
    assert both.wall_s > 13
    assert "1 of 2 languages stated" in both.source


def test_what_is_not_known_is_not_made_up(tmp_path):
    unknown = costs.estimate(node("train", "base=owner/model", "lang=python", f"runs={tmp_path}"))
    assert (unknown.wall_s, unknown.gpu_hours) == (None, None)
    assert "shape is not known" in unknown.source
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "python.jsonl").write_text("{}\n" * 20)
    (cell,) = cells("base=starcoder-1b", "lang=python", f"corpus.source={tmp_path}/corpus", f"runs={tmp_path}")
    broken = costs.estimate(graph.Node("train", (cell,), ("python",)))
    assert broken.wall_s is None
    assert "20 of 20 rows" in broken.source


def test_hundreds_of_estimates_take_no_time(tmp_path):
    (first,) = cells("lang=go", f"runs={tmp_path}")
    trained(first, 1000.0)
    nodes = graph.of(cells("lang=go,python,none", "seed=range(0,60)", f"runs={tmp_path}", multirun=True), ALL)
    began = time.process_time()
    assert all("measured" in costs.estimate(n).source for n in nodes if n.stage == "train")
    assert [costs.estimate(n) for n in nodes if n.stage == "execute"]
    assert time.process_time() - began < 3


SLURM_7B = ("base=starcoder-7b", "launcher=slurm")


def warned(*overrides, multirun=False):
    return dry_run.warnings_of(cells(*overrides, multirun=multirun), ALL)


def test_a_7b_model_on_a_24_gb_card_is_said_before_anything_is_queued(tmp_path):
    wanted = (*SLURM_7B, f"runs={tmp_path}", "launcher.train.gpu_gb=24")
    (said,) = warned(*wanted, "lang=python,go,java,c", multirun=True)
    assert said.startswith("train starcoder-7b/sft/python/seed0, train starcoder-7b/sft/go/seed0")
    assert "and 1 more: 32 GiB are needed on each of 8 GPUs, and launcher.train.gpu_gb=24" in said
    for way_out in ("deepspeed=zero3 22 GiB", "method=lora", "larger cards"):
        assert way_out in said
    assert not warned(*wanted, "lang=python", "deepspeed=zero3_offload")
    assert not warned(*SLURM_7B, f"runs={tmp_path}", "lang=python", "launcher.train.gpu_gb=40")
    assert not warned(*SLURM_7B, f"runs={tmp_path}", "lang=python")


def test_fewer_gpus_need_more_memory_each(tmp_path):
    wanted = (*SLURM_7B, f"runs={tmp_path}", "lang=python", "launcher.train.gpu_gb=40")
    (said,) = warned(*wanted, "launcher.train.gpus=2")
    assert "needed on each of 2 GPUs" in said


def test_generation_too_has_to_fit(tmp_path):
    wanted = ("base=starcoder-15b", "lang=none", "launcher=slurm", f"runs={tmp_path}")
    (said,) = warned(*wanted, "launcher.generate.gpu_gb=24")
    assert "the weights alone need" in said
    assert "engine=vllm engine.gpus=2" in said
    assert not warned(*wanted, "launcher.generate.gpu_gb=40")


@pytest.mark.parametrize(
    ("time_limit", "expected"),
    [
        ("'5'", "less than the 8 min that are expected: each job will go back into the queue about 3 times"),
        ("'2:30'", "leaves no time to work"),
        ("'0:08:30'", None),
    ],
)
def test_a_time_limit_that_is_too_short(time_limit, expected, tmp_path):
    said = warned(*SLURM_7B, "lang=python", f"runs={tmp_path}", f"launcher.train.time={time_limit}")
    assert [expected in line for line in said] == ([True] if expected else [])


def test_a_time_limit_that_requeues_cannot_make_up_for(tmp_path):
    wanted = (*SLURM_7B, "lang=python", f"runs={tmp_path}", "launcher.train.time='5'", "launcher.max_requeues=2")
    (said,) = warned(*wanted)
    assert "it will fail before its end; give more time, or launcher.max_requeues=4" in said


def test_checkpoints_of_other_processes(tmp_path):
    (cell,) = cells(*SLURM_7B, "lang=python", f"runs={tmp_path}")
    run = train.run_of(cell)
    write_record(run.record, {"recipe": train.recipe(cell), "status": "failed"})
    (run.checkpoint / "checkpoint-50").mkdir(parents=True)
    (run.checkpoint / "processes.json").write_text('{"processes": 4}')
    (said,) = warned(*SLURM_7B, "lang=python", f"runs={tmp_path}")
    assert "written by 4 processes, and 8 would go on" in said


def test_nothing_is_known_of_a_run_here(tmp_path):
    assert not warned("base=starcoder-7b", "lang=python", f"runs={tmp_path}")


def test_warnings_are_the_graphs_to_refuse(tmp_path):
    (cell,) = cells("lang=go", "launcher=slurm", f"runs={tmp_path}")
    with pytest.raises(CodemError, match="train"):
        cannot_work.of(graph.of([cell], ("generate",)))
