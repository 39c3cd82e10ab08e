"""How long a large sweep takes to be planned, submitted to a real Slurm, asked about and finished.

    python benchmarks/grid.py --cells 500 --slurm   # on a cluster made for it on this machine: tests/slurm/cluster.py
    python benchmarks/grid.py --cells 500 --finished     # status of as many finished rows; no job runs
    python benchmarks/grid.py --cells 10000 --ledger     # the ledger of that many cells: its size, and how it is read

The work of every job is simulated: it sleeps, and leaves the files that the real stage would. All else is real: Hydra,
the graph, the frozen code, sbatch, a Python process for each job, the records, squeue. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codem import costs, dry_run, execute, generate, graph, judging, records, train
from codem import run as runs
from codem.config import cells as composed
from codem.records import Outcome, Sample, Verdict
from codem.settings import Cell
from codem.slurm import ledger, submission
from codem.slurm.stage_job import StageJob
from codem.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("train", "generate", "execute")
LANGS = ("python", "javascript", "typescript", "c", "cpp", "java", "go", "html", "mixed", "[go,python]")
PATIENCE_S = 3600.0


@dataclasses.dataclass(frozen=True)
class Simulated(StageJob):
    """A job of one stage that learns, writes and judges nothing, and leaves the files of one that did."""

    seconds: float = 1.0

    def make(self, cells: tuple[Cell, ...]) -> None:
        if self.node.stage == "summary":
            super().make(cells)
            return
        time.sleep(self.seconds)
        for cell in cells if self.node.stage != "prepare" else ():
            {"train": leave_model, "generate": leave_answers, "execute": leave_verdicts}[self.node.stage](cell)


def leave_model(cell: Cell) -> None:
    run = train.run_of(cell)
    with train.stage_of(cell).opened(lambda: train.is_done(cell), run.log) as record:
        if record is None or not cell.trains:
            return
        lines = ({"step": n, "loss": 1 / n, "tokens_per_s": 10_000.0} for n in range(1, 111))
        runs.write_whole(run.metrics, (json.dumps(line) + "\n" for line in lines))
        runs.write_whole(run.model / "config.json", "{}\n")
        runs.write_whole(run.model / "model.safetensors", "")
        record["result"] = {"steps": 110}


def leave_answers(cell: Cell) -> None:
    for lang in cell.eval_lang:
        stage, where = generate.stage_of(cell, lang), generate.evaluation_of(cell, lang)
        with stage.opened(stage.is_done) as record:
            if record is not None:
                wanted = generate.problems(cell.bench_name, cell.bench, lang, cell.source)
                records.append(where.samples, [Sample(p.id, 0, p.reference, "stop") for p in wanted])


def leave_verdicts(cell: Cell) -> None:
    for lang in cell.eval_lang:
        where = generate.evaluation_of(cell, lang)
        place, way = where.judged, execute.variant(cell, lang)
        stage = Stage(place.folder, place.record, {"simulated": True}, "remove it", judging.key(way))
        with stage.opened(stage.is_done) as record:
            if record is not None:
                known = list(records.read_samples(where.samples))
                records.append(
                    place.verdicts_of(way),
                    [Verdict(s.problem, s.sample, Outcome.PASSED, 0.1, 0, "", "0" * 64) for s in known],
                )
                record["counts"] = {"passed": len(known)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--slurm", action="store_true", help="submit them, and wait until all is done")
    parser.add_argument("--ledger", action="store_true", help="write and read a ledger of all their jobs")
    parser.add_argument("--finished", action="store_true", help="leave the files of all cells here, and ask for status")
    parser.add_argument("--at-once", type=int, default=8, help="jobs of one array at once: each starts a Python")
    parser.add_argument("--work-s", type=float, default=1.0, help="simulated work of each job")
    parser.add_argument("--repeat", type=int, default=5, help="questions of status; their median is shown")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codem-grid-") as folder:
        root = Path(folder)
        overrides = _overrides(args, root / "runs")
        said: dict[str, Any] = {"cells": args.cells, "processors": os.cpu_count()}
        if args.ledger:
            said |= _ledger(args.cells, root / "ledger")
        else:
            said |= _planned(overrides)
        if args.finished:
            said |= _finished(overrides, args.repeat)
        if args.slurm:
            said |= _on_slurm(overrides, root, args)
        print(json.dumps(said, indent=1))
    return 0


def _overrides(args: argparse.Namespace, root: Path) -> list[str]:
    seeds = -(-args.cells // len(LANGS))
    resources = [
        f"launcher.{stage}.{what}" for stage in ("prepare", *STAGES, "summary") for what in ("cpus=1", "memory=2G")
    ]
    return [
        f"lang={','.join(LANGS)}",
        f"seed=range(0,{seeds})",
        f"runs={root}",
        f"cache_dir={root.parent / 'cache'}",
        "eval_lang=[python]",
        "bench.n=3",
        "launcher=slurm",
        f"launcher.array_parallelism={args.at_once}",
        "launch.allow_dirty=true",
        *resources,
    ]


def _planned(overrides: list[str]) -> dict[str, Any]:
    """Each part by itself, and the whole command as its user has it."""
    times: dict[str, dict[str, float]] = {}
    at, before = time.perf_counter(), _processor_s()

    def passed(name: str) -> None:
        nonlocal at, before
        now, used = time.perf_counter(), _processor_s()
        times[name] = {"wall": round(now - at, 2), "processor": round(used - before, 2)}
        at, before = now, used

    cells = composed(overrides, multirun=True)
    passed("compose_s")
    nodes = graph.of(cells, STAGES, summary=True)
    passed("graph_s")
    for node in nodes:
        costs.estimate(node)
    passed("estimates_s")
    dry_run.text(cells, STAGES)
    passed("dry_run_s")
    subprocess.run(
        [sys.executable, "-m", "codem.train", "-m", *overrides, "launch.dry_run=true"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    passed("whole_command_s")  # all of the above in a process of its own
    return {"composed_cells": len(cells), "jobs": len(nodes), "plan": times}


def _finished(overrides: list[str], repeat: int) -> dict[str, Any]:
    cells = composed(overrides, multirun=True)
    for cell in cells:
        for leave in (leave_model, leave_answers, leave_verdicts):
            leave(cell)
    again = [sys.executable, "-m", "codem.train", "-m", *overrides, "launch.dry_run=true"]
    return {"finished": {"status_s": _status(cells[0].runs, repeat), "same_command_planned_s": _timed(again, repeat)}}


def _ledger(cells: int, root: Path) -> dict[str, Any]:
    """All jobs of so many cells in arrays of a thousand, as submission writes them. A few rows stand for all."""
    few = graph.of(composed(["lang=go,python", "launcher=slurm", f"runs={root}"], multirun=True), STAGES)
    few = [node for node in few if node.stage in STAGES]
    count = cells * len(STAGES)
    for number, first in enumerate(range(0, count, 1000)):
        comment = f"codem-20260101-000000-0000.{number}"
        places = range(first, min(count, first + 1000))
        ledger.add_array(root, [_entry(root, few[n % len(few)], comment, n - first) for n in places])
        ledger.add_job(root, comment, str(10_000 + number))
    before = _processor_s()
    found = ledger.entries(root)
    read = _processor_s() - before
    assert len(found) == count
    megabytes = round(runs.Launches(root).ledger.stat().st_size / 1e6, 2)
    return {"ledger": {"jobs": count, "megabytes": megabytes, "read_processor_s": round(read, 2)}}


def _entry(root: Path, node: graph.Node, comment: str, index: int) -> ledger.Entry:
    from codem.slurm.under_way import key

    return ledger.Entry(
        "20260101-000000-0000",
        **key(node)._asdict(),
        work=node.missing,
        comment=comment,
        index=index,
        job_name=node.stage,
        job=None,
        needs=tuple(f"10000_{n}" for n in node.needs[:4]),
        folder=runs.Launches(root).jobs("20260101-000000-0000") / "1-train",
        at=runs.now(),
        estimate=dataclasses.asdict(costs.estimate(node)),
    )


def _on_slurm(overrides: list[str], folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    with _cluster(folder / "cluster") as cluster:
        os.environ |= cluster.environment
        cells = composed(overrides, multirun=True)
        began = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            code = submission.submit(
                cells, STAGES, lambda **given: Simulated(**given, seconds=args.work_s), argv=overrides
            )
        submitted = time.perf_counter() - began
        assert code == 0, code
        root = cells[0].runs
        early, squeue = _status(root, args.repeat), _timed(["squeue", "--array"], args.repeat)
        while _left(cells) and time.perf_counter() - began < PATIENCE_S:
            time.sleep(5)
        done = time.perf_counter() - began
        left = _left(cells)
        _until_queue_is_empty()
        late = _status(root, args.repeat)
        again = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            submission.submit(cells, STAGES, argv=overrides)
        return {
            "submit_s": round(submitted, 1),
            "status_while_running_s": early,
            "squeue_s": squeue,
            "all_done_s": round(done, 1),
            "not_done": left,
            "status_at_end_s": late,
            "same_command_again_s": round(time.perf_counter() - again, 2),
            "most_entries_in_a_directory": _fullest(root),
            "ledger_megabytes": round(runs.Launches(root).ledger.stat().st_size / 1e6, 2),
            "files": sum(len(files) for _, _, files in os.walk(root)),
        }


@contextlib.contextmanager
def _cluster(folder: Path) -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "tests" / "slurm"))
    from cluster import Cluster  # type: ignore[import-not-found]

    made = Cluster(folder, nodes=4, cpus=64)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _status(root: Path, repeat: int) -> dict[str, float]:
    return _timed([sys.executable, "-m", "codem.status", str(root), "--json"], repeat)


def _timed(command: list[str], repeat: int) -> dict[str, float]:
    """Medians, of whole processes. Processor seconds depend less on what else the machine does."""
    walls, processors = [], []
    for _ in range(repeat):
        began, before = time.perf_counter(), _processor_s()
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - began)
        processors.append(_processor_s() - before)
    return {"wall": round(statistics.median(walls), 2), "processor": round(statistics.median(processors), 2)}


def _processor_s() -> float:
    """Of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def _left(cells: list[Cell]) -> int:
    """Cells without a score, by their records."""
    return sum(execute.passed(cell, lang) is None for cell in cells for lang in cell.eval_lang)


def _until_queue_is_empty() -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if not subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True).stdout.strip():
            return
        time.sleep(1)


def _fullest(root: Path) -> dict[str, Any]:
    counts = {Path(where): len(folders) + len(files) for where, folders, files in os.walk(root)}
    path = max(counts, key=lambda p: counts[p])
    return {"directory": str(path.relative_to(root)), "entries": counts[path]}


if __name__ == "__main__":
    sys.exit(main())
