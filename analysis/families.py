"""What conf/lang says of the languages that the analysis compares: their family and their typing.

Read as plain YAML from a clone; without one (a laptop with only a runs folder), as the paper's data file has it.
"""

from __future__ import annotations

from pathlib import Path

CONF = Path(__file__).resolve().parent.parent / "conf" / "lang"


def families(folder: Path = CONF) -> dict[str, str]:
    """Language -> family of syntax; mixtures have none."""
    from analysis import paper

    return _field("family", folder) or paper.families()


def typing(folder: Path = CONF) -> dict[str, str]:
    """Language -> `static` or `dynamic`; languages without types are left out."""
    from analysis import paper

    return _field("typing", folder) or paper.typing()


def _field(name: str, folder: Path) -> dict[str, str]:
    import yaml

    files = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))}
    return {lang: str(facts[name]) for lang, facts in files.items() if isinstance(facts, dict) and facts.get(name)}
