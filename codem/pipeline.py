"""What a command does: the graph of stages of its cells, here or on a cluster. What is there, what is missing and what
waits for what is codem/graph.py's matter.

Running the same command again is the resume: finished stages are skipped, an interrupted one goes on where it was.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from codem import checks, dry_run, graph, interruption, launchers, ranks, stages, summary, train
from codem.errors import CodemError
from codem.sandbox import open_sandbox
from codem.settings import Cell


def run_rows(cells: Sequence[Cell]) -> int:
    """All three stages of every cell. Returns the exit code."""
    return _run(cells, ("train", "generate", "execute"))


def run_generation(cells: Sequence[Cell]) -> int:
    return _run(cells, ("generate",))


def run_judging(cells: Sequence[Cell]) -> int:
    return _run(cells, ("execute",))


def _run(cells: Sequence[Cell], names: Sequence[str]) -> int:
    if any(cell.launch.dry_run for cell in cells):
        print(dry_run.text(cells, names))
        return 0
    _say_what_is_left_out(cells)
    kinds = {cell.launcher.name for cell in cells}
    if len(kinds) > 1:
        print(f"launcher: one command has one, found {' and '.join(sorted(kinds))}", file=sys.stderr)
        return 2
    launcher = cells[0].launcher
    if isinstance(launcher, launchers.Local):
        if launcher.parallel == 1 or len(cells) == 1:
            return _run_here(cells, names)
        from codem import local_jobs

        return local_jobs.run(cells, names)
    from codem.slurm import submission

    return submission.submit(cells, names)


def _run_here(cells: Sequence[Cell], names: Sequence[str]) -> int:
    """One cell after another. A cell that fails is reported and the others go on; it makes the exit code 1."""
    failed: list[Cell] = []
    made = 0
    for number, cell in enumerate(cells, 1):
        name = str(train.run_of(cell))
        try:
            nodes = graph.of([cell], names)
            if any(node.stage == "execute" for node in nodes):
                open_sandbox(cell.sandbox)  # a machine that cannot judge says so before it trains
            if nodes:
                made += 1
                print(f"[{number}/{len(cells)}] {name}", flush=True)
            for node in nodes:
                stages.make(node.stage, node.cells)
                interruption.obey()
        except (KeyboardInterrupt, interruption.Terminated) as e:
            by, code = (" by SIGTERM", interruption.EXIT_CODE) if isinstance(e, interruption.Terminated) else ("", 130)
            print(f"\n[{number}/{len(cells)}] {name} stopped{by}; the same command goes on from here.", file=sys.stderr)
            return code
        except Exception as e:  # one row's failure is its own: it is on record, and the other rows go on
            print(f"[{number}/{len(cells)}] {name} failed: {explained(e, cell.runs)}", file=sys.stderr, flush=True)
            failed.append(cell)
            if interruption.asked():
                return interruption.EXIT_CODE
            if ranks.are_lost():
                print("The other processes of the launcher end too; no further row is begun.", file=sys.stderr)
                return 1
    return conclude(cells, failed, made)


def conclude(cells: Sequence[Cell], failed: Sequence[Cell], made: int) -> int:
    """The last words of a command, and its exit code. made: rows that had something to do."""
    _print_rows([c for c in cells if c not in failed])
    if not made and not failed:
        print("Nothing to do: all of it was done before.")
    if failed:
        print(f"{len(failed)} of {len(cells)} rows failed; what is finished is kept. The same command goes on.")
    return 1 if failed else 0


def explained(e: Exception, where: Path) -> str:
    if isinstance(e, CodemError):
        return str(e)
    if _is_full(where):
        return f"the disk of {where} is full; nothing finished is lost, make room and run the same command again"
    if isinstance(e, OSError):
        return (
            f"{e.strerror or e}: {e.filename or ''}".rstrip(": ") + "; nothing finished is lost, mend it and run again"
        )
    return f"{type(e).__name__}: {e} (the traceback is in the run's log.txt)"


def _is_full(where: Path) -> bool:
    try:
        return shutil.disk_usage(where).free < 1 << 20
    except OSError:
        return False


def _say_what_is_left_out(cells: Sequence[Cell]) -> None:
    for bench_name, eval_lang in dict.fromkeys((c.bench_name, c.eval_lang) for c in cells):
        for lang, how in checks.left_out(bench_name, eval_lang).items():
            print(f"{lang} is left out: {how}")


def _print_rows(cells: Sequence[Cell]) -> None:
    if text := summary.table(cells):
        print(text)
