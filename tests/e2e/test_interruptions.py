"""SIGKILL and SIGTERM in each stage, then the same command again: the matrix is that of an undisturbed run."""

import json
import signal
import subprocess
import sys
import time

import pytest
from environment import clean_environment

pytestmark = pytest.mark.e2e
GRID = ("codem.train", "-m", "lang=none,go", "eval_lang=[python,c,go]")


def kill_when(process: subprocess.Popen, happened, what: str) -> None:
    end_when(process, happened, what, signal.SIGKILL, -signal.SIGKILL)


def end_when(process: subprocess.Popen, happened, what: str, by: signal.Signals, code: int) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert process.poll() is None, f"it ended before {what}"
        assert time.monotonic() < deadline, f"never saw {what}"
        time.sleep(0.005)
    process.send_signal(by)
    assert process.wait() == code


def text(path) -> str:
    return path.read_text() if path.exists() else ""


def lines(path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_killed_in_every_stage_and_resumed(place, grid):
    """`grid` is asked for only so that the base model is there already."""
    row = place.folder / "runs" / "tiny" / "sft" / "go" / "seed0"
    evaluation = row / "eval" / "mini"
    moments = {
        "training": lambda: lines(row / "metrics.jsonl") >= 10,
        "generation": lambda: (evaluation / "python" / "greedy" / "samples.jsonl").exists(),
        "judging": lambda: lines(evaluation / "python" / "greedy" / "verdicts.jsonl") > 0,
    }
    statuses = {}
    for what, happened in moments.items():
        kill_when(place.start(*GRID), happened, what)
        statuses[what] = place.run("codem.status").stdout
    # Between two languages nothing is under way: then a killed grid shows answers that wait for their verdicts.
    assert "interrupted" in statuses["training"]
    assert all("interrupted" in s or "generated" in s for s in statuses.values()), statuses
    place.run(*GRID)
    place.run(*GRID, "runs=undisturbed")
    assert place.matrix("runs") == place.matrix("undisturbed")
    for name in ("samples.jsonl",):
        for path in (place.folder / "runs").rglob(name):
            other = place.folder / "undisturbed" / path.relative_to(place.folder / "runs")
            assert sorted(path.read_text().splitlines()) == sorted(other.read_text().splitlines())


def test_two_processes_on_one_run(place, micro_base):
    """One works, the other says who does; nothing is damaged."""
    command = ("codem.train", "lang=go", f"base={micro_base}", "eval_lang=[python]", "corpus.size=200", "bench.n=5")
    first = place.start(*command)
    lock = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while lines(lock) < 2:
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    second = place.run(*command, check=False)
    assert second.returncode == 1
    assert f"process {first.pid} on" in second.stderr
    assert first.wait() == 0
    assert "Nothing to do" in place.run(*command).stdout


SMALL = ("lang=go", "eval_lang=[python]", "corpus.size=40", "method.max_tokens=192", "method.gpus=1")


def small(base, *more: str) -> tuple[str, ...]:
    fast = ("method.precision=fp32", "method.gradient_checkpointing=false", "method.checkpoint_steps=1")
    return ("codem.train", f"base={base}", *SMALL, *fast, *more)


def test_terminated_in_every_stage_and_resumed(place, micro_base):
    """Exit code 143, status failed with the reason, and the same command goes on to the same scores and weights."""
    command = small(micro_base, "method.epochs=8", "bench.n=40")
    row = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0"
    evaluation = row / "eval" / "mini" / "python" / "greedy"
    moments = {
        row / "record.json": lambda: lines(row / "metrics.jsonl") >= 5,
        evaluation / "record.json": lambda: '"judge"' in text(evaluation / "record.json"),
    }
    for record, happened in moments.items():
        end_when(place.start(*command), happened, str(record), signal.SIGTERM, 143)
        said = json.loads(record.read_text())
        # A batch in flight is waited for; when it was the last one, all is judged.
        if said["status"] != "done" or "judge" not in said:
            assert said["status"] == "failed"
            assert "stopped by SIGTERM" in json.dumps(said)
    place.run(*command)
    place.run(*command, "runs=undisturbed")
    assert place.matrix("runs") == place.matrix("undisturbed")
    weights = [place.folder / runs / row.relative_to(place.folder / "runs") for runs in ("runs", "undisturbed")]
    one, two = ((folder / "model" / "model.safetensors").read_bytes() for folder in weights)
    assert one == two


def test_two_processes_of_a_launcher_make_one_row(place, micro_base):
    """One of them trains, generates, judges and speaks; the other only trains along."""
    arguments = small(micro_base, "bench.n=5", "deepspeed=zero3")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", *arguments]
    done = subprocess.run(command, cwd=place.folder, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[1/1]") == 1
    assert done.stdout.count("pass@1") == 1
    (record,) = (r for name, r in place.records().items() if "eval" not in name)
    assert record["status"] == "done"
    assert record["result"]["engine"]["processes"] == 2
    assert "Nothing to do" in place.run(*arguments).stdout
