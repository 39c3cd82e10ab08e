"""What the scripted teacher answers to a request: decided by its text alone, as are its bad answers."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

import teacher_texts as texts

TOKENS_PER_WORD = 1.3
TITLES = sorted(texts.LANGUAGES.items(), key=lambda item: -len(item[1]))
LANGUAGE = re.compile("|".join(rf"(?<![\w+#]){re.escape(title)}(?![\w+#])" for _, title in TITLES))
EVOLVES = re.compile(r"\b(re-?write|evolve|invent|new (instruction|task|exercise|problem)|brand[- ]new)", re.I)
TESTS = re.compile(r"\btests?\b", re.I)


def step_of(prompt: str) -> str:
    """`tests`, `evolve` or `answer`, as a reader would understand the prompt's first line."""
    beginning = prompt.strip().split("\n")[0]
    if EVOLVES.search(beginning):
        return "evolve"
    return "tests" if TESTS.search(beginning) else "answer"


def language_of(prompt: str) -> str:
    """The first one that the prompt names."""
    found = LANGUAGE.search(prompt)
    return next(name for name, title in TITLES if found is None or title == found[0])


class Draw:
    """Numbers that depend on a request alone, each question having its own."""

    def __init__(self, key: str):
        self.key = key

    def of(self, question: str, below: int) -> int:
        return int.from_bytes(sha256(f"{self.key}/{question}".encode()).digest()[:6], "big") % below


def bad_content(step: str, draw: Draw) -> str:
    """What is wrong with the answer to this request whenever it is asked; empty: nothing."""
    kinds = {
        "evolve": ("refusal", "empty", "policy_400", "length"),
        "answer": (
            "refusal",
            "refusal_field",
            "null",
            "empty",
            "length",
            "other_language",
            "broken",
            "no_code",
            "plant",
        ),
        "tests": ("refusal", "length", "wrong", "vacuous", "no_code"),
    }[step]
    number = draw.of("content", 100)
    often = 2 if step == "tests" else 1
    return kinds[number // often] if number < len(kinds) * often else ""


def answer_to(prompt: str, key: str, plants: list[dict[str, str]]) -> dict[str, Any]:
    """The message and its finish_reason; {} for what the service's policy forbids."""
    step, lang, draw = step_of(prompt), language_of(prompt), Draw(key)
    bad, finish = bad_content(step, draw), "stop"
    project = texts.project_in(prompt) or texts.project(draw.of("project", texts.PROJECTS))
    planted = [plant for plant in plants if plant["lang"] == lang and plant["instruction"].strip() in prompt]
    content: str | None
    if step == "evolve":
        content = texts.instruction(texts.project(draw.of("project", texts.PROJECTS)), lang)
        mine = [plant for plant in plants if plant["lang"] == lang]
        if mine and draw.of("plant", 20) == 0:
            content = mine[draw.of("which", len(mine))]["instruction"]
    elif step == "tests":
        content = texts.tests(project, lang, bad if bad in ("wrong", "vacuous") else "good")
    elif planted:
        content = f"```{lang}\n{planted[0]['response'].strip()}\n```"
    else:
        other = "python" if lang != "python" else "javascript"
        content = texts.answer(project, other if bad == "other_language" else lang, broken=bad == "broken")
    refusal = None
    if bad == "policy_400":
        return {}
    if bad == "refusal":
        content = texts.REFUSAL
    elif bad == "refusal_field":
        content, refusal = None, texts.REFUSAL
    elif bad in ("null", "empty"):
        content = None if bad == "null" else ""
    elif bad == "no_code":
        content = "This is best done with a loop over the input that keeps a running total."
    elif bad == "length":
        content, finish = content[: len(content) // 2], "length"
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"message": message, "finish_reason": finish}


def events(reply: dict[str, Any]) -> bytes:
    """The same as a stream: the text in pieces, then why it ends, then what it took."""
    deltas: list[tuple[dict[str, Any], str | None]] = []
    for choice in reply["choices"]:
        message = choice["message"]
        text = message["content"] or ""
        deltas += [({**message, "content": None if message["content"] is None else ""}, None)]
        deltas += [({"content": text[at : at + 40]}, None) for at in range(0, len(text), 40)]
        deltas += [({}, choice["finish_reason"])]
    head = {key: value for key, value in reply.items() if key not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": f}]} for d, f in deltas]
    if "usage" in reply:
        chunks.append({**head, "choices": [], "usage": reply["usage"]})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"


def usage_of(prompt: str, content: str) -> dict[str, int]:
    asked, said = (int(TOKENS_PER_WORD * len(text.split())) + 1 for text in (prompt, content))
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
