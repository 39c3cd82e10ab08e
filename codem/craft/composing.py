"""A composed tree of settings -> a Craft, strictly, or every error at once."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from codem import plugins
from codem.benchmark_data import Source
from codem.cell import data_dir
from codem.choices import CONF
from codem.craft import templates, validation
from codem.craft.settings import Craft, Crafting, Teacher
from codem.entry import Entry
from codem.errors import ConfigErrors
from codem.knob import knob
from codem.language_facts import LanguageFacts
from codem.run import Crafted
from codem.sandbox import KINDS as SANDBOXES
from codem.settings import Base
from codem.strict import convert

LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0")
NO_KEY = "none"
"""What the client sends where the endpoint wants no key: it insists on one."""
SHORTEST_KEY = 4
"""A key is taken out of whatever an endpoint echoes; one that is part of any word would take the words along."""


@dataclasses.dataclass(frozen=True)
class Top:
    """The settings of conf/craft.yaml itself that are single values."""

    seeds: str
    out: str
    cache_dir: str
    against: tuple[str, ...]
    n: int = knob(least=1)
    seed: int = 0
    name: str | None = None
    tokenizer: str | None = None
    data_dir: str | None = None
    workers: int | None = knob(None, least=1)
    sandbox: str = knob("auto", choices=SANDBOXES)


def to_craft(tree: dict[str, Any], facts: dict[str, LanguageFacts]) -> Craft:
    """Raises ConfigErrors."""
    errors: list[str] = []
    teacher = convert(Teacher, tree.pop("teacher"), "teacher", errors)
    crafting = convert(Crafting, tree.pop("craft"), "craft", errors)
    lang = _language(sorted(tree.pop("lang", {})), facts, errors)
    tree["against"] = _benchmarks(tree["against"], errors)
    top = convert(Top, tree, "", errors)
    if teacher is not None:
        _check_teacher(teacher, crafting, errors)
    if lang is not None and crafting is not None:
        reason = validation.config_error(facts[lang]) if crafting.validate == "tests" else None
        if reason:
            errors.append(reason)
        else:
            templates.load(crafting, facts[lang], errors)
    if crafting is not None and crafting.min_response_tokens > crafting.max_response_tokens:
        errors.append(
            f"craft.min_response_tokens: expected at most craft.max_response_tokens={crafting.max_response_tokens}, "
            f"found {crafting.min_response_tokens}"
        )
    if importlib.util.find_spec("openai") is None:
        errors.append("the package openai is missing; install codem with it: pip install -e '.[corpus]'")
    base, source = None, None
    if top is not None:
        base = _base(top.tokenizer, errors)
        source = Source(data_dir(top.data_dir, errors), Path(top.cache_dir).expanduser())
    if errors or lang is None or top is None or teacher is None or crafting is None or source is None:
        raise ConfigErrors(errors)
    return Craft(
        lang=lang,
        facts=facts[lang],
        n=top.n,
        seeds=top.seeds,
        place=Crafted(Path(top.out).expanduser(), _name(top.name or teacher.model), lang),
        seed=top.seed,
        tokenizer=base,
        against=tuple(dict.fromkeys(top.against)),
        source=source,
        workers=top.workers or os.cpu_count() or 1,
        sandbox=top.sandbox,
        teacher=teacher,
        craft=crafting,
    )


def key_of(teacher: Teacher) -> str:
    """From the environment; it is never part of a setting, and nothing that is printed or kept may hold it."""
    return (os.environ.get(teacher.key_env, "").strip() if teacher.key_env else "") or NO_KEY


def _language(names: Sequence[str], facts: dict[str, LanguageFacts], errors: list[str]) -> str | None:
    real = sorted(n for n, f in facts.items() if f.parts is None)
    if len(names) != 1:
        errors.append(f"lang: a corpus has one language; for several, give -m lang={','.join(names) or 'python,go'}")
        return None
    if names[0] not in real:
        errors.append(
            f"lang: {names[0]} is no language of its own; craft its parts with -m lang=<one,two>, and train with "
            f"lang={names[0]} corpus.source=<out>/<name>; have {', '.join(real)}"
        )
        return None
    return names[0]


def _check_teacher(teacher: Teacher, crafting: Crafting | None, errors: list[str]) -> None:
    url = urlsplit(teacher.base_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        errors.append("teacher.base_url: expected an address like https://host/v1")
    elif url.username or url.password or url.query:
        errors.append(
            "teacher.base_url: expected an address alone; a key belongs into the environment: teacher.key_env"
        )
    if not teacher.model:
        errors.append("teacher.model: expected a model's name as the endpoint has it")
    if teacher.key_env is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", teacher.key_env):
        errors.append(
            "teacher.key_env: expected the name of an environment variable, such as OPENAI_API_KEY, in capitals"
        )
    elif teacher.key_env and key_of(teacher) == NO_KEY and url.hostname not in LOCAL:
        errors.append(
            f"teacher.key_env: the environment variable {teacher.key_env} is not set; export it, or give "
            f"teacher.key_env=null for an endpoint that asks for no key"
        )
    elif not re.fullmatch(r"[!-~]+", key_of(teacher)):
        errors.append(f"teacher.key_env: what {teacher.key_env} holds cannot be a key: it has odd characters")
    elif 0 < len(key_of(teacher)) < SHORTEST_KEY and key_of(teacher) != NO_KEY:
        errors.append(f"teacher.key_env: what {teacher.key_env} holds is too short to be a key")
    if crafting is not None and crafting.max_usd is not None and not teacher.is_priced:
        errors.append(
            "craft.max_usd: needs today's prices; give teacher.usd_per_million_input= and "
            "teacher.usd_per_million_output=, or limit craft.max_tokens instead"
        )


def _benchmarks(given: Any, errors: list[str]) -> list[str]:
    names = [given] if isinstance(given, str) else list(given or [])
    have = [n.replace("_", "-") for n in plugins.names("benchmarks")]
    errors += [f"against: no benchmark {b}; {plugins.suggest(str(b), have)}" for b in names if b not in have]
    return names


def _base(given: str | None, errors: list[str]) -> Base | None:
    if given is None:
        return None
    stated = CONF / "base" / f"{given}.yaml"
    if stated.is_file() and given != "custom":
        return convert(Base, yaml.safe_load(stated.read_text("utf-8"))["base"], "tokenizer", errors)
    folder = Path(given).expanduser()
    if not folder.is_dir() and not re.fullmatch(r"[\w.-]+/[\w.-]+", given):
        have = sorted(p.stem for p in (CONF / "base").glob("*.yaml") if p.stem != "custom")
        errors.append(
            f"tokenizer: no folder {given}, and a hub id has the form owner/name; {plugins.suggest(given, have)}"
        )
    return Base(str(folder.resolve()) if folder.is_dir() else given, given)


def _name(given: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "--", given).lstrip(".-") or "corpus"


def _collisions(made: Sequence[Craft]) -> list[str]:
    errors: list[str] = []
    owners: dict[Crafted, Craft] = {}
    for one in made:
        if (first := owners.setdefault(one.place, one)) != one:
            differ = [f.name for f in dataclasses.fields(Craft) if getattr(first, f.name) != getattr(one, f.name)]
            errors.append(
                f"{', '.join(differ)}: two corpora would be {one.place} and differ; run them one by one, each with "
                f"its own name=<folder>"
            )
    return errors


ENTRY = Entry(
    primary="craft",
    required=("lang", "teacher", "craft"),
    make=to_craft,
    axes=lambda one: (one.lang, one.place, one.n, one.seed),
    collisions=_collisions,
    examples=(
        "\n  -m lang=python,go,html     one corpus after another"
        "\n  teacher=local teacher.model=<name> teacher.base_url=http://127.0.0.1:8000/v1"
        "\n  craft.max_usd=20           a budget: nothing is asked that could pass it"
    ),
)
