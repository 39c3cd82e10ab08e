"""Cutting for a language that no parser here knows: by fences and the header as it was given."""

from __future__ import annotations

import re
from collections.abc import Sequence

from codem.cutting.fences import Part
from codem.records import Problem


def plain(problem: Problem, found: Sequence[Part]) -> str:
    """The first fenced block that names the function after a definition's fashion, else the text from the header on,
    else the text as the header's continuation; nothing is left out of it."""
    header = problem.signature.strip()
    name = re.escape(problem.entry_point)
    for part in found:
        if part.fenced and re.search(rf"^[^\n]*\w[^\n]*\b{name}\s*\(", part.text, re.M):
            return part.text
    for part in found:
        if header in part.text:
            return part.text[part.text.index(header) :]
    return problem.signature + (found[0].text if found else "")
