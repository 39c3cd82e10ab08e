"""Refusals and other answers that answer nothing: `I'm sorry, but as an AI language model ...`."""

from __future__ import annotations

import re

_APOLOGY = (
    r"(?:i(?:'m| am) (?:(?:very|so|really|truly) )?(?:sorry|afraid)|sorry|my apologies|i apologi[sz]e|unfortunately"
    r"|regrettably)"
)
_UNABLE = (
    r"(?:i(?:'m| am)? (?:just )?(?:cannot|can't|can not|could not|couldn't|will not|won't|would not"
    r"|do not|don't|not able to"
    r"|unable to|not allowed to|not permitted to|not capable of|must decline|have to decline"
    r"|decline to|not comfortable))"
)
_PATTERNS = [
    rf"^{_APOLOGY}\b[^.!?\n]{{0,80}}?\b{_UNABLE}\b",
    rf"^{_APOLOGY}[^.!?\n]{{0,60}}(?:unable|not able|cannot|can't|not possible to (?:help|provide"
    rf"|answer|fulfil|complete)"
    r"|not (?:clear|sure|certain) what|didn't understand|don't understand|not enough information)",
    r"^(?:[^.!?\n]{0,40}\b)?as an? (?:ai|artificial intelligence|large language model|language model|text-based)\b",
    r"\bi(?:'m| am) (?:just |only )?an? (?:ai|artificial intelligence|language model|large language model)\b",
    rf"^{_UNABLE} (?:help|assist|provide|answer|fulfil|complete|comply|generate|create|write|do"
    rf"|execute|run|access|support"
    r"|understand|see|view)\b",
    r"^(?:please|could you|can you)(?: please)? (?:provide|clarify|specify|give|share)\b[^\n]{0,160}"
    r"\b(?:more|additional|further|context|details|information|instruction|question|code|input)\b",
    r"^(?:this|your|the) (?:request|question|instruction|task|prompt)[^.\n]{0,60}(?:violates"
    r"|is against|cannot be (?:fulfilled"
    r"|answered|completed)|is (?:unclear|incomplete|not clear))",
    r"^(?:no (?:input|code|output|answer)(?: (?:was|is))?(?: (?:provided|given|available|needed))?"
    r"|n/?a|none|not applicable|nothing)\W*$",
]  # fmt: skip
_REFUSALS = [re.compile(pattern, re.I) for pattern in _PATTERNS]


def refusal(response: str) -> str:
    """The sentence that refuses, or nothing. Only what a response begins with counts: two sentences at most, before any
    fence, because an answer may explain an error or print `I'm sorry`."""
    opening = response.strip().replace("’", "'").split("```", 1)[0][:400].lstrip("\"'* \n")
    sentences = re.split(r"(?<=[.!?])\s+|\n+", opening)[:2]
    for sentence in sentences:
        if any(pattern.search(sentence) for pattern in _REFUSALS):
            return sentence[:200]
    return ""
