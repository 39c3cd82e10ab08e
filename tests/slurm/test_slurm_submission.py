"""What a command hands to a real Slurm; what it does when Slurm refuses, is away, or has it already; cancel, retry."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pytest
from checkouts import Checkout
from places import eventually, jsonl, small

from codem.errors import CodemError
from codem.slurm import cluster as slurm_cluster
from codem.slurm import ledger, under_way
from codem.slurm import queue as slurm_queue

pytestmark = pytest.mark.slurm

NOT_YET = "launcher.prepare.sbatch.begin=now+1hour"
LIMIT_LUA = """
function slurm_job_submit(job, partitions, uid)
  local tasks = 0
  for from, to in string.gmatch(string.gsub(job.array_inx or "0", "%%.*", "") .. ",", "(%d+)%-?(%d*),") do
    tasks = tasks + 1 + (tonumber(to) or tonumber(from)) - tonumber(from)
  end
  if tasks > 2 then return 2050 end  -- ESLURM_ACCOUNTING_POLICY
  return slurm.SUCCESS
end
function slurm_job_modify(job, record, partitions, uid) return slurm.SUCCESS end
"""


@pytest.fixture
def checkout(tmp_path, cluster) -> Checkout:
    return Checkout.make(tmp_path / "checkout", cluster.environment)


@pytest.fixture
def here(tmp_path) -> Path:
    """Where commands are given: not in the checkout."""
    return tmp_path / "here"


def rows(base: Path, *more: str) -> list[str]:
    """Rows that nothing is prepared for yet, on nodes without GPUs."""
    command = [text for text in small(base) if text != "codem.train"]
    return ["codem.train", "-m", *command, "launcher=slurm", "launcher.train.gpus=0", "launcher.generate.gpus=0",
            "launcher.train.cpus=1", "launcher.generate.cpus=1", "cache_dir=cache", *more]  # fmt: skip


def stages(runs: Path) -> dict[str, list[ledger.Entry]]:
    found: dict[str, list[ledger.Entry]] = {}
    for entry in ledger.entries(runs):
        found.setdefault(entry.stage, []).append(entry)
    return found


def shown(cluster, entry: ledger.Entry) -> dict[str, str]:
    """What Slurm shows of an array whose tasks all wait."""
    text = cluster.command("scontrol", "show", "job", str(entry.job).split("_")[0]).split("\n\n")[0]
    return dict(re.findall(r"(\S+?)=(.*?)(?=\s+\S+?=|\s*$)", text, re.MULTILINE))


def jobs_of(cluster) -> list[str]:
    """Names of the user's jobs that are not over, a task of an array each."""
    return sorted(line for line in cluster.command("squeue", "-h", "-r", "-o", "%j").splitlines() if line)


def test_everything_that_is_asked_for_reaches_slurm(checkout, cluster, here, base):
    checkout.run(
        here,
        *rows(base, "lang=python,go", NOT_YET),
        "launcher.train.time=1-02:03:04",
        "launcher.train.memory=3G",
        "launcher.train.gpus=2",
        "launcher.train.cpus=3",
        "launcher.train.nodes=2",
        "method.grad_accumulation=2",
        "launcher.train.sbatch.mail-type=END",
        "launcher.train.sbatch.nice=77",
        'launcher.train.setup=["export STAGES_OWN=1"]',
        'launcher.setup=["export LAUNCHERS_OWN=1"]',
        "launcher.generate.gres='gpu:1'",
        "launcher.generate.gpus=1",
        "launcher.execute.cpus=5",
        "launcher.execute.partition=debug",
        "launcher.array_parallelism=1",
        "launcher.signal_s=33",
    )
    found = stages(here / "runs")
    assert {stage: len(entries) for stage, entries in found.items()} == {
        "prepare": 1, "train": 2, "generate": 2, "execute": 2, "summary": 1}  # fmt: skip
    train, generate, execute, summary = (
        shown(cluster, found[stage][0]) for stage in ("train", "generate", "execute", "summary")
    )
    assert train["TimeLimit"] == "1-02:04:00"
    assert (train["NumNodes"], train["NumTasks"], train["CPUs/Task"]) == ("2-2", "2", "3")
    assert train["MinMemoryNode"] == "3G"
    assert train["TresPerNode"] == "gres:gpu:1"
    assert train["ArrayTaskId"] == "0-1%1"
    assert train["Requeue"] == "1" and train["KillOInInvalidDependent"] == "Yes"
    assert train["Nice"] == "77"
    assert train["Comment"] == found["train"][0].comment
    assert train["WorkDir"].startswith(str(here / "runs" / ".launch" / "code"))
    prepared = found["prepare"][0].job
    assert train["Dependency"].startswith(f"afterok:{prepared}")
    assert generate["TresPerNode"] == "gres:gpu:1"
    assert execute["CPUs/Task"] == "5" and execute["Partition"] == "debug"
    array = {stage: str(entries[0].job).split("_")[0] for stage, entries in found.items()}
    assert generate["Dependency"].startswith(f"aftercorr:{array['train']}_")
    assert execute["Dependency"].startswith(f"aftercorr:{array['generate']}_")
    assert summary["Dependency"].startswith(f"afterany:{array['execute']}_")
    script = Path(train["Command"]).read_text()
    assert script.index("LAUNCHERS_OWN") < script.index("STAGES_OWN") < script.index("PYTHONPATH")
    assert "--signal=USR2@33" in script and "--mail-type=END" in script
    assert "--kill-on-bad-exit=1" in script
    assert sorted(p.suffix for p in found["train"][0].folder.iterdir()) == [".pkl", ".pkl", ".sh", ".sh"]


def test_slurm_jobs_run_the_code_that_was_submitted(checkout, here, base):
    checkout.run(here, *rows(base, "lang=python", "method.max_steps=3", "launcher.prepare.sbatch.begin=now+3"))
    for name in ("train", "generate", "execute", "local_ranks", "stage_job", "submission"):
        with open(checkout.folder / "codem" / f"{name}.py", "a") as f:
            f.write("\nraise SystemExit('edited after submission')\n")
    (checkout.folder / "conf" / "lang" / "python.yaml").write_text("broken: [")
    evaluation = here / "runs" / base.name / "sft/python/seed0/eval/mini/python/greedy"
    eventually(lambda: "finished" in judgement(evaluation), 600, lambda: logs(here))
    commit = checkout.git("rev-parse", "HEAD").strip()
    record = json.loads((evaluation.parents[3] / "record.json").read_text())
    assert (record["code"]["commit"], record["code"]["dirty"]) == (commit, False)
    checkout.git("checkout", "-q", ".")
    assert "Nothing to submit" in checkout.run(here, *rows(base, "lang=python", "method.max_steps=3"))


def test_slurm_jobs_of_uncommitted_code_are_refused_or_on_record(checkout, here, base):
    (checkout.folder / "codem" / "errors.py").write_text(
        (checkout.folder / "codem" / "errors.py").read_text() + "# a difference\n"
    )
    command = rows(base, "lang=python", NOT_YET)
    assert "codem/errors.py" in checkout.run(here, *command, code=2)
    assert not ledger.entries(here / "runs")
    checkout.run(here, *command, "launch.allow_dirty=true")
    (submission,) = ledger.submissions(here / "runs").values()
    assert "+# a difference" in Path(submission.code["patch"]).read_text()
    assert "# a difference" in (Path(submission.code["folder"]) / "codem" / "errors.py").read_text()


def test_two_commands_at_once_give_slurm_each_job_once(checkout, cluster, here, base):
    command = rows(base, "lang=python,go,html", NOT_YET)
    both = [checkout.start(here, *command) for _ in range(2)]
    said = [process.communicate(timeout=200)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted("Nothing to submit" in text for text in said) == [False, True]
    assert len(jobs_of(cluster)) == 1 + 3 * 3 + 1


def test_slurm_refuses_a_partition_and_the_same_command_submits_the_rest(checkout, cluster, here, base):
    command = rows(base, "lang=python,go", NOT_YET)
    said = checkout.run(here, *command, "launcher.generate.partition=nowhere", code=1)
    assert "invalid partition specified: nowhere" in said
    assert f"2 generations of {base.name}/sft/python/seed0, {base.name}/sft/go/seed0" in said
    assert "submitted 1 preparation" in said and "2 trainings" in said and "not submitted: 5" in said
    assert len(jobs_of(cluster)) == 3
    refused = [entry for entry in ledger.entries(here / "runs") if entry.refused]
    assert {entry.stage for entry in refused} == {"generate"}
    said = checkout.run(here, *command)
    assert "2 generations" in said and "trainings" not in said and "under way before: 3" in said
    assert len(jobs_of(cluster)) == 8


def test_slurm_takes_fewer_jobs_at_once_than_there_are(make_cluster, tmp_path, here, base):
    """By a rule of the cluster's own, as one with accounts would have it."""
    cluster = make_cluster()
    (cluster.folder / "job_submit.lua").write_text(LIMIT_LUA)
    with open(cluster.configuration, "a") as f:
        f.write("JobSubmitPlugins=lua\n")
    cluster.controller_down()
    cluster.controller_up()
    checkout = Checkout.make(tmp_path / "limited", cluster.environment)
    said = checkout.run(here, *rows(base, "lang=python", f"seed={','.join(map(str, range(5)))}", NOT_YET))
    assert "5 trainings (arrays " in said
    numbers = [e.index for e in ledger.entries(here / "runs") if e.stage == "train" and e.job]
    assert sorted(numbers) == [0, 1, 2, 3, 4]
    assert len(jobs_of(cluster)) == 1 + 3 * 5 + 1


def test_slurm_arrays_stay_within_the_size_that_a_cluster_takes(make_cluster, tmp_path, here, base):
    cluster = make_cluster(settings={"MaxArraySize": "3"})
    checkout = Checkout.make(tmp_path / "few", cluster.environment)
    checkout.run(here, *rows(base, "lang=python", "seed=0,1,2,3,4", NOT_YET))
    arrays: dict[str, int] = {}
    for entry in ledger.entries(here / "runs"):
        assert entry.job and entry.index < 3
        arrays[entry.comment] = arrays.get(entry.comment, 0) + 1
    assert max(arrays.values()) == 3
    assert len(jobs_of(cluster)) == 1 + 3 * 5 + 1


def test_a_slurm_controller_that_is_away_is_waited_for(checkout, cluster, here, base):
    cluster.controller_down()
    process = checkout.start(here, *rows(base, "lang=python", NOT_YET))
    try:
        assert process.stderr
        assert "waiting" in process.stderr.readline()
        cluster.controller_up()
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, out + err
    finally:
        process.kill()
        process.wait()
    assert len(jobs_of(cluster)) == 5


def test_a_slurm_controller_that_stays_away_is_an_error(cluster, monkeypatch):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(slurm_cluster, "PATIENCE_S", 0.0)
    assert slurm_cluster.ask().max_array_size == 1001
    cluster.controller_down()
    with pytest.raises(CodemError, match="controller does not answer"):
        slurm_cluster.ask()


def test_a_command_killed_before_it_knew_the_slurm_job_is_made_good(checkout, cluster, here, base):
    command = rows(base, "lang=python", NOT_YET)
    checkout.run(here, *command)
    path = here / "runs" / ".launch" / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    known = [line for line in lines if json.loads(line)["what"] != "job"]
    path.write_text("".join(known) + lines[-1][:20])
    assert all(entry.job is None for entry in ledger.entries(here / "runs"))
    assert "Nothing to submit: 5 jobs" in checkout.run(here, *command)
    assert all(entry.job for entry in ledger.entries(here / "runs"))
    assert len(jobs_of(cluster)) == 5


def test_a_command_killed_during_submission_leaves_slurm_with_jobs_that_are_known(checkout, cluster, here, base):
    command = rows(base, "lang=python,go,html,java", "launcher.shards=3", NOT_YET)
    process = checkout.start(here, *command)
    path = here / "runs" / ".launch" / "ledger.jsonl"
    try:
        eventually(lambda: any(line["what"] == "array" for line in jsonl(path)) or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
    finally:
        process.communicate()
    checkout.run(here, *command)
    assert len(jobs_of(cluster)) == 1 + 4 * (2 + 3) + 1
    assert len(set(jobs_of(cluster))) == len({e.comment for e in ledger.entries(here / "runs") if e.job})


def test_job_ids_of_a_slurm_cluster_that_was_set_up_anew_mean_nothing(checkout, cluster, here, base):
    command = rows(base, "lang=python", NOT_YET)
    checkout.run(here, *command)
    first = len(ledger.entries(here / "runs"))
    cluster.stop()
    cluster.start()
    assert "submitted 1 preparation" in checkout.run(here, *command)
    assert len(ledger.entries(here / "runs")) == 2 * first


def test_slurm_jobs_are_cancelled_and_submitted_again(checkout, cluster, here, base):
    checkout.run(here, *rows(base, "lang=python,go,javascript,java", NOT_YET))
    said = checkout.run(here, "codem.launch", "cancel", "java")
    assert f"cancelled {base.name}/sft/java/seed0: train" in said and "javascript" not in said
    assert len(jobs_of(cluster)) == 1 + 3 * 3 + 1
    assert "is under way" in checkout.run(here, "codem.launch", "cancel", "java")
    said = checkout.run(here, "codem.launch", "retry", "*", "launcher.train.time=77")
    assert "1 training " in said and "1 generation " in said and "1 judging " in said
    newest = [entry for entry in ledger.entries(here / "runs") if entry.stage == "train"][-1]
    assert newest.row.endswith("sft/java/seed0")
    assert shown(cluster, newest)["TimeLimit"] == "01:17:00"
    assert "Nothing" in checkout.run(here, "codem.launch", "retry", "java")
    assert "there are: " in checkout.run(here, "codem.launch", "retry", "cobol", code=2)
    checkout.run(here, "codem.launch", "cancel", "*")
    assert not jobs_of(cluster)


def test_a_language_more_waits_for_the_slurm_job_that_is_in_the_folder(checkout, cluster, here, base):
    wanted = rows(base, "lang=python", NOT_YET)
    checkout.run(here, *wanted)
    more = ["eval_lang=[python,javascript]" if text.startswith("eval_lang") else text for text in wanted]
    said = checkout.run(here, *more)
    assert "1 generation" in said and "training" not in said
    first, second = [e for e in ledger.entries(here / "runs") if e.stage == "generate"]
    assert first.job in second.needs
    assert "afterany:" in shown(cluster, second)["Dependency"]


def test_one_look_at_a_slurm_queue_is_enough_for_many_jobs(checkout, cluster, here, base, monkeypatch):
    seeds = ",".join(map(str, range(100)))
    start = time.monotonic()
    checkout.run(here, *rows(base, "lang=python", f"seed={seeds}", NOT_YET))
    took = time.monotonic() - start
    assert took < 60
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    asked: list[str] = []
    ask = slurm_queue.ask
    monkeypatch.setattr(slurm_queue, "ask", lambda command, *rest: asked.append(command[0]) or ask(command, *rest))
    found = under_way.jobs_under_way(here / "runs")
    assert len(found) == 1 + 3 * 100 + 1
    assert asked == ["squeue"]


def judgement(evaluation: Path) -> dict:
    record = evaluation / "record.json"
    return json.loads(record.read_text()).get("judge", {}) if record.exists() else {}


def logs(here: Path) -> str:
    found = sorted((here / "runs" / ".launch" / "jobs").glob("*/*/*.out"))
    return "\n".join(f"== {p}\n{p.read_text(errors='replace')[-1500:]}" for p in found)
