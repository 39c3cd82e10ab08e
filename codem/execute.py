"""Judge a row's answers: cut the code, build it, run it in the sandbox; verdicts.jsonl for each language.

python -m codem.execute lang=go eval_lang=[java,go]      # needs no GPU; the answers must be there
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from codem import records
from codem.errors import StageError
from codem.generate import evaluation_of, problems
from codem.generate import is_done as is_generated
from codem.judge import describe, judge
from codem.progress import progress
from codem.records import Outcome, Problem, Verdict
from codem.run import fingerprint, read_record
from codem.sandbox import HarnessError, Sandbox, open_sandbox
from codem.settings import Cell
from codem.stage import Stage

_known: dict[str, dict[str, Verdict]] = {}
"""Verdicts of this process, by the judge's description and the program: the rows of a grid share many programs."""


def is_done(cell: Cell, lang: str) -> bool:
    """From the record alone: what judged a finished evaluation is on record, and need not be on this machine."""
    record = read_record(evaluation_of(cell, lang).record) or {}
    return bool((record.get("judge") or {}).get("finished")) and is_generated(cell, lang)


def execute(cell: Cell) -> None:
    """Judge what has no verdict yet in the cell's evaluation languages. Raises StageError when something of ours
    failed; everything that was judged before is kept."""
    missing = [lang for lang in cell.eval_lang if not is_done(cell, lang)]
    if not missing:
        return
    unanswered = [lang for lang in missing if not is_generated(cell, lang)]
    if unanswered:
        raise StageError(
            f"{evaluation_of(cell, unanswered[0]).folder}: no answers to judge in {', '.join(unanswered)}; "
            f"run python -m codem.generate with the same settings first"
        )
    try:
        sandbox = open_sandbox(cell.sandbox)
        total = sum(len(problems(cell.bench_name, cell.bench, lang)) for lang in missing)
        with progress(f"judge {cell.train_name}", total, f"{total} answers in {len(missing)} languages") as shown:
            done = 0
            for lang in missing:
                _judge_language(cell, lang, sandbox, lambda n, lang=lang, done=done: shown.update(done + n, lang))
                done += len(problems(cell.bench_name, cell.bench, lang))
    except HarnessError as e:
        raise StageError(str(e)) from e


def _judge_language(cell: Cell, lang: str, sandbox: Sandbox, report: Any) -> None:
    where, facts = evaluation_of(cell, lang), cell.languages[lang]
    stage = Stage(
        where.folder,
        where.record,
        describe(facts, sandbox),
        f"remove {where.verdicts} and the key `judge` of {where.record}: the answers are kept and judged again",
        key="judge",
        data=(where.verdicts,),
    )
    with stage.opened(lambda: is_done(cell, lang)) as record:
        if record is None:
            return
        wanted = {p.id: p for p in problems(cell.bench_name, cell.bench, lang)}
        judged = _latest(where)
        items = [
            (wanted[s.problem], s)
            for s in records.read_samples(where.samples)
            if s.problem in wanted and (s.problem, s.sample) not in judged
        ]
        count = len(judged)

        def keep(verdicts: list[Verdict]) -> None:
            nonlocal count
            records.append(where.verdicts, verdicts)
            count += len(verdicts)
            report(count)

        known = _known.setdefault(fingerprint({"lang": lang, **stage.recipe}), {})
        judge(items, facts, workers=cell.workers, sandbox=sandbox, on_verdicts=keep, known=known)
        record["counts"] = _counted(cell, lang, wanted)


def _latest(where: Any) -> dict[tuple[str, int], Verdict]:
    """The verdicts that stand: the last one of each answer, and none in which our own side failed."""
    verdicts = {(v.problem, v.sample): v for v in records.read_verdicts(where.verdicts)}
    return {k: v for k, v in verdicts.items() if v.outcome is not Outcome.HARNESS_ERROR}


def _counted(cell: Cell, lang: str, wanted: dict[str, Problem]) -> dict[str, int]:
    """Outcomes by name. Raises StageError unless every problem has a verdict."""
    where = evaluation_of(cell, lang)
    standing = _latest(where)
    missing = sorted(set(wanted) - {problem for problem, _ in standing})
    if missing:
        last = {v.problem: v for v in records.read_verdicts(where.verdicts)}
        why = last[missing[0]].output_tail if missing[0] in last else "it has no answer"
        raise StageError(
            f"{where.folder}: {len(missing)} of {len(wanted)} answers could not be judged, {missing[0]} for one: "
            f"{why.strip()[-300:]}. Nothing of this language is scored; mend it and run the same command again"
        )
    return dict(sorted(Counter(str(v.outcome) for v in standing.values()).items()))


def passed(cell: Cell, lang: str) -> tuple[int, int] | None:
    """Problems solved and problems there are; None while there is no whole judgement."""
    record = read_record(evaluation_of(cell, lang).record) or {}
    counts = (record.get("judge") or {}).get("counts")
    return (counts.get(str(Outcome.PASSED), 0), sum(counts.values())) if counts else None


def main() -> int:
    from codem import config, pipeline

    return config.main(pipeline.run_judging)


if __name__ == "__main__":
    sys.exit(main())
