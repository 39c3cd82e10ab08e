"""A composed tree of settings -> a Cell, strictly: whatever is in the tree and in no dataclass is an error."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

from codem import checks, launchers, plugins, tracking
from codem.benchmark_data import Source
from codem.errors import ConfigErrors
from codem.knob import knob
from codem.language_facts import LanguageFacts
from codem.sandbox import KINDS as SANDBOXES
from codem.settings import Base, Cell, Corpus, Decode, DeepSpeed, Launch, Shard
from codem.slurm import checks as slurm_checks
from codem.strict import convert

KINDS = {
    "base": Base,
    "decode": Decode,
    "deepspeed": DeepSpeed,
    "launch": Launch,
    "corpus": Corpus,
}
TRACKERS = ("none", "tensorboard", "wandb", "mlflow")


@dataclasses.dataclass(frozen=True)
class Top:
    """The settings of conf/train.yaml itself that are single values."""

    seed: int
    runs: str
    cache_dir: str
    cache: bool
    check: bool
    errata: bool
    data_dir: str | None = None
    shard: str | None = None
    workers: int | None = knob(None, least=1)
    sandbox: str = knob("auto", choices=SANDBOXES)
    tracker: str = knob("none", choices=TRACKERS)
    repeat: int = knob(1, least=1)


def to_cell(tree: dict[str, Any], facts: dict[str, LanguageFacts]) -> Cell:
    """Raises ConfigErrors."""
    errors: list[str] = []
    method_name, bench_name, engine_name = (tree[group].pop("name") for group in ("method", "bench", "engine"))
    kinds: dict[str, type] = {
        **KINDS,
        "launcher": launchers.KINDS[tree["launcher"]["name"]],
        "method": plugins.load("methods", method_name).Config,
        "bench": plugins.load("benchmarks", bench_name).Config,
        "engine": plugins.load("engines", engine_name).Config,
    }
    mixture = tree["corpus"].get("weights") if isinstance(tree["corpus"], dict) else None
    groups = {key: convert(kind, tree.pop(key), key, errors) for key, kind in kinds.items()}
    if groups["corpus"] is not None:
        groups["corpus"] = checks.located(groups["corpus"])
    trained, wanted = sorted(tree.pop("lang", {})), tree.pop("eval_lang")
    top = convert(Top, tree, "", errors)
    only_planned = groups["launch"] is not None and groups["launch"].dry_run
    elsewhere = isinstance(groups["launcher"], launchers.Slurm)
    eval_lang = checks.eval_languages(bench_name, facts, wanted, errors, only_planned, elsewhere)
    parts = checks.parts(trained, facts, errors)
    checks.corpora(parts, facts, groups["corpus"], errors)
    checks.weights(parts, mixture, errors)
    checks.decoding(groups["decode"], errors)
    if not only_planned:
        checks.engine(engine_name, errors)
    checks.engine_stage(groups["deepspeed"], groups["method"], errors)
    if top and (how := tracking.missing(top.tracker)):
        errors.append(how)
    base = checks.named(groups["base"], errors) if groups["base"] else None
    files = data_dir(top.data_dir, errors) if top else None
    shard = _shard(top.shard, errors) if top else None
    slurm_checks.check(groups["launcher"], groups["method"], groups["base"], shard, errors)
    if errors:
        raise ConfigErrors(errors)
    return Cell(
        **{**groups, "base": base},
        lang=tuple(trained),
        parts=parts,
        method_name=method_name,
        bench_name=bench_name,
        engine_name=engine_name,
        eval_lang=eval_lang,
        languages={name: dataclasses.replace(f, check=f.check and top.check) for name, f in facts.items()},
        seed=top.seed,
        runs=Path(top.runs).expanduser(),
        source=Source(files, Path(top.cache_dir).expanduser()),
        errata=top.errata,
        cache=top.cache,
        shard=shard,
        workers=top.workers or os.cpu_count() or 1,
        sandbox=top.sandbox,
        tracker=top.tracker,
        repeat=top.repeat,
    )


def data_dir(given: str | None, errors: list[str]) -> Path | None:
    """The folder that the setting names, whole; None: none is named."""
    if given is None:
        return None
    folder = Path(given).expanduser()
    if not folder.is_dir():
        errors.append(f"data_dir: expected a folder with the benchmarks' files, found none at {given}")
    return folder.resolve()


def _shard(given: str | None, errors: list[str]) -> Shard | None:
    if given is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", given)
    if match and 1 <= int(match[1]) <= int(match[2]):
        return Shard(int(match[1]), int(match[2]))
    errors.append(f"shard: expected number/count, such as 3/8, found {given!r}")
    return None
