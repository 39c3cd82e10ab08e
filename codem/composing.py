"""Overrides of a command line -> a tree of plain values: by Hydra, or, where many cells differ in little, as it would,
and much faster. codem/config.py has initialised Hydra."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from codem.choices import GRID, choices, is_optional
from codem.errors import ConfigErrors


def forget() -> None:
    """The files of conf/ may have changed since."""
    _of_choices.cache_clear()


def composed(overrides: list[str], primary: str = GRID) -> dict[str, Any]:
    """primary: conf/<primary>.yaml. Raises ConfigErrors with what Hydra says of the first mistake."""
    try:
        quickly = _quickly(overrides) if primary == GRID else None  # others have few cells
        if quickly is not None:
            return quickly
        tree = OmegaConf.to_container(hydra.compose(primary, overrides), resolve=True)
    except (HydraException, OmegaConfBaseException) as e:
        raise ConfigErrors([" ".join(str(e).split())]) from None
    return cast(dict[str, Any], tree)


def _quickly(overrides: list[str]) -> dict[str, Any] | None:
    """What Hydra would compose, where cells differ in plain values only: the files that the choices name are merged
    once, by Hydra, and the values are put in. None when that could come to anything else, as with additions,
    interpolations, whole groups of values and mistakes: Hydra then does it, and finds the words."""
    parsed = [override(text) for text in overrides]
    if any(o.is_add() or o.is_delete() or o.package is not None for o in parsed):
        return None
    known = _of_choices(tuple(t for o, t in zip(parsed, overrides, strict=True) if _is_choice(o)))
    if known is None:
        return None
    tree = _copied(known)
    values = [o for o in parsed if not _is_choice(o)]
    return tree if all(_put(tree, o) for o in values) else None


@cache
def _of_choices(chosen: tuple[str, ...]) -> dict[str, Any] | None:
    """None when they are wrong, or when a value in their files stands for another one, which may change."""
    try:
        cfg = hydra.compose(GRID, list(chosen))
        tree = OmegaConf.to_container(cfg)
        return cast(dict[str, Any], tree) if tree == OmegaConf.to_container(cfg, resolve=True) else None
    except (HydraException, OmegaConfBaseException):
        return None


def _put(tree: dict[str, Any], o: Override) -> bool:
    """Set a value as Hydra would; False where that is not plain."""
    *path, last = o.key_or_group.split(".")
    is_new_allowed = o.is_force_add() or is_optional(o.key_or_group)
    for part in path:
        if is_new_allowed and tree.get(part) is None:
            tree[part] = {}
        if not isinstance(tree.get(part), dict):
            return False
        tree = tree[part]
    value = o.value()
    items = value if isinstance(value, list) else [value]
    if not all(v is None or isinstance(v, (bool, int, float)) or (isinstance(v, str) and _is_text(v)) for v in items):
        return False
    if isinstance(tree.get(last), dict) or (last not in tree and not is_new_allowed):
        return False
    tree[last] = list(value) if isinstance(value, list) else value
    return True


def _is_text(value: str) -> bool:
    """Nothing that OmegaConf reads as more than text."""
    return "${" not in value and value != "???"


def _copied(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: _copied(v) for k, v in tree.items()}
    return [_copied(v) for v in tree] if isinstance(tree, list) else tree


def _is_choice(o: Override) -> bool:
    return o.key_or_group in choices() and not o.is_force_add()


@cache
def override(text: str) -> Override:
    return OverridesParser.create().parse_override(text)
