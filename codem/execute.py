"""Judge answers: cut the code, build it, run it in the sandbox; one verdict for each.

python -m codem.execute lang=go eval_lang=[java,go]      # a row's answers; needs no GPU; they must be there
python -m codem.execute samples=answers.jsonl bench=humaneval-x lang=go out=verdicts/       # anyone's answers
python -m codem.execute ... shard=3/8                    # a third of eight parts; the last to finish joins them
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from codem import doctor, judging, plugins, records
from codem.errors import StageError
from codem.generate import evaluation_of, problems
from codem.generate import is_done as is_generated
from codem.judge import code_digest, describe
from codem.judging import Job
from codem.progress import progress
from codem.records import Problem
from codem.run import fingerprint, read_record
from codem.sandbox import HarnessError, Sandbox, open_sandbox
from codem.settings import Cell, Shard
from codem.verdict_cache import VerdictCache


def variant(cell: Cell, lang: str) -> str:
    """What sets this way of judging apart from the usual one; empty for the usual one."""
    has_errata = getattr(plugins.load("benchmarks", cell.bench_name), "ERRATA", None) is not None
    checks_types = getattr(plugins.load("languages", lang), "CHECKS_TYPES", False)
    unusual = {
        "published": has_errata and not cell.errata,
        "unchecked": checks_types and not cell.languages[lang].check,
    }
    return "+".join(name for name, is_so in unusual.items() if is_so)


def is_done(cell: Cell, lang: str) -> bool:
    """From the record alone: what judged a finished evaluation is on record, and need not be on this machine."""
    where = evaluation_of(cell, lang)
    if not is_generated(cell, lang):
        return False
    record = read_record(where.record) or {}
    way = variant(cell, lang)
    if (record.get(judging.key(way)) or {}).get("finished"):
        return True
    if cell.shard is None:
        return False
    shard = cell.shard

    def is_judged(number: int) -> bool:
        part = where.judged.part(judging.part_name(way, Shard(number, shard.count)))
        return bool((read_record(part.record) or {}).get("finished"))

    # When all parts are judged and the whole is not, whoever was to join them was killed: then any part may.
    return is_judged(shard.number) and not all(is_judged(number) for number in range(1, shard.count + 1))


def execute(cell: Cell) -> None:
    """Judge what has no verdict yet in the cell's evaluation languages. Raises StageError when something of ours
    failed, or when this machine gets known answers wrong; everything that was judged before is kept."""
    missing = [lang for lang in cell.eval_lang if not is_done(cell, lang)]
    if not missing:
        return
    refuse_unanswered(cell)
    try:
        sandbox = open_sandbox(cell.sandbox)
        total = sum(len(problems_judged(cell, lang)) for lang in missing) * cell.decode.samples
        with progress(f"judge {cell.train_name}", total, f"{total} answers in {len(missing)} languages") as shown:
            done = 0
            for lang in missing:

                def report(n: int, lang: str = lang, done: int = done) -> None:
                    shown.update(done + n, lang)

                judging.run(job(cell, lang, sandbox), report)
                done += len(problems_judged(cell, lang)) * cell.decode.samples
    except HarnessError as e:
        raise StageError(str(e)) from e


def refuse_unanswered(cell: Cell) -> None:
    """Raises StageError when a language has nothing to judge yet."""
    unanswered = [lang for lang in cell.eval_lang if not is_generated(cell, lang)]
    if unanswered:
        raise StageError(
            f"{evaluation_of(cell, unanswered[0]).folder}: no answers to judge in {', '.join(unanswered)}; "
            f"run python -m codem.generate with the same settings first"
        )


def problems_judged(cell: Cell, lang: str) -> list[Problem]:
    """As they are judged: with the errata applied unless the cell says otherwise."""
    published = problems(cell.bench_name, cell.bench, lang, cell.source)
    return doctor.corrected(cell.bench_name, published) if cell.errata else published


def job(cell: Cell, lang: str, sandbox: Sandbox) -> Job:
    where, way = evaluation_of(cell, lang), variant(cell, lang)
    verdicts, key = where.judged.verdicts_of(way), judging.key(way)
    return Job(
        place=where.judged,
        variant=way,
        ways_out=f"remove {verdicts} and the key `{key}` of {where.record}: the answers are kept and judged again",
        answers=functools.partial(records.read_samples, where.samples),
        **ingredients(cell, lang, sandbox),
    )


def ingredients(cell: Cell, lang: str, sandbox: Sandbox) -> dict[str, Any]:
    """Of a Job: all but where its answers come from and where its verdicts go. Raises StageError when this machine
    cannot be trusted with the language."""
    published, facts = problems(cell.bench_name, cell.bench, lang, cell.source), cell.languages[lang]
    # also where answers are judged as published: some published references do not pass their own tests
    known = doctor.corrected(cell.bench_name, published)
    wanted = known if cell.errata else published
    certificate = doctor.certify(cell.bench_name, known, facts, sandbox, cell.workers, cell.source.cache_dir)
    if not certificate.ok:
        raise StageError(
            f"{lang}: this machine gets known answers wrong, so it is given no others: {certificate.faults[0]}"
            f"{f' (and {len(certificate.faults) - 1} more)' if len(certificate.faults) > 1 else ''}. "
            f"See python -m codem.doctor"
        )
    said = describe(facts, sandbox)
    kept_in = cell.source.cache_dir / "verdicts" if cell.cache else None
    return {
        "recipe": {**said, "problems": len(wanted), "problems_sha256": doctor.digest(wanted)},
        "problems": {p.id: p for p in wanted},
        "facts": facts,
        "sandbox": sandbox,
        "workers": cell.workers,
        "cache": VerdictCache(kept_in, fingerprint({"lang": lang, "code": code_digest(), **said})),
        "reference_cpu_s": certificate.cpu_s,
        "shard": cell.shard,
    }


def passed(cell: Cell, lang: str) -> tuple[int, int] | None:
    """Answers that passed and answers there are, as many for each problem; None while there is no whole judgement."""
    record = read_record(evaluation_of(cell, lang).record) or {}
    counts = (record.get(judging.key(variant(cell, lang))) or {}).get("counts")
    return (counts.get("passed", 0), sum(counts.values())) if counts else None


def main() -> int:
    if any(argument.startswith("samples=") for argument in sys.argv[1:]):
        from codem import answers

        return answers.main(sys.argv[1:])
    from codem import config, pipeline

    return config.main(pipeline.run_judging)


if __name__ == "__main__":
    sys.exit(main())
