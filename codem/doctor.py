"""Is this machine able to judge? Proved with answers whose verdicts are known.

python -m codem.doctor data_dir=../data              # every language, on HumanEval-X and its sisters
python -m codem.doctor bench=mini eval_lang=[go]     # one benchmark, one language; mini needs no data

Exits with 1 when judging a language here would not be trustworthy. `execute` asks the same before it judges.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from codem import plugins
from codem import run as runs
from codem.errors import CodemError, ConfigErrors
from codem.generate import problems
from codem.judge import code_digest, describe, judge, probe
from codem.language_facts import LanguageFacts
from codem.records import Outcome, Problem, Sample, Verdict
from codem.sandbox import HarnessError, Sandbox, open_sandbox
from codem.settings import Cell

BENCHMARKS = ("humaneval-x", "humaneval-typescript", "humaneval-c")
"""Where the reference programs come from; for each language the first that has it."""
EXPECTED = {
    "right": (Outcome.PASSED,),
    "wrong": (Outcome.WRONG,),
    "empty": (Outcome.COMPILE_ERROR, Outcome.RUNTIME_ERROR),
    "endless": (Outcome.TIMEOUT,),
    "leaving": (Outcome.RUNTIME_ERROR,),
}


@dataclass(frozen=True)
class Certificate:
    """What came of judging known answers of one language."""

    faults: list[str] = field(default_factory=list)
    """Empty: judging can be trusted."""
    references: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)
    """By problem: processor seconds of its reference."""
    seconds: float = 0.0
    """For all references, building included."""

    @property
    def ok(self) -> bool:
        return not self.faults


def corrected(bench_name: str, published: Sequence[Problem]) -> list[Problem]:
    """With the benchmark's errata applied, if it has any."""
    name = getattr(plugins.load("benchmarks", bench_name), "ERRATA", None)
    if name is None:
        return list(published)
    from codem import errata

    return errata.applied(published, name)


def digest(wanted: Sequence[Problem]) -> str:
    rows = [dataclasses.asdict(p) for p in wanted]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def certify(
    bench_name: str,
    wanted: Sequence[Problem],
    facts: LanguageFacts,
    sandbox: Sandbox,
    workers: int,
    cache_dir: Path,
    anew: bool = False,
) -> Certificate:
    """Judge the references of these problems and five answers of known verdicts; remembered in the cache folder as long
    as nothing that matters changes, unless something was wrong. Raises HarnessError when nothing can be judged."""
    identity = {**describe(facts, sandbox), "code": code_digest(), "problems": digest(wanted)}
    path = cache_dir / "doctor" / f"{bench_name}-{facts.name}-{runs.fingerprint(identity)}.json"
    with suppress(CodemError, TypeError):  # a damaged one is none
        if not anew and (record := runs.read_record(path)):
            return Certificate(**record)
    made = _examine(wanted, facts, sandbox, workers)
    if made.ok:
        with suppress(OSError):  # proved again next time
            runs.write_whole(path, json.dumps(dataclasses.asdict(made)))
    return made


def _examine(wanted: Sequence[Problem], facts: LanguageFacts, sandbox: Sandbox, workers: int) -> Certificate:
    faults = [
        f"expected the {name} answer to be told {' or '.join(EXPECTED[name])}, found {known.outcome}: "
        f"{known.output_tail.strip()[-200:]}"
        for name, known in probe(facts, sandbox).items()
        if known.outcome not in EXPECTED[name]
    ]
    with_reference = [p for p in wanted if p.reference]
    found: list[Verdict] = []
    cpu_s: dict[str, float] = {}
    start = time.monotonic()
    if not faults:
        items = ((p, Sample(p.id, 0, p.reference, "eos")) for p in with_reference)
        judge(items, facts, workers=workers, sandbox=sandbox, on_verdicts=found.extend, measured_cpu_s=cpu_s)
    seconds = time.monotonic() - start
    faults += [
        f"the reference of {v.problem} does not pass: {v.outcome} {v.output_tail.strip()[-200:]}"
        for v in sorted(found, key=lambda v: v.problem)
        if v.outcome is not Outcome.PASSED
    ]
    return Certificate(faults, len(with_reference), cpu_s, round(seconds, 2))


def main(argv: Sequence[str] | None = None) -> int:
    from codem import config

    argv = list(sys.argv[1:] if argv is None else argv)
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    wanted = [a.split("=", 1)[1].strip("[]").split(",") for a in argv if a.startswith(("lang=", "eval_lang="))]
    rest = [a for a in argv if not a.startswith(("lang=", "eval_lang="))]
    benches = [a.removeprefix("bench=") for a in rest if a.startswith("bench=")] or list(BENCHMARKS)
    rest = [a for a in rest if not a.startswith("bench=")]
    try:
        cells = [config.cells([*rest, f"bench={bench}", "eval_lang=all"])[0] for bench in benches]
        places = _places(cells, [name.strip() for names in wanted for name in names])
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return 2
    try:
        sandbox = open_sandbox(cells[0].sandbox)
    except HarnessError as e:
        print(f"sandbox: {e}")
        return 1
    print(f"sandbox       {sandbox.name}")
    good = [_examined(cell, lang, sandbox) for cell, lang in places]
    print(f"{sum(good)} of {len(good)} languages can be judged here")
    return 0 if all(good) else 1


def _places(cells: Sequence[Cell], wanted: Sequence[str]) -> list[tuple[Cell, str]]:
    """Each language once, in the first benchmark that has it."""
    found: dict[str, Cell] = {}
    for cell in cells:
        for lang in plugins.load("benchmarks", cell.bench_name).LANGUAGES:
            found.setdefault(lang, cell)
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise ConfigErrors([f"lang: no problems in {n}; {plugins.suggest(n, list(found))}" for n in unknown])
    return [(cell, lang) for lang, cell in found.items() if not wanted or lang in wanted]


def _examined(cell: Cell, lang: str, sandbox: Sandbox) -> bool:
    """One language: a line that says how it is, and a line for each fault."""
    facts = cell.languages[lang]
    tools = plugins.load("languages", lang).toolchain()
    try:
        if not tools.found:
            raise HarnessError(tools.how_to_get())
        published = problems(cell.bench_name, cell.bench, lang, cell.source)
        wanted = corrected(cell.bench_name, published) if cell.errata else published
        made = certify(cell.bench_name, wanted, facts, sandbox, cell.workers, cell.source.cache_dir, anew=True)
    except CodemError as e:
        print(f"{lang:<13} NO   {e}", flush=True)
        return False
    left_out = len(published) - made.references
    print(
        f"{lang:<13} {'ok  ' if made.ok else 'NO  '} {tools.version}; {cell.bench_name}: {made.references} references"
        f"{f' ({left_out} left out, see its errata)' if left_out else ''} in {made.seconds:.1f} s "
        f"({made.references / max(made.seconds, 0.01):.0f} programs/s)",
        flush=True,
    )
    for fault in made.faults:
        print(f"{'':<13}      {fault}", flush=True)
    return made.ok


if __name__ == "__main__":
    sys.exit(main())
