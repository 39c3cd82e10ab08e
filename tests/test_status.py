"""What `python -m codem.status` says of a runs folder: of files alone, and of jobs that Slurm is asked about."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from environment import clean_environment

from codem import run as runs
from codem import status, status_rows, status_text
from codem.slurm import ledger
from codem.slurm import queue as slurm_queue
from codem.slurm.ledger import Entry
from codem.slurm.queue import Live, Queue

SUBMISSION = "20261121-194500-3f2a"
AT = "2026-11-21T19:45:00+0000"


@dataclasses.dataclass
class Sweep:
    """A runs folder as jobs of a cluster leave it."""

    root: Path
    live: dict = dataclasses.field(default_factory=dict)
    error: str = ""
    asked: int = 0

    def submit(self, stage, row, array="1", index=0, work=("python",), needs=(), shard=None, refused="", known=True):
        where = ("mini", "greedy") if stage in ("generate", "execute") else ("", "")
        comment = f"codem-{array}"
        entry = Entry(
            SUBMISSION, stage, row, *where, shard, work, comment, index, comment, None, needs,
            runs.Launches(self.root).jobs(SUBMISSION) / array, AT, {"wall_s": 60.0, "gpu_hours": 0.5, "source": "said"},
        )  # fmt: skip
        entry.folder.mkdir(parents=True, exist_ok=True)
        ledger.add_array(self.root, [entry])
        if refused:
            ledger.add_refusal(self.root, comment, refused)
        elif known:
            ledger.add_job(self.root, comment, array)
        return entry

    def slurm(self, array, state, reason="None", index=0, node="n1", elapsed_s=7, requeues=0):
        self.live[f"codem-{array}", index] = Live(f"{array}_{index}", state, reason, node, elapsed_s, requeues)

    def log(self, entry, *lines):
        path = dataclasses.replace(entry, job=f"{entry.comment.removeprefix('codem-')}_{entry.index}").log
        path.write_text("".join(f"{line}\n" for line in lines))

    def look(self, entries):
        self.asked += 1
        return Queue({} if self.error else self.live, self.error)

    def stages(self, row="tiny/sft/go/seed0"):
        (found,) = [r for r in status_rows.look(self.root).rows if r["row"] == row]
        return {stage["stage"] + (f" {s}" if (s := stage["shard"]) else ""): stage for stage in found["stages"]}

    def record(self, row="tiny/sft/go/seed0", **said):
        path = self.root / row
        path.mkdir(parents=True, exist_ok=True)
        (path / "record.json").write_text(json.dumps({"recipe": {}, **said}))
        return path

    def evaluation(self, lang="python", row="tiny/sft/go/seed0", answers=0, verdicts=0, **said):
        path = self.root / row / "eval" / "mini" / lang / "greedy"
        path.mkdir(parents=True, exist_ok=True)
        recipe = {"problems": 4, "decode": {"samples": 2}}
        (path / "record.json").write_text(json.dumps({"recipe": recipe, **said}))
        (path / "samples.jsonl").write_text("{}\n" * answers)
        (path / "verdicts.jsonl").write_text("{}\n" * verdicts)
        return path

    def done(self, row="tiny/sft/go/seed0"):
        self.record(row, status="done", finished=AT)
        judge = {"finished": AT, "counts": {"passed": 3, "wrong": 5}}
        return self.evaluation("python", row, status="done", finished=AT, judge=judge)


@pytest.fixture
def sweep(tmp_path, monkeypatch) -> Sweep:
    made = Sweep(tmp_path / "runs")
    made.root.mkdir()
    monkeypatch.setattr(slurm_queue, "look", made.look)
    return made


def command(*arguments, cwd, **variables):
    environment = {**clean_environment(), "PATH": "/nowhere", **variables}  # no Slurm
    return subprocess.run(
        [sys.executable, "-m", "codem.status", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


# Files alone


def test_a_folder_that_is_not_there_is_only_said(tmp_path):
    for more in ([], ["--watch"], ["--failed"]):
        done = command(*more, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "") and "no such folder" in done.stderr
    assert json.loads(command("--json", cwd=tmp_path).stdout) == []


def test_a_finished_row_is_one_line_with_its_scores_and_slurm_is_not_asked(sweep):
    sweep.submit("train", "tiny/sft/go/seed0")
    sweep.done()
    found = status_rows.look(sweep.root)
    assert sweep.asked == 0
    said = status_text.table(found.rows)
    (line,) = [line for line in said.splitlines() if "seed0" in line]
    assert "done" in line and "mini greedy: python 37.5 % of 4 x 2" in line


def test_what_a_killed_process_left_is_interrupted_and_what_a_living_one_holds_is_running(sweep):
    folder = sweep.record(status="running", preflight={"steps": 40})
    lines = [{"step": n, "loss": 2.0 - n / 100, "tokens_per_s": 100.0, "seconds": 0.5} for n in range(1, 11)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 11, "lo')
    assert sweep.stages()["train"]["state"] == "interrupted"
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, pathlib; from codem import run\n"
         "with run.held(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()", str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout.readline()
    stage = sweep.stages()["train"]
    holder.communicate()
    assert stage["state"] == "running"
    assert stage["progress"] == {"step": 10, "loss": 1.9, "tokens_per_s": 100.0, "of": 40, "eta_s": 15.0}
    (row,) = status.rows(sweep.root)
    assert row["progress"]["step"] == 10 and "step 10 of 40, loss 1.900" in status_text.table([row])


def test_answers_and_verdicts_so_far_of_all(sweep):
    sweep.record(status="done", finished=AT)
    sweep.evaluation("python", status="generated", finished=AT, answers=8)
    sweep.evaluation("go", status="running", answers=3)
    assert sweep.stages()["generate"]["progress"] == {"answers": 11, "of": 16}
    sweep.evaluation("go", status="running", finished=AT, judge={"recipe": {"problems": 3}}, verdicts=2)
    stages = sweep.stages()
    assert stages["generate"]["state"] == "done"
    assert stages["execute"]["progress"] == {"verdicts": 2, "of": 14}  # the errata leave one problem out
    assert stages["execute"]["state"] == "interrupted"


def test_answers_without_verdicts_say_so(sweep):
    sweep.record(status="done", finished=AT)
    sweep.evaluation(status="generated", finished=AT)
    rows = status.rows(sweep.root)
    assert "generated, not judged" in status_text.table(rows)
    assert "1 missing" in status_text.closing(rows)


def test_the_first_line_of_an_error_stands_in_the_table_and_all_of_it_in_the_json(sweep):
    sweep.record(status="failed", error="codem.errors.StageError: the corpus is empty\nsecond line")
    (row,) = status.rows(sweep.root)
    said = status_text.table([row])
    assert "    the corpus is empty" in said.splitlines() and "second line" not in said
    assert "second line" in row["error"]
    assert "the same command again" in status_text.closing([row])


@pytest.mark.parametrize("damage", ["{", "[1]", '{"status": 3, "judge": "x", "recipe": []}', '"x"', ""])
@pytest.mark.parametrize("where", ["record.json", "eval/mini/python/greedy/record.json"])
def test_a_damaged_record_is_its_own_rows_fault(sweep, damage, where):
    sweep.done("tiny/sft/go/seed0")
    sweep.done("tiny/sft/python/seed0")
    (sweep.root / "tiny/sft/go/seed0" / where).write_text(damage)
    rows = status.rows(sweep.root)
    assert [status_text.is_done(row) for row in rows] == [False, True]
    assert status_text.table(rows)


def test_a_damaged_ledger_is_said_and_the_rest_is_shown(sweep):
    sweep.submit("train", "tiny/sft/go/seed0")
    path = runs.Launches(sweep.root).ledger
    path.write_text("nonsense\n" + path.read_text() + '{"what": "arr')
    found = status_rows.look(sweep.root)
    assert any("nonsense" in note for note in found.notes)
    assert [row["row"] for row in found.rows] == ["tiny/sft/go/seed0"]


# Jobs


def test_a_row_without_a_folder_waits_for_its_parents_job(sweep):
    sweep.submit("prepare", "tiny", "1")
    sweep.submit("train", "tiny/sft/go/seed0", "2", needs=("1_0",))
    sweep.submit("generate", "tiny/sft/go/seed0", "3", needs=("2_0",))
    sweep.submit("execute", "tiny/sft/go/seed0", "4", needs=("3_0",), shard="1of2")
    sweep.submit("execute", "tiny/sft/go/seed0", "5", needs=("3_0",), shard="2of2")
    sweep.submit("summary", "", "6", needs=("4_0", "5_0"))
    sweep.slurm("1", "RUNNING")
    for array in "23456":
        sweep.slurm(array, "PENDING", "Dependency", node="")
    found = status_rows.look(sweep.root)
    assert sweep.asked == 1
    assert [(r["row"], r["run"] is None) for r in found.rows] == [
        ("tiny", True), ("tiny/sft/go/seed0", False), ("all rows", True)
    ]  # fmt: skip
    stages = sweep.stages()
    assert stages["train"]["waits_for"] == ["prepare 1_0"] and stages["execute 1of2"]["waits_for"] == ["generate 3_0"]
    assert {s["state"] for s in stages.values()} == {"waiting"}
    said = status_text.table(found.rows)
    assert "for prepare 1_0" in said and "for execute 4_0 and 1 more" in said
    assert max(map(len, said.splitlines())) <= 100
    assert "--watch" in status_text.closing(found.rows)


def test_what_a_parent_that_is_done_leaves_to_wait_for(sweep):
    sweep.record(status="done", finished=AT)
    sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.submit("generate", "tiny/sft/go/seed0", "3", needs=("2_0",))
    for state, reason, words in (
        ("PENDING", "Resources", "for free nodes"),
        ("PENDING", "Priority", "higher priority"),
        ("PENDING", "JobHeldUser", "held"),
        ("REQUEUE_HOLD", "job_requeued_in_held_state", "held"),
        ("PENDING", "SomethingNew", "for SomethingNew"),
    ):
        sweep.slurm("3", state, reason, node="")
        stage = sweep.stages()["generate"]
        assert stage["state"] == "waiting" and words in stage["waits_for"][0]
    sweep.slurm("3", "PENDING", "BeginTime", requeues=2)
    stage = sweep.stages()["generate"]
    assert "put back into the queue" in stage["waits_for"][0] and stage["requeues"] == 2


def test_result_files_come_first_whatever_slurm_says(sweep):
    entry = sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.slurm("2", "FAILED")
    sweep.log(entry, "Traceback", "ValueError: stale")
    sweep.record(status="done", finished=AT)
    assert sweep.stages()["train"]["state"] == "done"


def test_a_job_that_ends_while_slurm_is_asked_has_not_failed(sweep, monkeypatch):
    sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.record(status="running")

    def look(entries):
        sweep.record(status="done", finished=AT)
        return Queue({("codem-2", 0): Live("2_0", "COMPLETED", "None", "n1", 3, 0)})

    monkeypatch.setattr(slurm_queue, "look", look)
    assert sweep.stages()["train"]["state"] == "done"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "COMPLETED", None])
def test_a_job_that_is_over_without_results_is_never_running(sweep, state):
    entry = sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.log(entry, "  File x", "RuntimeError: boom", "srun: error: n1: task 0: Exited with exit code 1")
    sweep.record(status="running")
    if state:
        sweep.slurm("2", state)
    stage = sweep.stages()["train"]
    assert stage["state"] == ("cancelled" if state == "CANCELLED" else "failed")
    words = {"CANCELLED": "scancel", "TIMEOUT": "time limit", "OUT_OF_MEMORY": "launcher.train.memory"}
    words |= {"NODE_FAIL": "node failed", "COMPLETED": "results are not there"}
    assert words.get(state, "RuntimeError: boom") in stage["error"]
    assert stage["log_tail"][-1].startswith("srun: error")


def test_the_error_on_record_counts_when_it_is_that_jobs(sweep):
    sweep.log(sweep.submit("train", "tiny/sft/go/seed0", "2"), "submitit ERROR", "the end of the log")
    sweep.slurm("2", "FAILED")
    for job, said in (("2_0", "the disk is full"), ("1_0", "the end of the log")):
        sweep.record(status="failed", error="OSError: the disk is full", launch={"job": job})
        assert said in sweep.stages()["train"]["error"]


def test_what_needs_a_failed_job_is_cancelled_because_of_it(sweep):
    sweep.log(sweep.submit("train", "tiny/sft/go/seed0", "2"), "RuntimeError: bad data")
    sweep.submit("generate", "tiny/sft/go/seed0", "3", needs=("2_0",))
    sweep.submit("execute", "tiny/sft/go/seed0", "4", needs=("3_0",))
    sweep.slurm("2", "FAILED")
    sweep.slurm("3", "CANCELLED")  # the other one Slurm has forgotten
    stages = sweep.stages()
    assert [s["state"] for s in stages.values()] == ["failed", "cancelled", "cancelled"]
    assert (
        "train 2_0 failed" in stages["generate"]["error"] and "generate 3_0 was cancelled" in stages["execute"]["error"]
    )
    rows = status.rows(sweep.root)
    assert "codem.launch retry 'tiny/sft/go/seed0'" in status_text.closing(rows)
    assert status_text.failed(rows).count("failed") == 1 and "    RuntimeError: bad data" in status_text.failed(rows)


def test_a_job_that_never_wrote_a_line_hints_at_a_folder_that_nodes_cannot_see(sweep):
    sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.slurm("2", "FAILED")
    assert "compute nodes cannot see" in sweep.stages()["train"]["error"]


def test_what_slurm_refused_and_what_was_never_submitted(sweep):
    sweep.submit("train", "tiny/sft/go/seed0", "2", refused="invalid partition specified: gpuu")
    sweep.submit("train", "tiny/sft/python/seed0", "3", known=False)
    assert sweep.stages()["train"]["state"] == "failed" and "gpuu" in sweep.stages()["train"]["error"]
    stage = sweep.stages("tiny/sft/python/seed0")["train"]
    assert stage["state"] == "missing" and "the same command submits it" in stage["error"]


def test_without_slurm_the_files_alone_are_shown(sweep):
    sweep.error = "squeue is not on PATH: this machine has no Slurm"
    sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.submit("generate", "tiny/sft/go/seed0", "3", needs=("2_0",))
    start = {"submission": SUBMISSION, "job": "2_0", "restart": 1, "node": "n3", "pid": 1, "started": AT, "mark": ""}
    path = runs.Run(sweep.root, "tiny", "sft", "go", 0).attempts("train")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(start) + "\n")
    found = status_rows.look(sweep.root)
    assert found.notes == [f"Slurm cannot be asked: {sweep.error}. What follows is what the files say."]
    stages = sweep.stages()
    assert (stages["train"]["state"], stages["train"]["node"], stages["train"]["requeues"]) == ("running", "n3", 1)
    assert stages["generate"]["state"] == "submitted"


def test_a_shard_is_done_when_its_part_is_and_when_all_is_joined(sweep):
    sweep.record(status="done", finished=AT)
    folder = sweep.evaluation(status="generated", finished=AT)
    for n in (1, 2):
        sweep.submit("execute", "tiny/sft/go/seed0", f"{4 + n}", shard=f"{n}of2")
        sweep.slurm(f"{4 + n}", "RUNNING")
    part = runs.Judged(folder).part("1of2")
    part.folder.mkdir(parents=True)
    part.record.write_text(json.dumps({"status": "done", "finished": AT, "recipe": {"problems": 4}}))
    assert [s["state"] for s in sweep.stages().values()] == ["done", "done", "done", "running"][-4:]
    judge = {"finished": AT, "counts": {"passed": 8}}
    sweep.evaluation(status="done", finished=AT, judge=judge)
    assert {s["state"] for s in sweep.stages().values()} == {"done"}


def test_a_newer_submission_is_what_counts(sweep):
    sweep.log(sweep.submit("train", "tiny/sft/go/seed0", "2"), "RuntimeError: the first")
    sweep.submit("train", "tiny/sft/go/seed0", "9")
    sweep.slurm("2", "FAILED")
    sweep.slurm("9", "RUNNING")
    stage = sweep.stages()["train"]
    assert (stage["state"], stage["job"], stage["node"], stage["elapsed_s"]) == ("running", "9_0", "n1", 7)


def test_the_summary_is_done_when_its_matrix_is_there(sweep):
    sweep.submit("summary", "", "6")
    sweep.slurm("6", "RUNNING")
    assert sweep.stages("all rows")["summary"]["state"] == "running"
    runs.Launches(sweep.root).matrix(SUBMISSION).write_text("")
    assert sweep.stages("all rows")["summary"]["state"] == "done"


def test_estimates_and_times_are_there(sweep):
    sweep.submit("train", "tiny/sft/go/seed0", "2")
    sweep.record(status="done", finished=AT, spent_s=12.5)
    (row,) = status.rows(sweep.root)
    assert row["estimate"] == {"wall_s": 60.0, "gpu_hours": 0.5} and row["spent_s"] == 12.5


# The command


def test_failed_shows_logs_and_is_the_exit_code(tmp_path):
    sweep = Sweep(tmp_path / "runs")
    sweep.done()
    done = command("--failed", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "nothing has failed\n")
    folder = sweep.record("tiny/sft/python/seed0", status="failed", error="ValueError: boom")
    (folder / "log.txt").write_text("".join(f"line {n}\n" for n in range(40)))
    done = command("--failed", cwd=tmp_path)
    assert done.returncode == 1 and "tiny/sft/python/seed0: train failed: ValueError: boom" in done.stdout
    assert "    line 39" in done.stdout and "line 24\n" not in done.stdout and "tiny/sft/go" not in done.stdout
    assert command(cwd=tmp_path).returncode == 0
    assert [r["train"] for r in json.loads(command("--failed", "--json", cwd=tmp_path).stdout)] == ["python"]


def test_watch_says_what_changes_and_ends_by_itself(tmp_path):
    sweep = Sweep(tmp_path / "runs")
    folder = sweep.record(status="running")
    watching = subprocess.Popen(
        [sys.executable, "-m", "codem.status", "--watch", "0.2"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with runs.held(folder):
        pass  # leaves a lock file that nobody holds
    first = watching.stdout.readline()
    assert "tiny/sft/go/seed0 train interrupted" in first
    sweep.done()
    rest, _ = watching.communicate(timeout=60)
    assert "tiny/sft/go/seed0 train done" in rest and "3 done" in rest and watching.returncode == 0


def test_watch_ends_with_1_when_something_failed(tmp_path):
    Sweep(tmp_path / "runs").record(status="failed", error="boom")
    done = command("--watch", "0.1", cwd=tmp_path)
    assert done.returncode == 1 and "train failed" in done.stdout


def test_500_rows_are_told_quickly_and_shortly(tmp_path):
    sweep = Sweep(tmp_path / "runs")
    padding = {"packages": {f"package{n}": "1.2.3" for n in range(400)}}  # records are about 10 kB
    for n in range(500):
        row = f"tiny/sft/go/seed{n}"
        sweep.record(row, status="done", finished=AT, **padding)
        if n % 2:
            judge = {"finished": AT, "counts": {"passed": 8}}
            sweep.evaluation("python", row, status="done", finished=AT, judge=judge, **padding)
        else:
            sweep.evaluation("python", row, status="generated", finished=AT, **padding)
    began = time.process_time()
    rows = status.rows(sweep.root)
    took = time.process_time() - began
    said = status_text.table(rows)
    assert len(rows) == 500 and took < 2
    assert "train     500 done" in said and "execute   250 done, 250 missing" in said
    assert len(said.splitlines()) < 30 and "and 240 more" in said
    assert os.path.getsize(sweep.root / "tiny/sft/go/seed0/record.json") > 9_000
