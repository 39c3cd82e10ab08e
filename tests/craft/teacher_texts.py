"""What the scripted teacher says: evolved instructions, programs in eight languages, pages, and tests for programs.

Nothing is remembered. An instruction names a project (`Amber Falcon 4821`), the name stands for a number, and the
program, the page and the tests of that instruction are drawn from that number: whoever asks gets the same answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import pages

from codem.world import render
from codem.world.cases import Case, cases
from codem.world.families import FAMILIES
from codem.world.fillings import Filling, training_filling
from codem.world.spec import Undefined, Value, evaluate
from codem.world.syntax import TITLES

LANGUAGES = {**TITLES, "html": "HTML"}
FIRST = (  # noqa: SIM905
    "Amber Azure Brass Bronze Cedar Chalk Cobalt Copper Coral Crimson Ebony Fern Flint Frost Garnet Ginger Granite "
    "Hazel Indigo Iron Ivory Jade Lilac Linen Maple Marble Mint Moss Olive Opal Pearl Pine Quartz Raven Ruby "
    "Saffron Sable Sage Sandy Silver Slate Teal Topaz Walnut"
).split()
SECOND = (  # noqa: SIM905
    "Anchor Badger Beacon Bridge Brook Canyon Comet Condor Crane Delta Falcon Ferry Fjord Forge Gazelle Glacier "
    "Harbor Heron Island Jackal Lantern Lynx Magnet Marmot Meadow Meteor Orchard Osprey Otter Parrot Pebble Prairie "
    "Puffin Rabbit Ridge River Rocket Signal Sparrow Spruce Summit Thicket Tiger Valley"
).split()
NUMBERS = 10_000
PLACES = (
    "a ferry timetable", "a seed bank", "a chess club's rankings", "a bicycle workshop", "a bakery's order book",
    "an observatory's night log", "a marathon's result list", "a parking garage", "a library's return desk",
    "a weather station", "a stamp collector's album", "a coffee roastery", "a lighthouse's signals", "a choir's rota",
    "a beekeeper's records", "a toll bridge", "a pottery kiln", "a rowing regatta", "a puzzle magazine",
    "a tram depot", "a vineyard's harvest", "a museum's cloakroom", "a ski lift", "a radio quiz",
)  # fmt: skip
DEMANDS = (
    "Do not allocate memory that the task does not need.", "Keep each function free of side effects.",
    "Negative inputs may occur and must not crash the program.", "Explain in a comment what each function returns.",
    "Avoid recursion.", "No helper may print anything.", "The caller runs it a million times per minute.",
    "Use plain loops rather than library calls.", "Short names are fine, but each needs one meaning only.",
    "Treat the empty input as a valid one.", "Say in one sentence how the time grows with the input.",
)  # fmt: skip
OPENINGS = (
    "The {title} service behind {place}, project {project}, lacks its arithmetic core.",
    "You maintain {title} code for {place} under the name {project}.",
    "For {project}, a {title} tool used by {place}, a small module has to be written from scratch.",
    "{project} is a {title} program about {place}; its old helpers were lost.",
)
INTROS = ("Here is the module:", "A complete version:", "This does what was asked.", "One way to write it:", "")
CLOSINGS = (
    "Every function runs in time that grows at most with the size of its input.",
    "Each function can be called by itself.",
    "The program needs nothing but the standard library.",
    "",
)
REFUSAL = "I'm sorry, but I can't assist with that request."
TWINS = 25
"""One project in so many is a near copy of a project that others copy as well."""


@dataclass(frozen=True)
class Module:
    """What one project asks for in one language."""

    project: str
    functions: tuple[Filling, ...]
    rng: random.Random


def project(number: int) -> str:
    number, third = divmod(number, NUMBERS)
    first, second = divmod(number, len(SECOND))
    return f"{FIRST[first % len(FIRST)]} {SECOND[second]} {third}"


PROJECT = re.compile(rf"\b({'|'.join(FIRST)}) ({'|'.join(SECOND)}) (\d{{1,4}})\b")
PROJECTS = len(FIRST) * len(SECOND) * NUMBERS


def project_in(text: str) -> str:
    """The last one that the text names: what stands before it may be an example. Empty: none."""
    found = list(PROJECT.finditer(text))
    return found[-1][0] if found else ""


def number_of(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big")


def module(name: str, lang: str) -> Module:
    number = number_of(name)
    rng = random.Random(f"{lang}/twin {number % 3}" if number % TWINS == 0 else f"{lang}/{name}")
    chosen: list[Filling] = []
    while len(chosen) < 3:
        filling = training_filling(rng.choice(FAMILIES), rng)
        if filling.family not in [f.family for f in chosen] and filling.name not in [f.name for f in chosen]:
            chosen.append(filling)
    return Module(name, tuple(chosen), rng)


def instruction(name: str, lang: str) -> str:
    if lang == "html":
        return pages.instruction(name)
    made = module(name, lang)
    rng = made.rng
    opening = rng.choice(OPENINGS).format(title=LANGUAGES[lang], place=rng.choice(PLACES), project=name)
    parts = [
        f"`{render.signature(f.function(), lang).strip().rstrip('{: ')}`: {f.description()}" for f in made.functions
    ]
    listed = "\n".join(f"{n}. {part}" for n, part in enumerate(parts, 1))
    return f"{opening} Write these {LANGUAGES[lang]} functions:\n{listed}\n{' '.join(rng.sample(DEMANDS, 2))}"


def answer(name: str, lang: str, broken: bool = False) -> str:
    """broken: it does not compile (Go, C and the like) or does not parse."""
    if lang == "html":
        return pages.answer(name)
    made = module(name, lang)
    rng = random.Random(f"words/{name}/{lang}")
    code = program(made, lang)
    if broken:
        code = code.replace("return ", "return unknownHelper + ", 1) if lang != "python" else code.replace(":", "", 1)
    fence = {"cpp": "cpp", "javascript": "javascript"}.get(lang, lang)
    return "\n\n".join(part for part in (rng.choice(INTROS), f"```{fence}\n{code}```", rng.choice(CLOSINGS)) if part)


def program(made: Module, lang: str) -> str:
    functions = []
    for filling in made.functions:
        function = filling.function()
        text = render.signature(function, lang) + render.body(function, lang)
        name = render.name_in(filling.name, lang)
        functions.append(render.comment(f"{name}: {filling.description()}", lang) + text)
    body = "\n".join(functions)
    if lang == "go":
        calls = "".join(f"\tfmt.Println({_call(claim)})\n" for claim in _claims(made.functions, lang, _cases, 1))
        return f'// Package main holds the helpers of {made.project}.\npackage main\n\nimport "fmt"\n\n{body}\n' + (
            f"func main() {{\n{calls}}}\n"
        )
    if lang == "java":
        indented = "".join(f"    {line}\n" if line else "\n" for line in body.rstrip().split("\n"))
        return f"class Solution {{\n{indented}}}\n"
    head = {
        "c": "#include <stdbool.h>\n#include <stdlib.h>\n#include <string.h>\n\n",
        "cpp": "#include <string>\nusing namespace std;\n\n",
    }
    return head.get(lang, "") + body


def _claims(
    functions: Sequence[Filling], lang: str, cases_of: Callable[[Filling], Sequence[Case]], most: int
) -> list[str]:
    """Boolean expressions that hold: of each function, `most` calls."""
    claims = []
    for filling in functions:
        for values, expected in cases_of(filling)[:most]:
            statement = render.test(filling.function(), lang, values, expected).strip().rstrip(";")
            claims.append(statement.removeprefix("codem_check(")[:-1])
    return claims


VALUES: dict[str, tuple[Value, ...]] = {
    "int": (7, -3, 0, 12, 40, 25, 1, -20),
    "nat": (7, 3, 0, 12, 40, 25, 1, 20),
    "positive": (7, 3, 2, 12, 40, 25, 1, 20),
    "small": (4, 3, 0, 6, 2, 5, 1, 7),
    "text": ("level", "go", "", "banana", "a", "tin", "strawberry", "moon"),
}


def _cases(filling: Filling) -> list[Case]:
    """Any; those of codem.world.cases are chosen with care, which takes time."""
    function, found = filling.function(), []
    for n in range(8):
        values = tuple(VALUES[domain][(n + 3 * i) % 8] for i, domain in enumerate(filling.family.takes))
        try:
            found.append((values, evaluate(function, values)))
        except Undefined:
            continue
    return found


def _call(claim: str) -> str:
    return re.split(r" ===? | is ", claim)[0]


def tests(name: str, lang: str, kind: str = "good") -> str:
    """A test program for the first function. kind: `good`, `wrong` (it expects something else), `vacuous`."""
    made = module(name, lang)
    first = made.functions[0].name
    claims = _claims(made.functions[:1], lang, cases, 6)
    if lang == "java":
        entry = render.name_in(first, lang)
        claims = [re.sub(rf"\b{entry}\(", f"s.{entry}(", claim) for claim in claims]
    calls = [_call(claim) for claim in claims]
    if kind == "wrong":
        claims[-1] = f"!({claims[-1]})" if lang != "python" else f"not ({claims[-1]})"
    head, line, plain, foot = FORMS[lang]
    if kind == "vacuous":
        lines = "".join(plain.format(call=call) for call in calls)
    else:
        lines = "".join(line.format(claim=claim) for claim in claims)
    return f"```{lang}\n{head.format(name=first.title().replace('_', ''))}{lines}{foot}```\n"


FORMS = {
    "go": (
        'import "testing"\n\nfunc Test{name}(t *testing.T) {{\n',
        '\tif !({claim}) {{\n\t\tt.Fatal("wrong")\n\t}}\n',
        "\t_ = {call}\n",
        "}\n",
    ),
    "python": ("", "assert {claim}\n", "{call}\n", ""),
    "javascript": ('const assert = require("node:assert");\n', "assert({claim});\n", "{call};\n", ""),
    "typescript": ('import assert from "node:assert";\n', "assert({claim});\n", "{call};\n", ""),
    "c": (
        "#include <assert.h>\n#include <string.h>\n\nint main(void) {{\n",
        "    assert({claim});\n",
        "    {call};\n",
        "    return 0;\n}\n",
    ),
    "cpp": ("#include <cassert>\n\nint main() {{\n", "    assert({claim});\n", "    {call};\n", "    return 0;\n}\n"),
    "java": (
        "class Main {{\n    public static void main(String[] args) {{\n        Solution s = new Solution();\n",
        "        if (!({claim})) throw new AssertionError();\n",
        "        System.out.print({call});\n",
        "    }\n}\n",
    ),
}
"""Start, a line that checks, a line that checks nothing, end."""
