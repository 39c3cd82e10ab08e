"""The same tests for every YAML file and every plug-in: a new file is tested by being there."""

import dataclasses

import pytest

from codem import config, generate, plugins, train
from codem.config import CONF, ROOT

LANGUAGES = plugins.names("languages")
METHODS = plugins.names("methods")
BENCHMARKS = [n.replace("_", "-") for n in plugins.names("benchmarks")]


def files(group: str) -> list[str]:
    return sorted(p.stem for p in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize("name", files("lang"))
def test_a_language_file_names_itself(name):
    """The package header, the file name and the name inside agree; otherwise it would run as another language."""
    header = (CONF / "lang" / f"{name}.yaml").read_text().splitlines()[0]
    assert header == f"# @package lang.{name}"
    (cell,) = config.cells([f"lang={name}"])
    assert cell.lang == (name,)
    facts = cell.languages[name]
    assert facts.name == name
    assert facts.title
    assert facts.executable == (name in LANGUAGES)
    if facts.parts is None:
        assert facts.extension.startswith(".")


@pytest.mark.parametrize("name", files("base"))
def test_a_base_file_names_itself(name):
    overrides = ["base=custom", "base.path=owner/model"] if name == "custom" else [f"base={name}"]
    (cell,) = config.cells(overrides)
    assert cell.base.name == ("owner--model" if name == "custom" else name)


@pytest.mark.parametrize("group", ["decode", "deepspeed", "launcher"])
def test_a_choice_names_itself(group):
    for name in files(group):
        (cell,) = config.cells([f"{group}={name}"])
        assert getattr(cell, group).name == name


@pytest.mark.parametrize("path", sorted((ROOT / "sweeps").glob("*.yaml")), ids=lambda p: p.stem)
def test_a_sweep_is_many_cells_with_a_folder_each(path):
    cells = config.cells([f"+sweeps={path.stem}"], multirun=True)
    assert len(cells) > 1
    assert len({train.run_of(c).folder for c in cells}) == len(cells)
    assert "-m +sweeps=" + path.stem in path.read_text(), "its header says how to run it"


@pytest.mark.parametrize("name", METHODS)
def test_a_method(name):
    module = plugins.load("methods", name)
    (cell,) = config.cells([f"method={name}"])
    assert isinstance(cell.method, module.Config)
    assert dataclasses.is_dataclass(module.Config)
    assert callable(module.train)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark(name):
    module = plugins.load("benchmarks", name)
    assert module.VERSION
    assert set(module.LANGUAGES) <= set(LANGUAGES)
    (cell,) = config.cells([f"bench={name}"])
    tasks = set()
    for lang in module.LANGUAGES:
        problems = generate.problems(name, cell.bench, lang)
        assert problems == module.problems(lang, cell.bench)
        assert len({p.id for p in problems}) == len(problems) > 0
        for p in problems:
            assert p.id.split("/")[:2] == [name, lang]
            assert p.task.split("/")[0] == name
            assert p.lang == lang
            assert p.signature.endswith("\n")
            assert p.entry_point in p.signature
            assert "codem_check(" in p.tests
            assert p.description
            assert p.reference
        tasks.add(tuple(p.task for p in problems))
    assert len(tasks) == 1, "the same tasks in every language, in the same order"


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_plug_in(name):
    module = plugins.load("languages", name)
    for part in ("toolchain", "assemble", "build"):
        assert callable(getattr(module, part))
    assert module.FLAGS
    found = module.toolchain()
    assert found.with_root
    assert found.without_root
