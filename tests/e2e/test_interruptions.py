"""SIGKILL in each stage, then the same command again: the matrix is that of an undisturbed run."""

import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.e2e
GRID = ("codem.train", "-m", "lang=none,go", "eval_lang=[python,c,go]")


def kill_when(process: subprocess.Popen, happened, what: str) -> None:
    deadline = time.monotonic() + 300
    while not happened():
        assert process.poll() is None, f"it ended before {what}"
        assert time.monotonic() < deadline, f"never saw {what}"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


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
