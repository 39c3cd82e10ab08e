"""What can be chosen on a command line: the groups of conf/, the plug-ins, and settings that no YAML file mentions."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from codem import launchers, plugins
from codem.cell import KINDS

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
GRID = "train"
"""The primary config of the grid's stages."""
GROUPS_OF_CRAFT = ("lang", "teacher")
GROUPS_OF_PLUGINS = {"method": "methods", "bench": "benchmarks", "engine": "engines"}


def language_catalogue() -> list[str]:
    """Every name in conf/lang/, mixtures included."""
    return sorted(p.stem for p in (CONF / "lang").glob("*.yaml"))


@cache
def register_plugins() -> None:
    """Each codem/methods/<m>.py, codem/benchmarks/<b>.py and codem/engines/<e>.py is a choice of its group, with its
    Config's defaults; or with those of a file in conf/, where there is one."""
    for group, kind in GROUPS_OF_PLUGINS.items():
        for stem in plugins.names(kind):
            name = stem.replace("_", "-") if kind == "benchmarks" else stem
            if (CONF / group / f"{name}.yaml").is_file():
                continue
            defaults = dataclasses.asdict(plugins.load(kind, name).Config())
            ConfigStore.instance().store(group=group, name=name, node=OmegaConf.create({"name": name, **defaults}))


@cache
def choices(primary: str = GRID) -> dict[str, list[str]]:
    """The groups of a primary config, and what can be chosen in each."""
    found = _choices()
    if primary == GRID:
        return {group: names for group, names in found.items() if group != "teacher"}
    return {group: found[group] for group in GROUPS_OF_CRAFT}


def _choices() -> dict[str, list[str]]:
    found = {p.name: sorted(f.stem for f in p.glob("*.yaml")) for p in CONF.iterdir() if p.is_dir()}
    for group, kind in GROUPS_OF_PLUGINS.items():
        names = plugins.names(kind)
        found[group] = sorted(
            set(found.get(group, [])) | {n.replace("_", "-") if kind == "benchmarks" else n for n in names}
        )
    found["sweeps"] = sorted(p.stem for p in (ROOT / "sweeps").glob("*.yaml"))
    return found


def is_model_path(value: str) -> bool:
    return value not in choices()["base"] and ("/" in value or value.startswith(("~", ".")) or Path(value).is_dir())


def is_optional(key: str, primary: str = GRID) -> bool:
    is_free = re.match(r"launcher\.\w+\.sbatch\.|corpus\.weights\.", key)
    return primary == GRID and (key in _optional_keys() or bool(is_free))


@cache
def _optional_keys() -> frozenset[str]:
    """Settings that a dataclass has and the YAML files leave at its default."""
    kinds = [*KINDS.items(), *(("launcher", kind) for kind in launchers.KINDS.values())]
    return frozenset(f"{group}.{f.name}" for group, kind in kinds for f in dataclasses.fields(kind)) | frozenset(
        f"launcher.{stage}.{f.name}" for stage in launchers.STAGES for f in dataclasses.fields(launchers.Resources)
    )
