"""A dataclass field that knows which values make sense, so that every wrong one can be reported at once."""

from __future__ import annotations

import dataclasses
from typing import Any


def knob(default: Any, *, above: float | None = None, least: float | None = None, choices: tuple = ()) -> Any:
    """A field with a rule: greater than `above`, at least `least`, or one of `choices`. None is let through."""
    return dataclasses.field(default=default, metadata={"above": above, "least": least, "choices": choices})


def broken_rule(field: dataclasses.Field, value: Any) -> str | None:
    """What was expected and what was found, or None when the value keeps the field's rule."""
    if value is None:
        return None
    above, least = field.metadata.get("above"), field.metadata.get("least")
    choices = field.metadata.get("choices") or ()
    if above is not None and not value > above:
        return f"expected a number above {above}, found {value}"
    if least is not None and not value >= least:
        return f"expected {least} or more, found {value}"
    if choices and value not in choices:
        return f"expected one of {', '.join(choices)}, found {value}"
    return None
