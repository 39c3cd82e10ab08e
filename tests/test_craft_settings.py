"""The command line of codem.craft: what it composes, and every mistake at once with its fix."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from codem import config
from codem.craft.composing import ENTRY, NO_KEY, key_of
from codem.craft.templates import OURS
from codem.errors import ConfigErrors

LOCAL = ["teacher=local", "teacher.model=m"]
KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def records(*overrides, multirun=False):
    return config.records(list(overrides), multirun, ENTRY)


def errors(*overrides, multirun=False):
    with pytest.raises(ConfigErrors) as caught:
        records(*overrides, multirun=multirun)
    return caught.value.errors


def command(*arguments, cwd, **environment):
    code = [sys.executable, "-m", "codem.craft", *arguments]
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parent.parent), "HOME": str(cwd), **environment}
    return subprocess.run(code, cwd=cwd, capture_output=True, text=True, env=env, timeout=120)


def test_the_defaults_are_the_papers(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (one,) = records("lang=go")
    assert (one.n, one.seeds, one.teacher.model) == (9000, "sahil2801/CodeAlpaca-20k", "gpt-3.5-turbo")
    assert str(one.place.corpus) == "corpora/gpt-3.5-turbo/go.jsonl"
    assert key_of(one.teacher) == KEY and KEY not in repr(one)


def test_several_languages_are_a_corpus_each():
    made = records("lang=python,go,html", *LOCAL, multirun=True)
    assert [c.lang for c in made] == ["python", "go", "html"]
    assert [c.facts.evolution for c in made] == ["in_depth", "in_depth", "in_breadth"]


def test_every_language_is_evolved_as_in_the_paper():
    for path in sorted((config.CONF / "lang").glob("*.yaml")):
        stated = yaml.safe_load(path.read_text())
        if "parts" not in stated:
            assert stated["evolution"] == ("in_breadth" if stated["name"] == "html" else "in_depth")


def test_all_mistakes_at_once():
    found = "\n".join(
        errors(
            "lang=[go,python]", "n=0", "teacher.temperature=hot", "craft.validate=yes", "against=[humaneval-y]",
            "teacher=openia", "craft.max_usd=-1", "data_dir=/nowhere", "nn=3",
        )
    )  # fmt: skip
    for expected in (
        "for several, give -m lang=go,python",
        "n: expected 1 or more, found 0",
        "teacher: no choice named openia; did you mean openai?",
        "teacher.temperature: expected a number, found 'hot'",
        "craft.validate: expected one of none, tests",
        "against: no benchmark humaneval-y; did you mean",
        "craft.max_usd: expected a number above 0",
        "nn: unknown key",
    ):
        assert expected in found


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["lang=mixed"], "mixed is no language of its own"),
        (["lang=go,python"], "add -m"),
        (["lang=html", "craft.validate=tests"], "nothing runs it"),
        (["craft.max_usd=3", "teacher.usd_per_million_input=null"], "needs today's prices"),
        (["craft.operations=[page]"], "no in_depth/page.txt; have constraint"),
        (["craft.operations=[]"], "expected one at least"),
        (["craft.min_response_tokens=3000"], "at most craft.max_response_tokens=1024"),
        (["tokenizer=no-such"], "a hub id has the form owner/name"),
        (["data_dir=/no/such/folder"], "expected a folder with the benchmarks' files"),
        (["craft.prompts=/no/such/folder"], "expected a folder like"),
        (["teacher.base_url=localhost"], "expected an address like"),
        (["~craft"], "it cannot be left out"),
        (["~teacher"], "it cannot be left out"),
    ],
)
def test_mistakes(overrides, expected):
    lang = [] if any(o.startswith("lang=") for o in overrides) else ["lang=go"]
    assert any(expected in e for e in errors(*lang, *LOCAL, *overrides))


def test_two_corpora_that_would_share_a_file():
    found = errors("lang=go", "n=5,6", *LOCAL, multirun=True)
    assert len(found) == 1 and "run them one by one" in found[0]
    assert len(records("lang=go,go", *LOCAL, multirun=True)) == 1
    assert len(records("lang=go", "seed=0,0", *LOCAL, multirun=True)) == 1


def test_the_key_is_needed_but_for_a_local_endpoint(monkeypatch):
    assert any("OPENAI_API_KEY is not set" in e for e in errors("lang=go"))
    assert any("OPENAI_API_KEY is not set" in e for e in errors("lang=go", "teacher.base_url=http://10.0.0.3/v1"))
    (one,) = records("lang=go", "teacher.base_url=http://127.0.0.1:8000/v1")
    assert key_of(one.teacher) == NO_KEY
    (one,) = records("lang=go", "teacher.base_url=http://10.0.0.3/v1", "teacher.key_env=null")
    assert key_of(one.teacher) == NO_KEY


@pytest.mark.parametrize(
    ("overrides", "environment"),
    [
        ([f"teacher.key_env={KEY}"], {}),
        ([f"teacher.base_url=https://user:{KEY}@host/v1"], {}),
        ([f"teacher.base_url='https://host/v1?key={KEY}'"], {}),
        ([], {"OPENAI_API_KEY": f"{KEY} {KEY}"}),
        ([], {"OPENAI_API_KEY": f"é{KEY}"}),
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(overrides, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = errors("lang=go", *overrides)
    assert found and not any(KEY in e for e in found)


def test_help_and_cfg_show_settings_and_no_key(tmp_path):
    said = command("--help", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert said.returncode == 0 and "teacher: local, openai" in said.stdout and "sweeps" not in said.stdout
    shown = command("lang=html", "--cfg", "job", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert shown.returncode == 0 and "key_env: OPENAI_API_KEY" in shown.stdout and "in_breadth" in shown.stdout
    assert KEY not in said.stdout + shown.stdout + shown.stderr


def test_exit_code_2_before_anything_is_done(tmp_path):
    said = command("lang=gop", "teacher.model=", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert said.returncode == 2 and "did you mean go?" in said.stderr
    missing = command("lang=go", *LOCAL, "seeds=nothing.json", "against=[]", "data_dir=.", cwd=tmp_path)
    assert missing.returncode == 2 and "nothing.json" in missing.stderr
    assert not (tmp_path / "corpora").exists()


def test_prompts_that_lack_a_placeholder(tmp_path):
    (tmp_path / "in_depth").mkdir()
    (tmp_path / "in_depth" / "mine.txt").write_text("Make {instruction} harder, {langauge}! Keep { braces } and {2}.")
    (tmp_path / "response.txt").write_bytes(b"\xff\xfe")
    found = errors("lang=go", *LOCAL, f"craft.prompts={tmp_path}")
    assert any("mine.txt: lacks {language}" in e for e in found)
    assert any("nothing is put for {langauge}" in e for e in found)
    assert any("response.txt: cannot be read (not UTF-8)" in e for e in found)
    (tmp_path / "in_depth" / "mine.txt").write_text("In {language}, make this harder: {instruction} {x: 1}")
    (tmp_path / "response.txt").write_text("Solve in {language}: {instruction}")
    assert records("lang=go", *LOCAL, f"craft.prompts={tmp_path}")[0].craft.prompts == str(tmp_path)
    assert any("in_breadth has no *.txt" in e for e in errors("lang=html", *LOCAL, f"craft.prompts={tmp_path}"))


def test_every_prompt_of_ours_names_the_language_before_the_seed():
    files = sorted(OURS.rglob("*.txt"))
    assert len(files) > 10
    for path in files:
        text = path.read_text()
        assert text.count("{instruction}") == 1
        if "{language}" in text:
            assert text.index("{language}") < text.index("{instruction}")


def test_craft_changes_nothing_for_the_grid():
    with pytest.raises(ConfigErrors):
        config.cells(["teacher=openai"])
    with pytest.raises(ConfigErrors):
        records("lang=go", "method=lora", *LOCAL)
    with pytest.raises(ConfigErrors):
        records("lang=go", "+sweeps=demo", *LOCAL, multirun=True)
