"""The shapes that instruction data comes in -> an instruction and a response.

    Alpaca               {"instruction", "input" (may lack), "output" or "response"}
    chat                 {"messages": [{"role", "content"}, ...]}
    ShareGPT             {"conversations": [{"from", "value"}, ...]}
    prompt, completion   {"prompt", "completion" or "response"}

A conversation gives one pair: what comes before the assistant's first turn (a system message and the user's turns,
joined by an empty line), and that turn. Whatever follows is left out, and counted: codem trains on single exchanges
(Figure 2 of the paper), and a later answer without what was said before it would teach nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codem.corpus.bad_row import Fault

ANSWERING = {"assistant", "gpt", "chatgpt", "model", "bot"}
ASKING = {"user", "human", "system", "prompter"}
EXPECTED = (
    "expected JSON objects with `instruction` and `output` or `response`, with `messages`, with `conversations`, or "
    "with `prompt` and `completion`"
)


@dataclass(frozen=True)
class Texts:
    instruction: str
    response: str
    used: frozenset[str]
    """The fields of the row that these are made of."""
    is_cut: bool = False
    """A conversation that goes on after its first answer."""


class Misfit(Exception):
    """A row that is no pair: (fault, in words)."""

    def __init__(self, fault: Fault, found: str):
        super().__init__(fault, found)
        self.fault, self.found = fault, found


def texts_of(row: Any) -> Texts:
    """Raises Misfit: the texts are there, are text, and are not empty, or the row is bad."""
    if not isinstance(row, dict):
        raise Misfit(Fault.NOT_AN_OBJECT, f"a {_kind(row)}")
    made = _shaped(row)
    for name, text in (("instruction", made.instruction), ("response", made.response)):
        if not text:
            raise Misfit(Fault.EMPTY, f"the {name} is empty")
    return made


def _shaped(row: Mapping[str, Any]) -> Texts:
    if "instruction" in row:
        answer = _first_of(row, "output", "response")
        extra = "" if row.get("input") is None else _text(row["input"], "input")
        instruction = _text(row["instruction"], "instruction")
        return Texts(
            f"{instruction}\n{extra}".strip(),
            _text(row[answer], answer).strip(),
            frozenset({"instruction", "input", answer}),
        )
    if "messages" in row:
        return _conversation(row["messages"], "messages")
    if "conversations" in row:
        return _conversation(row["conversations"], "conversations")
    if "prompt" in row:
        answer = _first_of(row, "completion", "response")
        prompt = _text(row["prompt"], "prompt")
        return Texts(prompt.strip(), _text(row[answer], answer).strip(), frozenset({"prompt", answer}))
    has = ", ".join(map(str, list(row)[:8]))
    raise Misfit(Fault.MISSING, f"no instruction, messages, conversations or prompt; it has {has or 'no fields'}")


def _conversation(turns: Any, name: str) -> Texts:
    if not isinstance(turns, list):
        raise Misfit(Fault.WRONG_TYPE, f"{name} is a {_kind(turns)}, not a list")
    asked: list[str] = []
    for number, turn in enumerate(turns, 1):
        at = f"turn {number} of {name}"
        if not isinstance(turn, dict):
            raise Misfit(Fault.WRONG_TYPE, f"{at} is a {_kind(turn)}, not an object")
        role = _text(turn[_first_of(turn, "role", "from", of=at)], f"the role of {at}").lower()
        said = _content(turn[_first_of(turn, "content", "value", of=at)], at)
        if role in ANSWERING:
            return Texts("\n\n".join(filter(None, asked)), said, frozenset({name}), number < len(turns))
        if role not in ASKING:
            raise Misfit(Fault.WRONG_TYPE, f"{at} is by {role!r:.40}; known are user, assistant and system")
        asked.append(said)
    raise Misfit(Fault.MISSING, f"{name} has no turn of the assistant")


def _content(value: Any, at: str) -> str:
    """Text, or a list of parts that are all text."""
    if isinstance(value, list) and all(isinstance(p, dict) and p.get("type") == "text" for p in value):
        return "\n".join(_text(p.get("text"), at) for p in value).strip()
    return _text(value, f"the content of {at}").strip()


def _first_of(row: Mapping[str, Any], *names: str, of: str = "") -> str:
    """The first of these fields that is there."""
    for name in names:
        if name in row:
            return name
    raise Misfit(Fault.MISSING, f"no {' or '.join(names)}{f' in {of}' if of else ''}")


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    raise Misfit(Fault.WRONG_TYPE, f"{name} is a {_kind(value)}, not text")


def _kind(value: Any) -> str:
    """As JSON calls it."""
    if value is None:
        return "null"
    names = {bool: "true or false", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return names.get(type(value), type(value).__name__)
