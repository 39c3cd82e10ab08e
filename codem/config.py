"""Hydra's config -> frozen dataclasses, or every error at once, each with its fix. Only this file, codem/composing.py
and codem/choices.py touch OmegaConf.

Hydra composes (groups, `-m lang=python,go,html`, sweeps/). Its own launchers are not used: a mistyped sweep runs one
default cell there, a failed job counts as completed, and two cells may share a folder. See docs/design.md.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from codem import checks, composing, interruption, plugins, ranks
from codem.cell import KINDS, to_cell
from codem.choices import (
    CONF,
    GROUPS_OF_PLUGINS,
    ROOT,
    choices,
    is_model_path,
    is_optional,
    language_catalogue,
    register_plugins,
)
from codem.composing import composed, override
from codem.entry import Entry
from codem.errors import ConfigErrors
from codem.language_facts import LanguageFacts
from codem.settings import Cell
from codem.strict import convert

SWEEPS_TOO = f"hydra.searchpath=[file://{ROOT}]"  # the folder sweeps/ is a group, from whatever directory one starts
Made = TypeVar("Made")

TRAIN = Entry(
    primary="train",
    required=("lang", "eval_lang", "launcher", *GROUPS_OF_PLUGINS, *KINDS),
    make=to_cell,
    axes=lambda cell: (cell.base, cell.lang, cell.method_name, cell.seed),
    collisions=checks.collisions,
    examples=(
        "  base: also any hub id or folder of a causal language model\n"
        "\n  lang=[python,go]           a mixture"
        "\n  -m lang=python,go seed=0,1  one cell for each value; +sweeps=<name> for the cells of a file in sweeps/"
        "\n  eval_lang=[java,go]         score on these only"
    ),
)


def cells(argv: Sequence[str], multirun: bool = False) -> list[Cell]:
    """The cells of the grid that a command line means, in the order given. Raises ConfigErrors.

    argv: Hydra overrides. multirun: commas in a value make several cells, as does a file of sweeps/.
    """
    return records(argv, multirun, TRAIN)


def records(argv: Sequence[str], multirun: bool, entry: Entry[Made]) -> list[Made]:
    """The same for any kind of command line. Raises ConfigErrors."""
    with _hydra():
        composing.forget()
        overrides, errors = _parse(argv, entry)
        facts, overrides = _facts(overrides, errors, entry)
        jobs, more = _expand(overrides, multirun, entry)
        errors += more
        made: list[Made] = []
        for job in jobs:
            try:
                made.append(_record(job, facts, entry))
            except ConfigErrors as e:
                errors += e.errors
    errors += entry.collisions(made)
    if errors:
        raise ConfigErrors(errors)
    return _each_once(made, entry)


def _each_once(made: list[Made], entry: Entry[Made]) -> list[Made]:
    kept: list[Made] = []
    alike: dict[tuple, list[Made]] = {}  # records cannot be hashed, and comparing each with all takes long
    for cell in made:
        same_axes = alike.setdefault(entry.axes(cell), [])
        if cell not in same_axes:
            same_axes.append(cell)
            kept.append(cell)
    return kept


def main(run: Callable[[list[Cell]], int], argv: Sequence[str] | None = None) -> int:
    """The command line of every stage of the grid."""
    return command(run, TRAIN, argv)


def command(run: Callable[[list[Made]], int], entry: Entry[Made], argv: Sequence[str] | None = None) -> int:
    """A command line: Hydra's own flags as Hydra has them, else compose and run.

    Returns the exit code: 0, or 2 when the config is wrong, or 143 after a SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with interruption.handled():
        try:
            return ranks.started_by_a_launcher(lambda: _answer(run, arguments, entry))
        except interruption.Terminated as e:
            print(e, file=sys.stderr)
            return interruption.EXIT_CODE


def _answer(run: Callable[[list[Made]], int], argv: list[str], entry: Entry[Made]) -> int:
    multirun = bool({"-m", "--multirun"} & set(argv))
    if {"-h", "--help"} & set(argv):
        print(_help(entry))
        return 0
    overrides = [a for a in argv if a not in ("-m", "--multirun")]
    if any(a.startswith("-") and "=" not in a for a in overrides):
        return _let_hydra_answer(argv, entry)
    try:
        wanted = records(overrides, multirun, entry)
    except ConfigErrors as e:
        print(e, file=sys.stderr)
        return 2
    return run(wanted)


def _help(entry: Entry) -> str:
    """Ours, because Hydra's takes twice as long and does not say what one would type."""
    said = (sys.modules["__main__"].__doc__ or "").strip()
    listed = "\n".join(f"  {group}: {', '.join(names)}" for group, names in sorted(choices(entry.primary).items()))
    return (
        f"{said}\n\nSettings are key=value; what can be chosen for a key:\n{listed}\n{entry.examples}"
        "\n\n--cfg job shows every setting of the cell; --hydra-help lists Hydra's other flags."
    )


def _let_hydra_answer(argv: list[str], entry: Entry) -> int:
    """--cfg, --info and the like, on the same config that a run would see."""
    register_plugins()
    flags = [a for a in argv if a.startswith("-") or "=" not in a]
    values = [a for a in argv if a not in flags]
    sys.argv = [sys.argv[0], *flags, *_chosen([_spell(v, entry) for v in values], [], entry)]
    hydra.main(version_base="1.3", config_path=str(CONF), config_name=entry.primary)(lambda cfg: None)()
    return 0


def _hydra():
    if not CONF.is_dir():
        raise ConfigErrors([f"{CONF}: no such folder; install codem from a clone of its repository (pip install -e .)"])
    register_plugins()
    return hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF))


def _spell(override: str, entry: Entry) -> str:
    """`base=<hub id or folder>` is short for `base=custom base.path=...`; each choice of a comma list by itself."""
    if not override.startswith("base=") or "base" not in choices(entry.primary):
        return override
    values = override.removeprefix("base=").split(",")
    if not any(is_model_path(v) for v in values):
        return override
    return "base=" + ",".join(f"'{v}'" if is_model_path(v) else v for v in values)


def _parse(argv: Sequence[str], entry: Entry) -> tuple[list[Override], list[str]]:
    parsed, errors = [], []
    for text in argv:
        try:
            o = OverridesParser.create().parse_override(_spell(text, entry))
        except HydraException as e:
            errors.append(f"{text}: expected key=value ({str(e).splitlines()[0]})")
            continue
        if not o.key_or_group:
            errors.append(f"{text}: expected key=value, found no key")
        elif o.is_delete() and re.fullmatch(rf"({'|'.join(entry.required)})(\.name)?|lang\..*", o.key_or_group):
            errors.append(f"{text}: it cannot be left out; give {o.key_or_group}=...")
        else:
            parsed.append(o)
    return parsed, errors


def _expand(overrides: list[Override], multirun: bool, entry: Entry) -> tuple[list[list[str]], list[str]]:
    """The product of all comma lists, those of a file in sweeps/ included: one list of overrides per cell."""
    errors = []
    sweeps = [o for o in overrides if o.key_or_group == "sweeps" and "sweeps" in choices(entry.primary)]
    plain = [o for o in overrides if o not in sweeps]
    from_files: dict[str, str] = {}
    for o in sweeps:
        if o.value() not in choices()["sweeps"]:
            errors.append(f"sweeps: no sweeps/{o.value()}.yaml; {plugins.suggest(str(o.value()), choices()['sweeps'])}")
        elif not multirun:
            errors.append(f"sweeps: a sweep is many cells; add -m (python -m codem.train -m +sweeps={o.value()})")
        else:
            cfg = hydra.compose("train", [SWEEPS_TOO, f"+sweeps={o.value()}"], return_hydra_config=True)
            from_files |= {k: str(v) for k, v in (cfg.hydra.sweeper.params or {}).items()}
    given = {o.key_or_group for o in plain}
    more, bad = _parse([f"{k}={v}" for k, v in from_files.items() if k not in given], entry)
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


def _record(overrides: list[str], facts: dict[str, LanguageFacts], entry: Entry[Made]) -> Made:
    errors: list[str] = []
    good = _chosen(overrides, errors, entry)
    try:
        tree = composed(good, entry.primary)
    except ConfigErrors:  # Hydra names one mistake and stops: look at each override by itself
        try:
            good, unknown = _known(good, entry)
            errors += unknown
            tree = composed(good, entry.primary)
        except ConfigErrors as e:
            raise ConfigErrors([*errors, *e.errors]) from None
    try:
        made = entry.make(tree, facts)
    except ConfigErrors as e:
        raise ConfigErrors([*errors, *e.errors]) from None
    if errors:
        raise ConfigErrors(errors)
    return made


def _facts(
    overrides: list[Override], errors: list[str], entry: Entry
) -> tuple[dict[str, LanguageFacts], list[Override]]:
    """The facts of every language in conf/lang/, as `languages.<name>.<key>=` overrides may have changed them;
    and the other overrides. Composed once: they are the same for all cells."""
    mine = [o for o in overrides if o.key_or_group.startswith("languages.")]
    add = [f"+lang@languages.{n}={n}" for n in language_catalogue()]
    tree: dict[str, Any] = {}
    try:
        tree = composed([*add, *(str(o.input_line) for o in mine)], entry.primary)["languages"]
    except ConfigErrors as e:
        errors += e.errors
        tree = composed(add, entry.primary)["languages"]
    facts = {n: convert(LanguageFacts, v, f"languages.{n}", errors) for n, v in tree.items()}
    if None in facts.values():
        raise ConfigErrors(errors)
    return facts, [o for o in overrides if o not in mine]


def _chosen(overrides: list[str], errors: list[str], entry: Entry) -> list[str]:
    """The overrides, without choices that do not exist (one message each), and with `base=<path>` spelled out."""
    good, have = [], choices(entry.primary)
    for text in overrides:
        o = override(text)
        group = o.key_or_group.split("@")[0]
        if o.is_add() or o.is_delete() or o.is_force_add() or group not in have or group == "sweeps":
            good.append(text)
            continue
        value = o.value()
        chosen = value if isinstance(value, list) else [value]
        if group == "base" and is_model_path(str(chosen[0])):
            good += ["base=custom", f"base.path='{chosen[0]}'"]
            continue
        unknown = [str(c) for c in chosen if str(c) not in have[group]]
        errors += [f"{group}: no choice named {u}; {plugins.suggest(u, have[group])}" for u in unknown]
        if not chosen:
            errors.append(f"{group}: expected at least one; {plugins.suggest('', have[group])}")
        elif not unknown:
            good.append(text)
    return good


def _known(overrides: list[str], entry: Entry) -> tuple[list[str], list[str]]:
    """The overrides of keys that exist, and a message for each of the others. Raises ConfigErrors."""
    parsed = [(override(t), t) for t in overrides]
    chosen = [t for o, t in parsed if o.key_or_group in choices(entry.primary)]
    try:
        known = hydra.compose(entry.primary, chosen)
    except HydraException as e:
        raise ConfigErrors([" ".join(str(e).split())]) from None
    good, errors = chosen, []
    for o, text in parsed:
        if text in chosen:
            continue
        if o.is_add() or o.is_force_add() or o.is_delete() or _exists(known, o.key_or_group):
            good.append(text)
        elif is_optional(o.key_or_group, entry.primary):
            good.append(f"++{text}")
        else:
            errors.append(_unknown_key(o.key_or_group, known, entry))
    return good, errors


def _exists(cfg: DictConfig, key: str) -> bool:
    node: Any = cfg
    for part in key.split("."):
        if not isinstance(node, DictConfig) or part not in node.keys():  # noqa: SIM118 (`in` hides what is still ???)
            return False
        node = node._get_node(part)
    return True


def _unknown_key(key: str, known: DictConfig, entry: Entry) -> str:
    if re.fullmatch(r"sweeps?", key) and "sweeps" in choices(entry.primary):
        return f"{key}: unknown key; did you mean +sweeps={'|'.join(choices()['sweeps'])}?"
    parent, _, last = key.rpartition(".")
    node = OmegaConf.select(known, parent) if parent else known
    have = [str(k) for k in node] if isinstance(node, DictConfig) else [str(k) for k in known]
    return f"{key}: unknown key; {plugins.suggest(last, have)}"
