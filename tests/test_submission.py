"""What is asked of Slurm, as which arrays, and what is refused before it is asked. tests/slurm/ asks it."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from environment import clean_environment

from codem import config, graph, launch
from codem.errors import ConfigErrors
from codem.graph import Node
from codem.slurm import resources, submission, under_way
from codem.slurm.arrays import Array, Job, Task, arrays
from codem.slurm.cluster import is_limit, is_passing
from codem.slurm.ledger import Entry
from codem.slurm.queue import Live

PROJECT = Path(__file__).resolve().parent.parent


def cells(*overrides: str, multirun: bool = False):
    return config.cells(["launcher=slurm", "eval_lang=[python]", *overrides], multirun)


def options(stage: str, *overrides: str) -> dict:
    cell = cells(*overrides)[0]
    return resources.asked(Node(stage, (cell,), ("x",)))


def refused(*overrides: str, multirun: bool = False) -> str:
    with pytest.raises(ConfigErrors) as e:
        cells(*overrides, multirun=multirun)
    return str(e.value)


# ---- what is asked


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [(30, 30), ("30", 30), ("30:00", 30), ("0:61", 2), ("1:30:00", 90), ("2-0", 2880), ("1-12:30", 2190),
     ("1-00:00:01", 1441)],
)  # fmt: skip
def test_a_time_limit_is_understood_as_sbatch_spells_it(limit, minutes):
    assert resources.minutes(limit) == minutes


def test_each_stage_asks_for_its_own_resources():
    own = "launcher.execute.partition=cpu", "launcher.partition=gpu", "launcher.account=me", "launcher.train.qos=long"
    train, execute = options("train", *own), options("execute", *own)
    assert (train["partition"], execute["partition"]) == ("gpu", "cpu")
    assert (train["account"], execute["account"]) == ("me", "me")
    assert (train["qos"], "qos" in execute) == ("long", False)
    assert train["time"] == 24 * 60
    assert train["mem"] == "64G"


def test_gpus_follow_the_method_and_the_embedded_model_needs_none(tmp_path):
    tiny = options("train", "method.gpus=4", "method.grad_accumulation=1")
    assert "gpus_per_node" not in tiny and tiny["ntasks_per_node"] == 1
    big = ("base=starcoder-7b", "method.gpus=8")
    assert options("train", *big)["gpus_per_node"] == 8
    assert options("train", *big)["ntasks_per_node"] == 8
    over_two = options("train", *big, "launcher.train.nodes=2")
    assert (over_two["gpus_per_node"], over_two["ntasks_per_node"], over_two["nodes"]) == (4, 4, 2)
    assert options("generate", *big)["gpus_per_node"] == 1
    assert "gpus_per_node" not in options("execute", *big)
    named = options("train", *big, "launcher.train.gres='gpu:a100:8'")
    assert named["gres"] == "gpu:a100:8" and "gpus_per_node" not in named and named["ntasks_per_node"] == 8


def test_setup_lines_are_the_launchers_and_then_the_stages():
    said = options("train", "launcher.setup=[module purge]", "launcher.train.setup=[module load cuda]")
    assert said["setup"] == ["module purge", "module load cuda"]


def test_any_option_of_sbatch_is_passed_on():
    said = options("train", "launcher.train.sbatch.mail-type=END", "+launcher.train.sbatch.exclusive=true")
    assert said["additional_parameters"]["mail-type"] == "END"
    assert said["additional_parameters"]["exclusive"] is True
    assert said["additional_parameters"]["kill-on-invalid-dep"] == "yes"


# ---- what is refused, all at once


def test_everything_wrong_with_the_launcher_is_said_at_once():
    said = refused(
        "launcher.prepare.time=soon",
        "launcher.summary.time=2",
        "launcher.train.gpus=3",
        "launcher.train.nodes=2",
        "launcher.generate.nodes=2",
        "launcher.execute.tasks=4",
        "launcher.execute.memory=much",
        "+launcher.execute.sbatch.dependency=1",
        "+launcher.execute.sbatch.mem=1G",
        "shard=1/2",
    )
    for part in (
        "launcher.prepare.time: expected minutes",
        "launcher.summary.time: expected more than launcher.signal_s=120",
        "launcher.train.gpus: expected a multiple of launcher.train.nodes=2, found 3",
        "launcher.generate.nodes: expected 1",
        "launcher.execute.tasks: expected 1",
        "launcher.execute.memory: expected a number",
        "launcher.execute.sbatch.dependency: submission itself decides",
        "launcher.execute.sbatch.mem: give launcher.execute.memory instead",
        "give launcher.shards=2 instead",
    ):
        assert part in said


def test_processes_that_cannot_share_a_step_are_refused():
    said = refused("method.gpus=2", "method.grad_accumulation=2", "launcher.train.tasks=3")
    assert "3 processes cannot share the 4 forward passes" in said
    assert cells("method.gpus=2", "method.grad_accumulation=2", "launcher.train.tasks=4")


def test_a_language_that_is_named_is_judged_where_its_compiler_is(monkeypatch):
    from codem import checks

    monkeypatch.setattr(checks, "_how_to_get", lambda lang: f"get {lang}" if lang == "go" else "")
    assert config.cells(["launcher=slurm", "eval_lang=[python,go]"])[0].eval_lang == ("python", "go")
    assert "go" not in config.cells(["launcher=slurm"])[0].eval_lang, "`all` is what is here"
    with pytest.raises(ConfigErrors, match="get go"):
        config.cells(["launcher=local", "eval_lang=[python,go]"])


def test_a_corpus_of_ones_own_is_found_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "python.jsonl").write_text('{"instruction": "a", "output": "b"}\n')
    monkeypatch.chdir(tmp_path)
    for launcher in ("slurm", "local"):
        cell = config.cells([f"launcher={launcher}", "corpus.source=mine", "eval_lang=[python]"])[0]
        assert cell.corpus.source == str(tmp_path / "mine")


def test_without_slurm_it_says_what_to_do(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "codem.train", "launcher=slurm", "eval_lang=[python]", f"runs={tmp_path / 'runs'}"],
        cwd=PROJECT,
        env={**clean_environment(), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    for said in ("sbatch", "login node", "launcher=local", "test cluster"):
        assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


# ---- arrays


def tasks(*needs: tuple[Job, ...], after: tuple[Job, ...] = ()) -> list[Task]:
    return [Task(place, need, after) for place, need in enumerate(needs)]


def said(found: list[Array]) -> list[tuple[str, str]]:
    return sorted((a.numbers, a.dependency) for a in found)


def test_rows_that_wait_for_nothing_are_one_array():
    assert said(arrays(tasks((), (), ()), 1000)) == [("0-2", "")]


def test_rows_that_share_what_they_wait_for_are_one_array():
    shared = (Job("7", 0),)
    assert said(arrays(tasks(shared, shared, shared), 1000)) == [("0-2", "afterok:7_0")]


def test_each_row_waits_for_its_own_job_of_the_array_before():
    found = arrays(tasks((Job("7", 4),), (Job("7", 0),), (Job("7", 1),)), 1000)
    assert said(found) == [("0-1,4", "aftercorr:7")]
    assert [t.place for t in found[0].tasks] == [1, 2, 0], "the same number as what it waits for"


def test_shards_of_many_rows_are_an_array_each():
    own = [(Job("7", row),) for row in range(3) for _ in range(2)]
    assert said(arrays(tasks(*own), 1000)) == [("0-2", "aftercorr:7"), ("0-2", "aftercorr:7")]


def test_many_shards_of_few_rows_are_an_array_for_each_row():
    own = [(Job("7", row),) for row in (2, 5) for _ in range(8)]
    assert said(arrays(tasks(*own), 1000)) == [("0-7", "afterok:7_2"), ("0-7", "afterok:7_5")]


def test_jobs_of_other_commands_and_of_this_one_can_be_waited_for_together():
    found = arrays(tasks((Job("7", 0),), (Job("7", 1),), (Job("9", 3),), ()), 1000)
    assert said(found) == [("0", ""), ("0", "afterok:9_3"), ("0-1", "aftercorr:7")]


def test_what_fits_no_array_is_submitted_by_itself():
    found = arrays([Task(0, (Job("7", 0),), (Job("8", 1),)), Task(1, (Job("7", 1),))], 1000)
    assert said(found) == [("0", "afterok:7_0,afterany:8_1"), ("0", "afterok:7_1")]


def test_a_whole_array_that_is_waited_for_is_named_once():
    ends = tuple(Job("7", n) for n in range(500)) + (Job("8", 0),)
    assert said(arrays([Task(0, (), ends)], 1000, {"7": 500, "8": 2})) == [("0", "afterany:7:8_0")]


def test_an_array_stays_within_what_the_cluster_takes():
    found = arrays(tasks(*[()] * 10), 4)
    assert [len(a.tasks) for a in found] == [4, 4, 2]
    assert all(max(a.indices) < 4 for a in found)


def test_halves_keep_their_numbers():
    first, second = arrays(tasks((Job("7", 0),), (Job("7", 2),), (Job("7", 5),)), 10)[0].halves()
    assert (first.numbers, second.numbers) == ("0", "2,5")
    assert first.dependency == second.dependency == "aftercorr:7"


# ---- what is under way


def submitted(node: Node, state: str, work: tuple[str, ...] | None = None, job: str = "7_0") -> tuple[Entry, Live]:
    rest = {"index": 0, "job_name": "n", "job": job, "needs": (), "folder": Path(), "at": ""}
    entry = Entry(
        submission="s", **under_way.key(node)._asdict(), work=work or node.missing, comment=f"c {node.stage}", **rest
    )
    return entry, Live(job, state, "", "", 0, 0)


def chain(tmp_path) -> list[Node]:
    """Of an untrained row: a preparation, perhaps, then train, generate, execute, and the summary."""
    cell = cells(f"runs={tmp_path}", f"cache_dir={tmp_path}")[0]
    return graph.of([cell], ("train", "generate", "execute"), summary=True)


def of_stage(nodes: list[Node], work: under_way.Work) -> list[str]:
    return [nodes[place].stage for place in work.todo]


def test_what_is_under_way_is_waited_for_and_not_submitted_again(tmp_path):
    nodes = chain(tmp_path)
    train = next(n for n in nodes if n.stage == "train")
    work = under_way.work(nodes, [submitted(train, "RUNNING")])
    assert "train" not in of_stage(nodes, work)
    assert work.jobs == {nodes.index(train): Job("7", 0)}


def test_a_job_that_makes_something_else_in_the_folder_is_let_end_first(tmp_path):
    nodes = chain(tmp_path)
    generate = next(n for n in nodes if n.stage == "generate")
    alone = [Node("generate", generate.cells, generate.missing)]
    work = under_way.work(alone, [submitted(generate, "RUNNING", work=("go",))])
    assert work.todo == [0] and work.after == {0: (Job("7", 0),)}


def test_a_job_that_waits_for_one_that_failed_is_replaced(tmp_path):
    nodes = chain(tmp_path)
    generate = next(n for n in nodes if n.stage == "generate")
    work = under_way.work(nodes, [submitted(generate, "PENDING")])
    assert {"train", "generate"} <= set(of_stage(nodes, work))
    assert work.stale == [Job("7", 0)]


def test_a_job_that_waits_for_one_that_is_under_way_stays(tmp_path):
    """Also when something more is to be prepared than what it waits for."""
    nodes = chain(tmp_path)
    prepare, train = (next(n for n in nodes if n.stage == stage) for stage in ("prepare", "train"))
    entry, live = submitted(train, "PENDING", job="8_0")
    waiting = replace(entry, needs=("7_0",)), live
    work = under_way.work(nodes, [submitted(prepare, "RUNNING", work=("something else",)), waiting])
    assert not work.stale
    assert of_stage(nodes, work) == ["prepare", "generate", "execute", "summary"]


def test_another_way_to_judge_the_same_answers_is_other_work(tmp_path, monkeypatch):
    from codem import execute

    usual, published = cells(f"runs={tmp_path}", "errata=true,false", multirun=True)
    monkeypatch.setattr(execute, "variant", lambda cell, lang: "" if cell.errata else "published")
    nodes = [Node("execute", (cell,), ("python",)) for cell in (usual, published)]
    work = under_way.work(nodes, [submitted(nodes[0], "RUNNING")])
    assert work.todo == [1]


def test_a_summary_that_waits_already_does_not_do_for_what_is_new(tmp_path):
    nodes = chain(tmp_path)
    train, summary = (next(n for n in nodes if n.stage == stage) for stage in ("train", "summary"))
    everything = [submitted(node, "PENDING", job=f"{n}_0") for n, node in enumerate(nodes)]
    assert under_way.work(nodes, everything).todo == []
    work = under_way.work(nodes, [submitted(train, "RUNNING"), submitted(summary, "PENDING", job="9_0")])
    assert of_stage(nodes, work)[-1] == "summary"
    assert not work.stale and not work.after


def test_a_job_that_is_ending_does_not_count_as_under_way(tmp_path):
    nodes = chain(tmp_path)
    train = next(n for n in nodes if n.stage == "train")
    work = under_way.work(nodes, [submitted(train, "COMPLETING")])
    assert "train" in of_stage(nodes, work)
    assert work.after[nodes.index(train)] == (Job("7", 0),)


# ---- the rest


def test_what_may_pass_is_told_from_what_will_not():
    assert is_passing(
        "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    )
    assert is_passing("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
    refusal = "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified"
    assert not is_passing(refusal) and not is_limit(refusal)
    assert is_limit("sbatch: error: QOSMaxSubmitJobPerUserLimit")
    assert is_limit(
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size "
        "and/or time limits)"
    )


@pytest.mark.parametrize(
    ("pattern", "row", "wanted"),
    [
        ("java", "tiny/sft/java/seed0", True),
        ("java", "tiny/sft/javascript/seed0", False),
        ("go", "tiny/sft/go+python/seed0", True),
        ("seed1", "tiny/sft/go/seed10", False),
        ("tiny/sft/go/seed0", "tiny/sft/go/seed0", True),
        ("sft/go", "tiny/sft/go/seed0", True),
        ("tiny/*/seed0", "tiny/sft/go/seed0", True),
        ("tiny/sft", "tinysft/go", False),
        ("*seed0", "tiny/sft/go/seed1", False),
        ("*", "", True),
    ],
)
def test_rows_are_named_by_a_word_or_a_pattern(pattern, row, wanted):
    assert launch.matches(pattern, row) is wanted


def test_a_job_of_many_rows_is_a_small_pickle(tmp_path):
    rows = cells(f"runs={tmp_path}", f"seed={','.join(map(str, range(50)))}", multirun=True)
    one, many = (len(pickle.dumps(submission._absolute(some))) for some in (rows[:1], rows))
    assert one < 20_000
    assert many < one + 50 * 2_000


def test_launch_says_what_it_can_do_without_loading_a_framework():
    code = (
        "import sys; sys.argv = ['x', '--help']\n"
        "from codem import launch\n"
        "try: launch.main()\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'numpy', 'submitit'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=clean_environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "cancel" in done.stdout and "retry" in done.stdout
