"""What a node will take: wall time and GPU-hours, from measured throughput where there is some, else from stated one.

    costs.estimate(node)      # of what is still missing; loads no framework, fetches nothing

Measured: finished runs of the same base under the same runs folder (codem/measured.py). Stated: the numbers below, each
with where it comes from; they are of the work alone, without the wait in a queue and the start of a process.
"""

from __future__ import annotations

from dataclasses import dataclass

from codem import generate, measured, model_shape, plan, train
from codem.errors import CodemError
from codem.graph import Node
from codem.launchers import Slurm
from codem.run import Run, read_record
from codem.settings import Cell
from codem.slurm import resources

CARD = "A100"
"""Whose peak is reckoned with where nothing was measured: the slower one of those on file."""
CPU_GFLOPS = {"train": 10.0, "generate": 7.0}
"""Of one processor core. Training: as in codem/preflight.py; generation: docs/performance.md, the embedded base."""
GENERATION_MFU = 0.05
"""Share of a card's peak in generation, which waits for memory most of the time. Not measured."""
ANSWER_TOKENS = 150
"""Of an answer, where decode.max_tokens allows so many. Not measured."""
PROGRAMS_PER_CORE_S = {
    "java": 7.8, "cpp": 16.3, "go": 22.8, "typescript": 14.0, "javascript": 22.2, "python": 38.9, "c": 66.5,
}  # fmt: skip
"""docs/performance.md, `The judge`: programs per second with two workers, halved."""
OTHER_PROGRAMS_PER_CORE_S = 18.0
"""Of a language that is not there: as all seven together."""
PROBLEMS = {"mini": 52}
ASSUMED_PROBLEMS = 164
"""Of a language, as in HumanEval: counting a published benchmark's problems may need a download."""


@dataclass(frozen=True)
class Estimate:
    wall_s: float | None
    """None: unknown."""
    gpu_hours: float | None
    source: str
    """`measured: 12,345 tokens/s in runs/...`, or what was assumed."""


@dataclass(frozen=True)
class Hardware:
    processes: int
    gpus: int
    """Of all processes together; 0: it runs on CPUs."""
    cpus: int
    """Of each process."""


def hardware(cell: Cell, stage: str) -> Hardware:
    """What a stage of the cell will run on, as its launcher's settings say."""
    if isinstance(cell.launcher, Slurm):
        cpus = getattr(cell.launcher, stage).cpus
        return Hardware(resources.tasks_of(cell, stage), resources.gpus_of(cell, stage), cpus)
    gpus = {"train": cell.method.gpus, "generate": 1}.get(stage, 0) if cell.base.path is not None else 0
    return Hardware(max(1, gpus if stage == "train" else 1), gpus, cell.workers)


def estimate(node: Node) -> Estimate:
    """Never raises: what is not known is None, and `source` says why."""
    make = {"train": _train, "generate": _generate, "execute": _execute}.get(node.stage)
    if make is None:
        return Estimate(None, None, "not estimated")
    try:
        return make(node)
    except CodemError as e:
        return Estimate(None, None, f"unknown: {str(e).splitlines()[0]}")


def _train(node: Node) -> Estimate:
    cell = node.cell
    if not cell.trains:
        return Estimate(0.0, 0.0, "nothing is trained")
    training, on = plan.training_of(cell), hardware(cell, "train")
    tokens = training.tokens * (1 - _share_done(train.run_of(cell), training.steps))
    speed = measured.training(cell.runs, str(cell.base.name), cell.method_name, on.processes, on.gpus > 0)
    if speed is not None:
        return _sum(tokens / speed.per_s, on, f"measured: {speed.per_s:,.0f} tokens/s {speed}")
    if training.shape is None:
        return Estimate(None, None, "unknown: the model's shape is not known without a network")
    work = model_shape.flops_per_token(training.shape, cell.method, training.pair_tokens) * tokens
    return _stated(work, on, "train", plan.MFU, cell.method.precision)


def _generate(node: Node) -> Estimate:
    cell, on = node.cell, hardware(node.cell, "generate")
    langs = [lang for lang in cell.eval_lang if lang in node.missing] or list(cell.eval_lang)
    answers = sum(problems(cell, lang) for lang in langs) * cell.decode.samples * max(1, cell.repeat)
    speed = measured.generation(cell.runs, str(cell.base.name), cell.bench_name, cell.decode.name)
    if speed is not None:
        return _sum(answers / speed.per_s, on, f"measured: {speed.per_s:,.1f} answers/s {speed}")
    shape = plan.shape_of(cell)
    if shape is None:
        return Estimate(None, None, "unknown: the model's shape is not known without a network")
    each = min(ANSWER_TOKENS, cell.decode.max_tokens)
    made = _stated(answers * each * 2.0 * shape.multiplied, on, "generate", GENERATION_MFU, "")
    return Estimate(made.wall_s, made.gpu_hours, f"{made.source}; {answers:,} answers of {each} tokens")


def _execute(node: Node) -> Estimate:
    cell = node.cell
    workers = cell.launcher.execute.cpus if isinstance(cell.launcher, Slurm) else cell.workers
    parts = cell.shard.count if cell.shard else 1
    langs = [lang for lang in cell.eval_lang if lang in node.missing] or list(cell.eval_lang)
    wall, sources = 0.0, []
    for lang in langs:
        answers = problems(cell, lang) * cell.decode.samples / parts
        speed = measured.judging(cell.runs, str(cell.base.name), cell.bench_name, cell.decode.name, lang)
        rate = speed.per_s if speed else workers * PROGRAMS_PER_CORE_S.get(lang, OTHER_PROGRAMS_PER_CORE_S)
        wall += answers / rate
        sources.append(f"measured {speed}" if speed else "stated")
    stated = f"stated: programs per second as in docs/performance.md, on {workers} processors"
    known = [s for s in dict.fromkeys(sources) if s != "stated"]
    said = known[0].replace("measured", "measured: verdicts per second", 1) if known else stated
    if known and "stated" in sources:
        said += f"; {sources.count('stated')} of {len(langs)} languages {stated}"
    return Estimate(wall, 0.0, said)


def problems(cell: Cell, lang: str) -> int:
    """Of a language; counted where that costs nothing."""
    limit = getattr(cell.bench, "n", None) or ASSUMED_PROBLEMS
    if cell.bench_name in PROBLEMS:
        return min(limit, PROBLEMS[cell.bench_name])
    try:
        record = read_record(generate.evaluation_of(cell, lang).record) or {}
    except CodemError:
        record = {}
    return int((record.get("recipe") or {}).get("problems") or min(limit, ASSUMED_PROBLEMS))


def _stated(work: float, on: Hardware, stage: str, share: float, precision: str) -> Estimate:
    """work: floating-point operations."""
    if not on.gpus:
        cores = on.cpus * on.processes
        rate = CPU_GFLOPS[stage] * 1e9 * cores
        return _sum(work / rate, on, f"assumed: {CPU_GFLOPS[stage]:g} GFLOP/s on each of {cores} processors")
    if precision == "fp32":
        return Estimate(None, None, f"unknown: no peak of {CARD} is on file for fp32")
    rate = share * plan.PEAK_TFLOPS[CARD] * 1e12 * on.gpus
    return _sum(work / rate, on, f"assumed: {share:.0%} of the {plan.PEAK_TFLOPS[CARD]} TFLOP/s of {CARD} on {on.gpus}")


def _sum(wall_s: float, on: Hardware, source: str) -> Estimate:
    return Estimate(wall_s, wall_s * on.gpus / 3600, source)


def _share_done(run: Run, steps: int) -> float:
    """Of a training that was interrupted: steps up to its newest checkpoint."""
    made = [int(n) for p in run.checkpoint.glob("checkpoint-*") if (n := p.name.rpartition("-")[2]).isdigit()]
    return min(1.0, max(made, default=0) / max(1, steps))
