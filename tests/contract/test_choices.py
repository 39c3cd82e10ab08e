"""The same tests for every YAML file and every plug-in: a new file is tested by being there."""

import dataclasses

import pytest
import yaml

from codem import config, doctor, generate, plugins, train
from codem.config import CONF, ROOT
from codem.craft.composing import ENTRY
from codem.fine_tuning import FineTuning

LANGUAGES = plugins.names("languages")
METHODS = plugins.names("methods")
BENCHMARKS = [n.replace("_", "-") for n in plugins.names("benchmarks")]


def files(group: str) -> list[str]:
    return sorted(p.stem for p in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize("name", files("lang"))
def test_a_language_file_names_itself(name, tmp_path):
    """The package header, the file name and the name inside agree; otherwise it would run as another language."""
    header = (CONF / "lang" / f"{name}.yaml").read_text().splitlines()[0]
    assert header == f"# @package lang.{name}"
    (cell,) = config.cells([f"lang={name}", f"corpus.source={tmp_path}"])
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
    assert issubclass(module.Config, FineTuning)
    assert callable(module.train)
    assert cell.method_name == name
    held = set(yaml.safe_load((CONF / "method" / f"{name}.yaml").read_text())) - {"defaults", "name"}
    fields = {f.name for f in dataclasses.fields(module.Config)}
    own = fields - {f.name for f in dataclasses.fields(FineTuning)}
    assert own <= held <= fields, "conf/method/ has a value, and the reason for it, for everything of its own"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark(name, request, tmp_path):
    module = plugins.load("benchmarks", name)
    assert module.VERSION
    assert set(module.LANGUAGES) <= set(LANGUAGES)
    data_dir = None if name == "mini" else request.getfixturevalue("data_dir")
    (cell,) = config.cells([f"bench={name}", f"cache_dir={tmp_path}", *([f"data_dir={data_dir}"] if data_dir else [])])
    numbers = []
    for lang in module.LANGUAGES:
        problems = generate.problems(name, cell.bench, lang, cell.source)
        assert len({p.id for p in problems}) == len({p.task for p in problems}) == len(problems) > 0
        for p in problems:
            number = p.id.removeprefix(f"{name}/{lang}/")
            assert number.isdigit() and p.task == f"{name}/{number}"
            assert p.lang == lang
            assert p.signature.endswith("\n")
            assert p.entry_point in p.signature
            assert p.style in ("statements", "program")
            assert p.description
            assert p.tests
        assert all(p.reference for p in doctor.corrected(name, problems)), "what can be solved has a solution"
        numbers.append([int(p.task.split("/")[1]) for p in problems])
    assert all(row == sorted(row) for row in numbers), "in the same order in every language"
    shared = set.intersection(*map(set, numbers))
    assert len(shared) > 0.9 * max(map(len, numbers)), "the same tasks, so that languages can be compared"


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_plug_in(name):
    module = plugins.load("languages", name)
    for part in ("toolchain", "assemble", "build"):
        assert callable(getattr(module, part))
    assert module.FLAGS
    found = module.toolchain()
    assert found.with_root
    assert found.without_root


@pytest.mark.parametrize("name", files("teacher"))
def test_a_teacher_names_itself(name, monkeypatch):
    held = yaml.safe_load((CONF / "teacher" / f"{name}.yaml").read_text())
    if held["key_env"]:
        monkeypatch.setenv(held["key_env"], "a-key-of-a-test")
    unsaid = ["teacher.model=some-model"] if held["model"] == "???" else []
    (craft,) = config.records([f"teacher={name}", *unsaid], False, ENTRY)
    assert craft.teacher.name == name
    assert set(held) == {f.name for f in dataclasses.fields(craft.teacher)}, "every setting has a value in the file"
