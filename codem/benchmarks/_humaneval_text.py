"""How the texts of HumanEval and its sisters are taken apart: comments, headers, the functions that are given."""

from __future__ import annotations

import inspect
import re

COMMENT = re.compile(r"/\*[\s\S]*?\*/|(?:^[ \t]*//[^\n]*(?:\n|\Z)(?:[ \t]*\n(?=[ \t]*//))*)+", re.M)


def last_comment(text: str) -> str:
    """What the last comment of a prompt says, without its marks."""
    comments = COMMENT.findall(text)
    return comment_text(comments[-1]) if comments else ""


def comment_text(comment: str) -> str:
    comment = comment.strip("\n")
    if comment.lstrip().startswith("//"):
        return prose(re.sub(r"^[ \t]*// ?", "", comment, flags=re.M))
    inside = re.sub(r"\A\s*/\*+|\*+/\s*\Z", "", comment)
    lines = [line for line in inside.split("\n") if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("*") for line in lines):
        inside = re.sub(r"^[ \t]*\* ?", "", inside, flags=re.M)
    return prose(inside)


def prose(text: str) -> str:
    """Without the indentation that it had in the code; that of the examples stays. Two of HumanEval's docstrings begin
    with a quotation mark that nothing closes."""
    lines = inspect.cleandoc(text.strip("\n")).removeprefix('"').split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def header(prompt: str) -> str:
    """The last line of a prompt that is code, in a language with braces: the function that is to be continued."""
    code = [line for line in COMMENT.sub("", prompt).split("\n") if line.strip()]
    return code[-1].strip()


def with_given(description: str, given: str) -> str:
    """The benchmark defines functions that the answer may call: a model must see them, and sees only this text."""
    return f"{description}\n\nThis is given:\n\n{given.strip()}" if given.strip() else description


def top_level_functions(source: str, start: re.Pattern[str]) -> list[tuple[str, str]]:
    """(name, text) of each function that begins outside all braces. `start` has the name as its first group."""
    depth, cuts = 0, []
    begins = {m.start(): m[1] for m in start.finditer(source)}
    for at, character in enumerate(source):
        if depth == 0 and at in begins:
            cuts.append((at, begins[at]))
        depth += (character == "{") - (character == "}")
    ends = [at for at, _ in cuts[1:]] + [len(source)]
    return [(name, source[at:end]) for (at, name), end in zip(cuts, ends, strict=True)]
