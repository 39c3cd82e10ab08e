"""A tree of plain values -> a frozen dataclass, with every unknown key, wrong type and broken rule reported."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from codem import plugins
from codem.knob import broken_rule


def convert(cls: type, tree: Any, path: str, errors: list[str]) -> Any:
    """An instance of `cls`, or None after adding to `errors` one line per thing that is wrong.

    path: the dotted key of `tree` in the config, for the messages.
    """
    if not isinstance(tree, dict):
        errors.append(f"{path}: expected a group of settings, found {tree!r}")
        return None
    before = len(errors)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    at = f"{path}." if path else ""
    values = {}
    for key, value in tree.items():
        if key not in fields:
            hint = "did you mean +sweeps=...?" if key == "sweep" else plugins.suggest(str(key), list(fields))
            errors.append(f"{at}{key}: unknown key; {hint}")
            continue
        known = len(errors)
        values[key] = _value(hints[key], value, f"{at}{key}", errors)
        rule = broken_rule(fields[key], values[key]) if len(errors) == known else None
        if rule:
            errors.append(f"{at}{key}: {rule}")
    required = {n for n, f in fields.items() if f.default is f.default_factory is dataclasses.MISSING}
    errors += [f"{at}{key}: missing; give {at}{key}=..." for key in sorted(required - set(tree))]
    return cls(**values) if len(errors) == before and required <= set(values) else None


def _value(hint: Any, value: Any, path: str, errors: list[str]) -> Any:
    """`value` as `hint`, which may be a scalar type, `X | None`, `tuple[X, ...]`, `dict`, `Any` or a dataclass."""
    if hint is Any:
        return value
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if dataclasses.is_dataclass(hint):
        return convert(typing.cast(type, hint), value, path, errors)
    origin = typing.get_origin(hint)
    if origin is tuple:
        items = value if isinstance(value, list) else [value]
        return tuple(_value(typing.get_args(hint)[0], v, path, errors) for v in items)
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint if origin is None else origin) and not (hint is int and isinstance(value, bool)):
        return value
    name = {"int": "a whole number", "float": "a number", "str": "text", "bool": "true or false"}
    expected = name.get(getattr(hint, "__name__", ""), str(hint))
    errors.append(f"{path}: expected {expected}, found {value!r}")
    return None
