"""The words of a text, as decontamination compares them."""

from __future__ import annotations

import re

WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
ENDING = re.compile(r"(?:ing|ed|es|s|ly)\Z")
EXAMPLES = re.compile(r">>>|\b[Ee]xamples?\b|\b[Ff]or [a-z_ ]*=|This is given:")
"""Where the prose of a description ends."""
GLUE = """
a about above after all also an and any are as at be because been before below between both but by can could do does
doing each either else for from given gives had has have having here how if in into is it its itself just let may me
more most must my need needs new no not of on one only or other otherwise our out over own please same should so some
such than that the their them then there these they this those through to two under until up use used uses using want
was we were what when where whether which while who will with without would you your
"""
TRADE = """
answer argument arguments array arrays boolean calculate call called check checks class code compute computes contain
contains count create creates def element elements empty equal example examples exists false find finds first float
following func function functions get go implement implementation index input inputs int integer integers java
javascript language last length less list lists make maximum method minimum name named none note null number numbers
order output outputs pair parameter parameters positive print problem program provided public python result results
return returned returns rust set sequence solution solve static std str string strings sum take takes task test tests
total true type types typescript value values variable vector void world write
"""
"""What every programming exercise says."""
COMMON = frozenset(GLUE.split()) | frozenset(TRADE.split())
"""They say little about which problem a text poses."""


def words(text: str) -> list[str]:
    """Lower case, without punctuation, comment marks and line breaks; a number is a word, `2.0` is `2`."""
    return [w.rstrip("0").rstrip(".") if "." in w else w for w in WORD.findall(text.lower())]


def prose(description: str) -> str:
    """What a description says before its examples."""
    return EXAMPLES.split(description, maxsplit=1)[0]


def topics(found: list[str]) -> set[str]:
    """The words that say which problem it is, without their endings."""
    telling = (w for w in found if len(w) > 2 and w not in COMMON and not w[0].isdigit())
    return {ENDING.sub("", w) if len(w) > 4 else w for w in telling}


def parts(identifier: str) -> tuple[str, ...]:
    """`hasCloseElements`, `has_close_elements` -> (`has`, `close`, `elements`)."""
    return tuple(part.lower() for part in HUMP.findall(identifier))
