"""Is a pair worth learning from, as far as its text tells? Every no has a reason and what shows it.

filters.content(pair, facts, Limits(), count_tokens)    # None: nothing speaks against it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codem.corpus.code import Block, blocks
from codem.corpus.identify import Identified, identify, title
from codem.corpus.pair import Pair
from codem.corpus.refusals import refusal
from codem.corpus.rejection import Reason, Rejection
from codem.language_facts import LanguageFacts

CountTokens = Callable[[str], int]
"""How many tokens of the base model a text has. `remembered` makes one that has counted many texts at once."""


@dataclass(frozen=True)
class Limits:
    """In tokens of the base model."""

    min_response_tokens: int = 8
    max_response_tokens: int = 1024
    max_tokens: int = 2048
    """Of instruction and response together, without the prompt around them."""


def content(pair: Pair, facts: LanguageFacts, limits: Limits, count_tokens: CountTokens) -> Rejection | None:
    """In this order: empty, a refusal, no code, code of another language, code that does not parse, too short or long.

    Of several blocks those of the target language count: there must be one, and all must parse. Beside them a response
    may have others: the command that runs it, its output. A language without a grammar is not parsed.
    """
    found = code_of(pair, facts)
    if isinstance(found, Rejection):
        return found
    for block, made in found:
        if made.trouble is not None:
            line = block.line - 1 + made.trouble.line
            return Rejection(pair.id, Reason.DOES_NOT_PARSE, f"as {facts.title}, {made.trouble.at_line(line)}")
    return length(pair, limits, count_tokens)


def code_of(pair: Pair, facts: LanguageFacts) -> list[tuple[Block, Identified]] | Rejection:
    """The blocks of the response in the target language, or why there are none."""
    for name, text in (("instruction", pair.instruction), ("response", pair.response)):
        if not text.strip():
            return Rejection(pair.id, Reason.EMPTY, f"the {name} is empty")
    have = blocks(pair.response)
    fenced = any(block.fenced for block in have)
    if not fenced and (said := refusal(pair.response)):
        return Rejection(pair.id, Reason.REFUSAL, said)
    read = [(block, identify(block, facts.name)) for block in have]
    mine = [(block, made) for block, made in read if made.is_in(facts.name)]
    if mine:
        return mine
    others = [(block, made) for block, made in read if made.lang]
    if not others:
        return Rejection(pair.id, Reason.NO_CODE, f"no {facts.title} in: {_opening(pair.response)}")
    block, made = max(others, key=lambda other: len(other[0].text))
    evidence = f"expected {facts.title}, found {title(made.lang)}: {made.reason}; it begins: {_opening(block.text)}"
    return Rejection(pair.id, Reason.OTHER_LANGUAGE, evidence)


def length(pair: Pair, limits: Limits, count_tokens: CountTokens) -> Rejection | None:
    response = count_tokens(pair.response)
    if response < limits.min_response_tokens:
        evidence = f"the response has {response} tokens, at least {limits.min_response_tokens} are asked for"
        return Rejection(pair.id, Reason.TOO_SHORT, evidence)
    if response > limits.max_response_tokens:
        evidence = f"the response has {response} tokens, at most {limits.max_response_tokens} are allowed"
        return Rejection(pair.id, Reason.TOO_LONG, evidence)
    both = response + count_tokens(pair.instruction)
    if both > limits.max_tokens:
        evidence = f"instruction and response have {both} tokens, at most {limits.max_tokens} are allowed"
        return Rejection(pair.id, Reason.TOO_LONG, evidence)
    return None


def remembered(pairs: Sequence[Pair], count_many: Callable[[list[str]], list[int]], batch: int = 1000) -> CountTokens:
    """Counts the texts of these pairs now, many at once, as fast tokenizers like it; other texts one by one."""
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.response, pair.instruction)))
    known: dict[str, int] = {}
    for start in range(0, len(texts), batch):
        some = texts[start : start + batch]
        known.update(zip(some, count_many(some), strict=True))

    def count(text: str) -> int:
        if text not in known:
            known[text] = count_many([text])[0]
        return known[text]

    return count


def _opening(text: str) -> str:
    return " ".join(text.split())[:120]
