"""Hydra's config -> frozen dataclasses, or every error at once, each with its fix. Nobody else touches OmegaConf.

Hydra composes (groups, `-m lang=python,go,html`, sweeps/). Its own launchers are not used: a mistyped sweep runs one
default cell there, a failed job counts as completed, and two cells may share a folder. See docs/design.md.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from codem import checks, interruption, plugins, ranks
from codem.cell import KINDS, to_cell
from codem.errors import ConfigErrors
from codem.language_facts import LanguageFacts
from codem.settings import Cell
from codem.strict import convert

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
SWEEPS_TOO = f"hydra.searchpath=[file://{ROOT}]"  # the folder sweeps/ is a group, from whatever directory one starts
GROUPS_OF_PLUGINS = {"method": "methods", "bench": "benchmarks", "engine": "engines"}


def cells(argv: Sequence[str], multirun: bool = False) -> list[Cell]:
    """The cells that a command line means, in the order given. Raises ConfigErrors.

    argv: Hydra overrides. multirun: commas in a value make several cells, as does a file of sweeps/.
    """
    with _hydra():
        overrides, errors = _parse(argv)
        facts, overrides = _facts(overrides, errors)
        jobs, more = _expand(overrides, multirun)
        errors += more
        made: list[Cell] = []
        for job in jobs:
            try:
                made.append(_cell(job, facts))
            except ConfigErrors as e:
                errors += e.errors
    errors += checks.collisions(made)
    if errors:
        raise ConfigErrors(errors)
    return [cell for n, cell in enumerate(made) if cell not in made[:n]]


def main(run: Callable[[list[Cell]], int], argv: Sequence[str] | None = None) -> int:
    """The command line of every stage: Hydra's own flags as Hydra has them, else compose and run.

    Returns the exit code: 0, or 2 when the config is wrong, or 143 after a SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with interruption.handled():
        try:
            return ranks.started_by_a_launcher(lambda: _answer(run, arguments))
        except interruption.Terminated as e:
            print(e, file=sys.stderr)
            return interruption.EXIT_CODE


def _answer(run: Callable[[list[Cell]], int], argv: list[str]) -> int:
    multirun = bool({"-m", "--multirun"} & set(argv))
    if {"-h", "--help"} & set(argv):
        print(_help())
        return 0
    overrides = [a for a in argv if a not in ("-m", "--multirun")]
    if any(a.startswith("-") and "=" not in a for a in overrides):
        return _let_hydra_answer(argv)
    try:
        wanted = cells(overrides, multirun)
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return 2
    return run(wanted)


def language_catalogue() -> list[str]:
    """Every name in conf/lang/, mixtures included."""
    return sorted(p.stem for p in (CONF / "lang").glob("*.yaml"))


def _help() -> str:
    """Ours, because Hydra's takes twice as long and does not say what one would type."""
    said = (sys.modules["__main__"].__doc__ or "").strip()
    choices = "\n".join(f"  {group}: {', '.join(names)}" for group, names in sorted(_choices().items()))
    return (
        f"{said}\n\nSettings are key=value; what can be chosen for a key:\n{choices}\n"
        "  base: also any hub id or folder of a causal language model\n"
        "\n  lang=[python,go]           a mixture"
        "\n  -m lang=python,go seed=0,1  one cell for each value; +sweeps=<name> for the cells of a file in sweeps/"
        "\n  eval_lang=[java,go]         score on these only"
        "\n\n--cfg job shows every setting of the cell; --hydra-help lists Hydra's other flags."
    )


def _let_hydra_answer(argv: list[str]) -> int:
    """--cfg, --info and the like, on the same config that a run would see."""
    _register_plugins()
    flags = [a for a in argv if a.startswith("-") or "=" not in a]
    values = [a for a in argv if a not in flags]
    sys.argv = [sys.argv[0], *flags, *_chosen([_spell(v) for v in values], [])]
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(lambda cfg: None)()
    return 0


def _hydra():
    if not CONF.is_dir():
        raise ConfigErrors([f"{CONF}: no such folder; install codem from a clone of its repository (pip install -e .)"])
    _register_plugins()
    return hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF))


@cache
def _register_plugins() -> None:
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
def _choices() -> dict[str, list[str]]:
    """The groups, and what can be chosen in each."""
    found = {p.name: sorted(f.stem for f in p.glob("*.yaml")) for p in CONF.iterdir() if p.is_dir()}
    for group, kind in GROUPS_OF_PLUGINS.items():
        names = plugins.names(kind)
        found[group] = sorted(
            set(found.get(group, [])) | {n.replace("_", "-") if kind == "benchmarks" else n for n in names}
        )
    found["sweeps"] = sorted(p.stem for p in (ROOT / "sweeps").glob("*.yaml"))
    return found


def _spell(override: str) -> str:
    """`base=<hub id or folder>` is short for `base=custom base.path=...`; each choice of a comma list by itself."""
    if not override.startswith("base="):
        return override
    values = override.removeprefix("base=").split(",")
    if not any(_is_model_path(v) for v in values):
        return override
    return "base=" + ",".join(f"'{v}'" if _is_model_path(v) else v for v in values)


def _is_model_path(value: str) -> bool:
    return value not in _choices()["base"] and ("/" in value or value.startswith(("~", ".")) or Path(value).is_dir())


def _parse(argv: Sequence[str]) -> tuple[list[Override], list[str]]:
    parsed, errors = [], []
    for text in argv:
        try:
            parsed.append(OverridesParser.create().parse_override(_spell(text)))
        except HydraException as e:
            errors.append(f"{text}: expected key=value ({str(e).splitlines()[0]})")
    return parsed, errors


def _expand(overrides: list[Override], multirun: bool) -> tuple[list[list[str]], list[str]]:
    """The product of all comma lists, those of a file in sweeps/ included: one list of overrides per cell."""
    errors = []
    sweeps = [o for o in overrides if o.key_or_group == "sweeps"]
    plain = [o for o in overrides if o.key_or_group != "sweeps"]
    from_files: dict[str, str] = {}
    for o in sweeps:
        if o.value() not in _choices()["sweeps"]:
            errors.append(
                f"sweeps: no sweeps/{o.value()}.yaml; {plugins.suggest(str(o.value()), _choices()['sweeps'])}"
            )
        elif not multirun:
            errors.append(f"sweeps: a sweep is many cells; add -m (python -m codem.train -m +sweeps={o.value()})")
        else:
            cfg = hydra.compose("train", [SWEEPS_TOO, f"+sweeps={o.value()}"], return_hydra_config=True)
            from_files |= {k: str(v) for k, v in (cfg.hydra.sweeper.params or {}).items()}
    given = {o.key_or_group for o in plain}
    more, bad = _parse([f"{k}={v}" for k, v in from_files.items() if k not in given])
    errors += bad
    axes = []
    for o in more + plain:
        if not o.is_sweep_override():
            axes.append([o.input_line or ""])
        elif multirun:
            axes.append([f"{o.get_key_element()}={v}" for v in o.sweep_string_iterator()])
        else:
            errors.append(f"{o.key_or_group}: several values make several cells; add -m, or write [a,b] for a mixture")
    return [list(job) for job in itertools.product(*axes)], errors


def _cell(overrides: list[str], facts: dict[str, LanguageFacts]) -> Cell:
    errors: list[str] = []
    good = _chosen(overrides, errors)
    try:
        tree = _composed(good)
    except ConfigErrors:  # Hydra names one mistake and stops: look at each override by itself
        good, unknown = _known(good)
        errors += unknown
        try:
            tree = _composed(good)
        except ConfigErrors as e:
            raise ConfigErrors([*errors, *e.errors]) from None
    try:
        made = to_cell(tree, facts)
    except ConfigErrors as e:
        raise ConfigErrors([*errors, *e.errors]) from None
    if errors:
        raise ConfigErrors(errors)
    return made


def _composed(overrides: list[str]) -> dict[str, Any]:
    try:
        tree = OmegaConf.to_container(hydra.compose("train", overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as e:
        raise ConfigErrors([" ".join(str(e).split())]) from None
    return cast(dict[str, Any], tree)


def _facts(overrides: list[Override], errors: list[str]) -> tuple[dict[str, LanguageFacts], list[Override]]:
    """The facts of every language in conf/lang/, as `languages.<name>.<key>=` overrides may have changed them;
    and the other overrides. Composed once: they are the same for all cells."""
    mine = [o for o in overrides if o.key_or_group.startswith("languages.")]
    add = [f"+lang@languages.{n}={n}" for n in language_catalogue()]
    tree: dict[str, Any] = {}
    try:
        tree = _composed([*add, *(str(o.input_line) for o in mine)])["languages"]
    except ConfigErrors as e:
        errors += e.errors
        tree = _composed(add)["languages"]
    facts = {n: convert(LanguageFacts, v, f"languages.{n}", errors) for n, v in tree.items()}
    if None in facts.values():
        raise ConfigErrors(errors)
    return facts, [o for o in overrides if o not in mine]


def _chosen(overrides: list[str], errors: list[str]) -> list[str]:
    """The overrides, without choices that do not exist (one message each), and with `base=<path>` spelled out."""
    good = []
    for text in overrides:
        o = OverridesParser.create().parse_override(text)
        group = o.key_or_group.split("@")[0]
        if o.is_add() or o.is_delete() or o.is_force_add() or group not in _choices() or group == "sweeps":
            good.append(text)
            continue
        value = o.value()
        chosen = value if isinstance(value, list) else [value]
        if group == "base" and _is_model_path(str(chosen[0])):
            good += ["base=custom", f"base.path='{chosen[0]}'"]
            continue
        unknown = [str(c) for c in chosen if str(c) not in _choices()[group]]
        errors += [f"{group}: no choice named {u}; {plugins.suggest(u, _choices()[group])}" for u in unknown]
        if not chosen:
            errors.append(f"{group}: expected at least one; {plugins.suggest('', _choices()[group])}")
        elif not unknown:
            good.append(text)
    return good


def _known(overrides: list[str]) -> tuple[list[str], list[str]]:
    """The overrides of keys that exist, and a message for each of the others."""
    parsed = [(OverridesParser.create().parse_override(t), t) for t in overrides]
    choices = [t for o, t in parsed if o.key_or_group in _choices()]
    known = hydra.compose("train", choices)
    good, errors = choices, []
    for o, text in parsed:
        if text in choices:
            continue
        if o.is_add() or o.is_force_add() or o.is_delete() or _exists(known, o.key_or_group):
            good.append(text)
        elif o.key_or_group in _optional_keys():
            good.append(f"++{text}")
        else:
            errors.append(_unknown_key(o.key_or_group, known))
    return good, errors


@cache
def _optional_keys() -> frozenset[str]:
    """Settings that a dataclass has and the YAML files leave at its default."""
    return frozenset(f"{group}.{f.name}" for group, kind in KINDS.items() for f in dataclasses.fields(kind))


def _exists(cfg: DictConfig, key: str) -> bool:
    node: Any = cfg
    for part in key.split("."):
        if not isinstance(node, DictConfig) or part not in node.keys():  # noqa: SIM118 (`in` hides what is still ???)
            return False
        node = node._get_node(part)
    return True


def _unknown_key(key: str, known: DictConfig) -> str:
    if re.fullmatch(r"sweeps?", key):
        return f"{key}: unknown key; did you mean +sweeps={'|'.join(_choices()['sweeps'])}?"
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(known, parent) if parent else known
    have = [str(k) for k in node] if isinstance(node, DictConfig) else [str(k) for k in known]
    return f"{key}: unknown key; {plugins.suggest(last, have)}"
