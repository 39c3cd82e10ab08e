"""A dataclass field that knows which values make sense, so that every wrong one can be reported at once."""

from __future__ import annotations

import dataclasses
from typing import Any


def knob(
    default: Any = dataclasses.MISSING,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    choices: tuple = (),
) -> Any:
    """A field with a rule, and perhaps a default: greater than `above`, at least `least`, at most `most`, or one of
    `choices`. None is let through."""
    rules = {"above": above, "least": least, "most": most, "choices": choices}
    return dataclasses.field(default=default, metadata=rules)


def broken_rule(field: dataclasses.Field, value: Any) -> str | None:
    """What was expected and what was found, or None when the value keeps the field's rule."""
    if value is None:
        return None
    above, least, most = (field.metadata.get(rule) for rule in ("above", "least", "most"))
    choices = field.metadata.get("choices") or ()
    if above is not None and not value > above:
        return f"expected a number above {above}, found {value}"
    if least is not None and not value >= least:
        return f"expected {least} or more, found {value}"
    if most is not None and not value <= most:
        return f"expected at most {most}, found {value}"
    if choices and value not in choices:
        return f"expected one of {', '.join(choices)}, found {value}"
    return None
