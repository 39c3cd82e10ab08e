"""What was submitted stays known, also when the command that submitted it was killed in between."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from environment import clean_environment

from codem.run import Launches
from codem.slurm import ledger
from codem.slurm.ledger import Entry, Submission
from codem.slurm.queue import Live, Queue, seconds

PROJECT = Path(__file__).resolve().parent.parent


def entry(root: Path, index: int = 0, **wanted) -> Entry:
    values = {
        "submission": "20260101-000000-abcd",
        "stage": "train",
        "row": f"tiny/sft/go/seed{index}",
        "bench": "",
        "decode": "",
        "shard": None,
        "work": ("go",),
        "comment": "codem-20260101-000000-abcd.1",
        "index": index,
        "job_name": "train-abcd.1",
        "job": None,
        "needs": (),
        "folder": Launches(root).jobs("20260101-000000-abcd") / "1-train",
        "at": "2026-01-01T00:00:00+0000",
        "estimate": {"wall_s": 3.5},
    }
    return Entry(**{**values, **wanted})


def test_an_array_is_known_before_slurm_has_it_and_with_its_jobs_afterwards(tmp_path):
    two = [entry(tmp_path, 0), entry(tmp_path, 3, needs=("7_3",), estimate={})]
    ledger.add_array(tmp_path, two)
    assert ledger.entries(tmp_path) == two
    ledger.add_job(tmp_path, two[0].comment, "10001")
    known = ledger.entries(tmp_path)
    assert [e.job for e in known] == ["10001_0", "10001_3"]
    assert known[1].log == two[1].folder / "10001_3_0_log.out"


def test_a_refusal_is_known_until_slurm_takes_it(tmp_path):
    ledger.add_array(tmp_path, [entry(tmp_path)])
    ledger.add_refusal(tmp_path, entry(tmp_path).comment, "invalid partition")
    assert ledger.entries(tmp_path)[0].refused == "invalid partition"
    ledger.add_job(tmp_path, entry(tmp_path).comment, "5")
    assert (ledger.entries(tmp_path)[0].refused, ledger.entries(tmp_path)[0].job) == ("", "5_0")


def test_nothing_submitted_is_nothing_known(tmp_path):
    assert ledger.entries(tmp_path) == []
    assert ledger.submissions(tmp_path) == {}
    assert ledger.damaged(tmp_path) == []


def test_a_submission_keeps_what_is_needed_to_give_the_command_again(tmp_path):
    made = Submission("s1", ("-m", "lang=go,python"), ("train", "generate"), "/home/me", {"commit": "abc"})
    ledger.add_submission(tmp_path, made)
    known = ledger.submissions(tmp_path)["s1"]
    assert (known.argv, known.stages, known.cwd, known.code) == (made.argv, made.stages, made.cwd, made.code)


def test_a_line_torn_by_a_killed_command_takes_nothing_with_it(tmp_path):
    ledger.add_array(tmp_path, [entry(tmp_path, 0)])
    path = Launches(tmp_path).ledger
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert len(ledger.entries(tmp_path)) == 1
    ledger.add_array(tmp_path, [entry(tmp_path, 1, comment="codem-20260101-000000-abcd.2")])
    assert [e.index for e in ledger.entries(tmp_path)] == [0, 1]
    assert ledger.damaged(tmp_path) == []


def test_damage_is_told_with_its_line_and_the_rest_is_read(tmp_path):
    ledger.add_array(tmp_path, [entry(tmp_path)])
    path = Launches(tmp_path).ledger
    path.write_text("what is this\n" + path.read_text() + '{"what": "array"}\n[]\n')
    assert len(ledger.entries(tmp_path)) == 1
    said = ledger.damaged(tmp_path)
    assert len(said) == 2
    assert f"{path}:1:" in said[0] and "what is this" in said[0]
    assert f"{path}:4:" in said[1]


def test_job_ids_that_come_back_are_other_jobs(tmp_path):
    """A cluster that was set up anew counts from the start: the comment decides."""
    mine = entry(tmp_path, 2, job="10001_2")
    running = Live("10001_2", "RUNNING", "None", "n1", 5, 0)
    assert Queue({(mine.comment, 2): running}).of(mine) == running
    assert Queue({("codem-of-somebody-else.1", 2): running}).of(mine) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0:07", 7), ("12:34", 754), ("1:02:03", 3723), ("2-03:04:05", 183_845), ("INVALID", 0), ("", 0)],
)
def test_how_long_a_job_has_run_is_read_as_slurm_writes_it(text, wanted):
    assert seconds(text) == wanted


def test_a_job_that_goes_back_into_the_queue_is_not_over():
    states = {"PENDING": False, "COMPLETING": False, "REQUEUE_HOLD": False, "FAILED": True, "NODE_FAIL": True}
    assert {state: Live("1_0", state, "", "", 0, 0).is_over for state in states} == states


def test_a_second_command_waits_for_the_first_and_says_so(tmp_path):
    code = (
        "import sys; from pathlib import Path; from codem.slurm import ledger\n"
        "with ledger.alone(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.readline()\n"
    )

    def start() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", code, str(tmp_path)]
        return subprocess.Popen(
            command, cwd=PROJECT, env=clean_environment(), stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    first, second = start(), None
    try:
        assert first.stdout and first.stdout.readline() == "mine\n"
        second = start()
        assert second.stderr and "waiting" in second.stderr.readline()
        assert second.poll() is None
        first.communicate("go\n", timeout=60)
        assert second.stdout and second.stdout.readline() == "mine\n"
        second.communicate("go\n", timeout=60)
        assert second.returncode == 0
    finally:
        for process in filter(None, (first, second)):
            process.kill()
            process.wait()


def test_a_large_ledger_is_read_quickly(tmp_path):
    for number in range(30):
        comment = f"codem-x.{number}"
        ledger.add_array(tmp_path, [entry(tmp_path, index, comment=comment) for index in range(50)])
        ledger.add_job(tmp_path, comment, str(number))
    start = time.process_time()
    assert len(ledger.entries(tmp_path)) == 1500
    assert time.process_time() - start < 1
