"""Train in several processes of this machine, which torchrun starts and this process watches.

checkpoint/ranks/
  job.pickle  result.json  error<rank>.json  progress.jsonl  output.txt
  stop      made by this process: save a checkpoint at the end of the step, and end; it names the signal
  alive     locked by each of them while it lives
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from codem import interruption, ranks
from codem.errors import StageError
from codem.inside import kernel
from codem.job import Job
from codem.run import write_whole

LOOK_EVERY_S = 0.1
SHUTDOWN_S = 15
"""What torchrun gives the others when one has failed."""
LOG_LINES = 15


def run_here(job: Job, processes: int) -> dict[str, Any]:
    """What the first of `processes` processes returns. Raises StageError with what the first that failed said."""
    work = job.checkpoint / "ranks"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "job.pickle").write_bytes(pickle.dumps(replace(job, report=Job.report)))
    (work / "progress.jsonl").touch()
    with interruption.looked_for(), _launched(work, processes) as launcher:
        steps = _steps(work / "progress.jsonl")
        reached = 0
        while launcher.poll() is None:
            for step, total, note in next(steps):
                job.report(step, total, note)
                reached = step
            if interruption.asked():
                if not reached:
                    raise interruption.Stopped(interruption.message("before the first step"))
                write_whole(work / "stop", interruption.asked_by())
            time.sleep(LOOK_EVERY_S)
        for step, total, note in next(steps):
            job.report(step, total, note)
    if launcher.returncode or not (work / "result.json").exists():
        raise _failure(work)
    return json.loads((work / "result.json").read_text("utf-8"))


@contextmanager
def _launched(work: Path, processes: int) -> Iterator[subprocess.Popen]:
    """All of them end with the block, and with this process, however it ends."""
    ours = {name: value for name, value in os.environ.items() if not ranks.LAUNCHER_VARIABLES.fullmatch(name)}
    ours.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    command = [sys.executable, "-m", "codem.local_ranks", str(os.getpid()), str(work), str(processes)]
    with open(work / "output.txt", "wb") as log:
        launcher = subprocess.Popen(command, stdout=log, stderr=log, env=ours, start_new_session=True)
    try:
        yield launcher
    finally:
        launcher.kill()  # the kernel kills the others with it
        launcher.wait()
        with open(work / "alive", "w") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX)


def _steps(path: Path) -> Iterator[list[tuple[int, int, str]]]:
    """What was added to the file since the last look."""
    with open(path, encoding="utf-8") as f:
        rest = ""
        while True:
            *lines, rest = (rest + f.read()).split("\n")
            yield [tuple(json.loads(line)) for line in lines]


def _failure(work: Path) -> StageError:
    errors = [json.loads(path.read_text("utf-8")) for path in sorted(work.glob("error*.json"))]
    for error in errors:
        if error["is_stage_error"]:
            return (interruption.Stopped if error["is_stopped"] else StageError)(error["message"])
    log = work / "output.txt"
    text = log.read_text("utf-8", errors="replace")
    if killed := _killed(text):
        rank, name = killed
        return StageError(
            f"training process {rank} was killed by {name}; often the machine's memory was full (dmesg says so). "
            f"The same command goes on from the last checkpoint"
        )
    if errors:
        first = min(errors, key=lambda error: error["at"])
        where = _last_lines(first["traceback"])
        return StageError(f"training process {first['rank']} failed: {first['message']}\n{where}\n(all of it: {log})")
    return StageError(f"the training processes ended without a result; the last of {log}:\n{_last_lines(text)}")


def _last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-LOG_LINES:])


def _killed(log: str) -> tuple[str, str] | None:
    """Rank and signal of the first that died, when it died of a signal, as torchrun reports it."""
    cause = log.rpartition("Root Cause")[2]
    rank, name = re.search(r"rank\s*: (\d+)", cause), re.search(r"Signal \d+ \((\w+)\)", cause)
    return (rank[1], name[1]) if rank and name else None


def _launcher(parent: int, work: str, processes: int) -> None:
    _end_with(parent)
    from torch.distributed.run import main as torchrun

    # A scheduler sends its signals to the training processes as well: this one ends with the last of them.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    arguments = [f"--nproc-per-node={processes}", "--signals-to-handle=SIGINT", f"--shutdown-timeout={SHUTDOWN_S}"]
    torchrun(["--standalone", *arguments, "-m", "codem.local_ranks", str(os.getpid()), work])


def _rank(parent: int, work: Path) -> None:
    with open(work / "alive", "a") as alive, interruption.handled():
        fcntl.flock(alive, fcntl.LOCK_SH)
        _end_with(parent)
        interruption.ask_by(work / "stop")
        number = int(os.environ["RANK"])
        job = pickle.loads((work / "job.pickle").read_bytes())

        def report(step: int, total: int, note: str) -> None:
            with open(work / "progress.jsonl", "a", encoding="utf-8") as f:
                f.write(json.dumps([step, total, note]) + "\n")

        try:
            result = ranks.train(replace(job, report=report) if number == 0 else job)
            if number == 0:
                write_whole(work / "result.json", json.dumps(result))
        except BaseException as e:
            traceback.print_exc()
            error = {
                "rank": number,
                "at": time.time(),
                "is_stage_error": isinstance(e, StageError),
                "is_stopped": isinstance(e, interruption.Stopped),
                "message": str(e) if isinstance(e, StageError) else f"{type(e).__name__}: {e}",
                "traceback": traceback.format_exc(),
            }
            write_whole(work / f"error{number}.json", json.dumps(error))
            sys.stderr.flush()
            os._exit(1)  # an orderly end may wait for the others


def _end_with(parent: int) -> None:
    kernel.die_with_parent()
    if os.getppid() != parent:
        sys.exit("the process that started this one is gone")


if __name__ == "__main__":
    parent, work, *processes = sys.argv[1:]
    if processes:
        _launcher(int(parent), work, int(processes[0]))
    else:
        _rank(int(parent), Path(work))
