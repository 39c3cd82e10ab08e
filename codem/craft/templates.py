"""What the teacher is asked, as text files that one can read and replace (craft.prompts=<folder>).

in_depth/<operation>.txt, in_breadth/<operation>.txt: a seed's instruction -> a new one, for languages of that evolution
response.txt: an instruction -> its response
tests/<language>.txt: both -> tests, only for craft.validate=tests: codem/craft/validation.py

A placeholder is a name of small letters in braces; braces around anything else are text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from codem import plugins
from codem.craft.settings import Crafting
from codem.language_facts import LanguageFacts

OURS = Path(__file__).parent / "prompts"
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
EVOLVES = ({"language", "instruction"}, {"language", "instruction", "response"})
RESPONDS = ({"language", "instruction"}, {"language", "instruction"})
TESTS = ({"instruction", "response"}, {"language", "instruction", "response"})
"""(placeholders that a file must have, those that it may have)"""


@dataclass(frozen=True)
class Template:
    name: str
    text: str

    def filled(self, **values: str) -> str:
        """In one pass: braces in a value are text."""
        return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), self.text)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Templates:
    evolve: Mapping[str, Template]
    """By operation, sorted."""
    response: Template
    tests: Template | None
    """None: no tests are wanted."""

    def digests(self) -> dict[str, str]:
        """For the recipe: another text is another corpus."""
        all_of_them = [*self.evolve.values(), self.response, *([self.tests] if self.tests else [])]
        return {t.name: t.sha256[:16] for t in all_of_them}


def load(crafting: Crafting, facts: LanguageFacts, errors: list[str]) -> Templates | None:
    """The files that a corpus needs, or None after adding to `errors` everything that is wrong with them."""
    folder, operations, evolution = crafting.prompts, crafting.operations, facts.evolution
    root = Path(folder).expanduser() if folder else OURS
    before = len(errors)
    if not root.is_dir():
        errors.append(f"craft.prompts: expected a folder like {OURS}, found none at {folder}")
        return None
    have = sorted(p.stem for p in (root / evolution).glob("*.txt"))
    if not have:
        errors.append(f"craft.prompts: {root / evolution} has no *.txt; expected a file for each operation")
    for name in operations or ():
        if have and name not in have:
            errors.append(f"craft.operations: no {evolution}/{name}.txt; {plugins.suggest(name, have)}")
    if operations is not None and not operations:
        errors.append(f"craft.operations: expected one at least; {plugins.suggest('', have)}")
    wanted = sorted(set(operations) & set(have)) if operations is not None else have
    evolve = {name: _read(root / evolution / f"{name}.txt", f"{evolution}/{name}", EVOLVES, errors) for name in wanted}
    response = _read(root / "response.txt", "response", RESPONDS, errors)
    tests = None
    if crafting.validate == "tests":
        tests = _read(root / "tests" / f"{facts.name}.txt", f"tests/{facts.name}", TESTS, errors)
    return Templates(evolve, response, tests) if len(errors) == before else None


def _read(path: Path, name: str, rule: tuple[set[str], set[str]], errors: list[str]) -> Template:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
        errors.append(f"craft.prompts: {path}: cannot be read ({reason}); ours is in {OURS}")
        return Template(name, "")
    needed, allowed = rule
    found = set(PLACEHOLDER.findall(text))
    if missing := sorted(needed - found):
        errors.append(f"craft.prompts: {path}: lacks {_listed(missing)}; the teacher would not know what is meant")
    if unknown := sorted(found - allowed):
        errors.append(f"craft.prompts: {path}: nothing is put for {_listed(unknown)}; have {_listed(sorted(allowed))}")
    return Template(name, text)


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
