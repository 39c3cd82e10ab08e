"""The graph of stages of a cell: what is there, what is missing, what waits for what.

    train --> generate (all languages, one model load) --> execute

Running the same command again is the resume: finished stages are skipped, an interrupted one goes on where it was.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codem import checks, execute, generate, interruption, noise, plan, plan_text, ranks, train
from codem.errors import CodemError
from codem.sandbox import open_sandbox
from codem.settings import Cell


@dataclass(frozen=True)
class StageKind:
    name: str
    missing: Callable[[Cell], list[str]]
    """What this stage still has to make of a cell, in words; empty when it is complete."""
    run: Callable[[Cell], None]


def _without_answers(cell: Cell) -> list[str]:
    return [lang for lang in cell.eval_lang if not generate.is_done(cell, lang)]


def _without_model(cell: Cell) -> list[str]:
    there = train.is_done(cell) and (not _without_answers(cell) or train.has_model(cell))
    return [] if there else [cell.train_name]


def _generate(cell: Cell) -> None:
    generate.generate(cell)
    if noise.missing(cell):  # repeat=2 or more
        noise.measure(cell)


TRAIN = StageKind("train", _without_model, train.train)
GENERATE = StageKind("generate", lambda c: _without_answers(c) or noise.missing(c), _generate)
EXECUTE = StageKind(
    "execute", lambda c: [lang for lang in c.eval_lang if not execute.is_done(c, lang)], execute.execute
)


def run_rows(cells: Sequence[Cell]) -> int:
    """All three stages of every cell. Returns the exit code."""
    return _run(cells, (TRAIN, GENERATE, EXECUTE))


def run_generation(cells: Sequence[Cell]) -> int:
    return _run(cells, (GENERATE,), needs=(TRAIN,))


def run_judging(cells: Sequence[Cell]) -> int:
    return _run(cells, (EXECUTE,))


def _run(cells: Sequence[Cell], stages: Sequence[StageKind], needs: Sequence[StageKind] = ()) -> int:
    """One cell after another, here. A cell that fails is reported and the others go on; it makes the exit code 1."""
    if any(cell.launch.dry_run for cell in cells):
        print(plan_text.text(plan.of(cells, [stage.name for stage in stages])))
        return 0
    _say_what_is_left_out(cells)
    failed: list[Cell] = []
    made = 0
    for number, cell in enumerate(cells, 1):
        name = str(train.run_of(cell))
        try:
            for stage in needs:
                if stage.missing(cell):
                    raise CodemError(f"{name}: {stage.name} is not finished; run python -m codem.train first")
            todo = [s for s in stages if s.missing(cell)]
            if EXECUTE in todo:
                open_sandbox(cell.sandbox)  # a machine that cannot judge says so before it trains
            if todo:
                made += 1
                print(f"[{number}/{len(cells)}] {name}", flush=True)
            for stage in todo:
                stage.run(cell)
                interruption.obey()
        except (KeyboardInterrupt, interruption.Terminated) as e:
            by, code = (" by SIGTERM", interruption.EXIT_CODE) if isinstance(e, interruption.Terminated) else ("", 130)
            print(f"\n[{number}/{len(cells)}] {name} stopped{by}; the same command goes on from here.", file=sys.stderr)
            return code
        except Exception as e:  # one row's failure is its own: it is on record, and the other rows go on
            print(f"[{number}/{len(cells)}] {name} failed: {_explained(e, cell.runs)}", file=sys.stderr, flush=True)
            failed.append(cell)
            if interruption.asked():
                return interruption.EXIT_CODE
            if ranks.are_lost():
                print("The other processes of the launcher end too; no further row is begun.", file=sys.stderr)
                return 1
    _print_rows([c for c in cells if c not in failed])
    if not made and not failed:
        print("Nothing to do: all of it was done before.")
    if failed:
        print(f"{len(failed)} of {len(cells)} rows failed; what is finished is kept. The same command goes on.")
    return 1 if failed else 0


def _explained(e: Exception, where: Path) -> str:
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
    """pass@1 in % of every cell that has a judgement, one row each."""
    langs = list(dict.fromkeys(lang for c in cells for lang in c.eval_lang))
    rows = []
    for cell in cells:
        scores = {lang: execute.passed(cell, lang) for lang in cell.eval_lang}
        if any(scores.values()):
            cells_ = [f"{100 * s[0] / s[1]:.1f}" if (s := scores.get(lang)) else "-" for lang in langs]
            label = cell.train_name + (f" seed{cell.seed}" if len({c.seed for c in cells}) > 1 and cell.trains else "")
            rows.append([label, *cells_])
    if not rows:
        return
    table = [["pass@1 %", *(cells[0].languages[lang].title for lang in langs)], *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        print("  ".join(v.ljust(w) if i == 0 else v.rjust(w) for i, (v, w) in enumerate(zip(row, widths, strict=True))))
