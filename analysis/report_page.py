"""One HTML file that needs nothing but itself, and runs nothing but its own three scripts.

What it takes from records and models was written by others. Two fences stand between that and the reader: the template
escapes every value and the script only ever sets text, never markup; and the page's Content-Security-Policy lets a
browser run only the scripts whose hashes it names, and load nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from analysis import estimates, picture
from analysis.claim_text import p_text
from analysis.names import title

FOLDER = Path(__file__).with_name("page")


def render(data: Mapping[str, Any], **values: Any) -> str:
    """The page. data: what its script reads; values: what its template shows."""
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "title": title,
        "signed": picture.signed,
        "p": p_text,
        "data": data_url,
        "width": picture.width_on_page,
        "duration": estimates.duration,
    }
    scripts = [_script(get_plotlyjs()), _script((FOLDER / "report.js").read_text("utf-8"))]
    return environment.get_template("report.html.j2").render(
        policy=_policy(scripts),
        style=Markup((FOLDER / "report.css").read_text("utf-8")),
        scripts=[Markup(script) for script in scripts],
        data=Markup(embedded(data)),
        **values,
    )


def embedded(data: Any) -> str:
    """JSON that no parser of HTML can take for anything else: without a single <. What is no number becomes null."""
    return json.dumps(_finite(data), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def data_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _script(text: str) -> str:
    """Nothing in it may end the element that holds it."""
    if "</script" in text.lower():
        raise ValueError("expected a script that can stand in a page, found one with its end tag in it")
    return text


def _policy(scripts: list[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") for text in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
