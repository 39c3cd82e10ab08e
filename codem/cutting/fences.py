"""What is fenced in an answer and what is not."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKS = re.compile(
    r"<\|(?:endoftext|end_of_text|begin_of_text|im_end|im_start|eot_id|end|user|assistant|EOT)\|>"
    r"|<｜[^｜\n]{1,40}｜>|</s>|<s>(?=\s)|<eos>|<EOT>"
    r"|^#{2,3} (?:Instruction|Response|Input):|^Below is an instruction that describes",
    re.M,
)
_FENCE = re.compile(
    r"^(?P<lead>[ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$"
    r"|(?P<trailing>`{3,})[ \t]*$",
    re.M,
)


@dataclass(frozen=True)
class Part:
    text: str
    fenced: bool


def without_marks(text: str) -> str:
    """Up to the first mark at which a chat ends or goes on; marks that the answer begins with are skipped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    while (mark := MARKS.search(text)) and not text[: mark.start()].strip():
        text = text[mark.end() :]
        if mark[0].startswith("<|") and (role := re.match(r"(?:assistant|system)\b[^\n]{0,40}\n", text)):
            text = text[role.end() :]
    return text[: mark.start()] if mark else text


def parts(text: str) -> list[Part]:
    """The stretches of the answer in order. A fence with a tag always opens: answers do not nest fences, but a prompt
    may have opened one that the answer closes first."""
    found: list[Part] = []
    at, opened = 0, None
    for match in _FENCE.finditer(text):
        bare = match["mark"] is not None and not match["info"].strip()
        if match["trailing"] is not None:
            if opened is not None and opened["mark"][0] != "`":
                continue
            closes = True
        elif opened is None:
            closes = False
        else:
            closes = bare and match["mark"][0] == opened["mark"][0] and len(match["mark"]) >= len(opened["mark"])
            if bare and not closes:
                continue
            if not closes and opened["mark"][0] != match["mark"][0]:
                continue
        found.append(_part(text[at : match.start()], opened))
        at = match.end() + 1
        opened = None if closes else match
    found.append(_part(text[at:], opened))
    return [part for part in found if part.text.strip()]


def _part(text: str, opened: re.Match[str] | None) -> Part:
    if opened is None:
        return Part(text, False)
    lead = opened["lead"]
    if ">" in lead:
        text = re.sub(r"^[ \t]*>[ \t]?", "", text, flags=re.M)
    elif lead:
        # what the fence is indented by, its lines are indented by too
        text = re.sub(rf"^[ \t]{{1,{len(lead)}}}", "", text, flags=re.M)
    return Part(text, True)
