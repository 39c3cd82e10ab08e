"""Hydra's config becomes cells, or every error at once."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from codem import config, generate, train
from codem.benchmark_data import Source
from codem.errors import ConfigErrors
from codem.settings import NOT_IDENTITY, Cell, Launch, Shard


def one(*overrides: str) -> Cell:
    (cell,) = config.cells(list(overrides))
    return cell


def errors(*overrides: str, multirun: bool = False) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        config.cells(list(overrides), multirun)
    return caught.value.errors


def test_the_defaults_are_the_embedded_ones():
    cell = one()
    assert (cell.base.name, cell.bench_name, cell.method_name, cell.deepspeed.name, cell.launcher.name) == (
        "tiny",
        "mini",
        "sft",
        "zero2",
        "local",
    )
    assert cell.lang == cell.parts == ("python",)


def test_the_papers_recipe_is_the_default_of_a_real_base():
    method = one("base=starcoder-7b").method
    assert (method.batch_per_gpu, method.grad_accumulation, method.lr, method.warmup_steps) == (2, 4, 2e-5, 30)
    assert (method.schedule, method.precision) == ("cosine", "fp16")


def test_a_comma_list_is_one_cell_each():
    cells = config.cells(["lang=python,go,html", "seed=0,1"], multirun=True)
    assert [(c.train_name, c.seed) for c in cells] == [
        ("python", 0), ("python", 1), ("go", 0), ("go", 1), ("html", 0), ("html", 1)
    ]  # fmt: skip


def test_brackets_are_a_mixture_whatever_the_order():
    assert one("lang=[python,go]").train_name == one("lang=[go,python]").train_name == "go+python"
    cells = config.cells(["lang=[python,go],[java],mixed,none"], multirun=True)
    assert [c.train_name for c in cells] == ["go+python", "java", "mixed", "none"]


def test_mixed_draws_on_every_language_and_none_on_nothing():
    everything = one("lang=mixed").parts
    assert set(everything) == {"python", "javascript", "typescript", "c", "cpp", "java", "go", "html"}
    assert one("lang=none").parts == ()


def test_a_hub_id_or_a_folder_is_a_base(tmp_path):
    assert one("base=bigcode/starcoderbase-1b").base.name == "bigcode--starcoderbase-1b"
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    cell = one(f"base={tmp_path}")
    assert (cell.base.name, cell.base.path) == (tmp_path.name, str(tmp_path))
    names = [c.base.name for c in config.cells([f"base=tiny,{tmp_path},a/b"], multirun=True)]
    assert names == ["tiny", tmp_path.name, "a--b"]


def test_eval_languages_come_in_the_benchmarks_order():
    assert one("eval_lang=[c,python]").eval_lang == ("python", "c")
    assert one("eval_lang=c").eval_lang == ("c",)


def test_three_errors_at_once_each_with_its_fix():
    found = errors("lang=pyhton", "method.lr=-1", "eval_lang=[cobol]")
    assert len(found) == 3
    assert "did you mean python?" in found[0]
    assert found[1] == "method.lr: expected a number above 0, found -1.0"
    assert "cobol" in found[2]
    assert "javascript" in found[2]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("sweep=demo", "did you mean +sweeps="),
        ("+sweep=demo", "did you mean +sweeps="),
        ("method.rnak=3", "method.rnak: unknown key; have"),
        ("methd=sft", "did you mean method?"),
        ("+method.extra=1", "method.extra: unknown key"),
        ("deepspeed=zero9", "did you mean zero3?"),
        ("bench=mine", "no choice named mine; did you mean mini?"),
        ("seed=one", "seed: expected a whole number, found 'one'"),
        ("workers=0", "workers: expected 1 or more, found 0"),
        ("method.precision=fp8", "expected one of fp16, bf16, fp32, found fp8"),
        ("engine.dtype=fp8", "expected one of auto, fp32, fp16, bf16, found fp8"),
        ("tracker=excel", "expected one of none, tensorboard, wandb, mlflow, found excel"),
        ("decode.max_tokens=1.5", "decode.max_tokens: expected a whole number, found 1.5"),
        ("eval_lang=[html]", "the benchmark mini has no html"),
        ("eval_lang=[]", "expected all or a list of languages"),
        ("lang=[]", "lang: expected at least one"),
        ("lang=[none,go]", "none stands for a whole row"),
        ("lang=python,go", "add -m"),
        ("+sweeps=demo", "add -m"),
        ("lang", "expected key=value"),
        ("base=/no/such/folder", "no folder /no/such/folder"),
        ("languages.go.limits.run_cpu_s=fast", "languages.go.limits.run_cpu_s: expected a number"),
        ("languages.cobol.name=x", "languages.cobol"),
    ],
)
def test_one_mistake_one_message(override, expected):
    (message,) = errors(override)
    assert expected in message


def test_a_base_folder_lacks_its_tokenizer(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_text("")
    (message,) = errors(f"base={tmp_path}")
    assert "has no tokenizer" in message


def test_a_sweep_that_does_not_exist_runs_nothing():
    (message,) = errors("+sweeps=dmeo", multirun=True)
    assert "did you mean demo?" in message


@pytest.mark.parametrize(
    "overrides",
    [
        ["method.lr=1e-3,1e-4"],
        ["decode.max_tokens=10,20"],
        ["bench.n=5,6"],
        ["deepspeed.config.zero_optimization.stage=1,2"],
        ["lang=none", "decode.max_tokens=10,20"],
    ],
)
def test_two_cells_with_one_folder_are_refused(overrides):
    """Otherwise the second would overwrite the first, or be refused after hours of work."""
    (message,) = errors(*overrides, multirun=True)
    assert "would share a folder" in message


def test_the_same_cell_twice_is_one_cell():
    assert len(config.cells(["lang=go,go"], multirun=True)) == 1
    assert len(config.cells(["lang=none", "method.lr=1e-3,1e-4"], multirun=True)) == 2  # the base has no method


def test_the_command_line_may_narrow_a_sweep():
    cells = config.cells(["+sweeps=demo", "lang=go"], multirun=True)
    assert [c.train_name for c in cells] == ["go"]


def test_a_missing_toolchain_is_an_error_only_when_asked_for(monkeypatch):
    from codem.languages import go
    from codem.runtime import Toolchain

    lost = Toolchain(found=False, paths={}, with_root="apt-get install golang-go", without_root="pip", missing=("go",))
    monkeypatch.setattr(go, "toolchain", lambda: lost)
    assert "go" not in one().eval_lang
    (message,) = errors("eval_lang=[go]")
    assert "apt-get install golang-go" in message


def test_a_language_without_a_corpus_is_told_before_it_trains(tmp_path):
    (message,) = errors("lang=[python,rust]")
    assert "the corpus mini has no rust; give corpus.source=<folder with rust.jsonl>" in message
    assert one("lang=rust", f"corpus.source={tmp_path}").lang == ("rust",)


def test_language_facts_can_be_overridden():
    assert one("languages.go.limits.run_cpu_s=9").languages["go"].limits.run_cpu_s == 9.0


def changed(cell: Cell, field: str) -> Cell:
    new = {
        "base": dataclasses.replace(cell.base, name="other"),
        "lang": ("go",),
        "parts": ("go",),
        "method_name": "other",
        "method": dataclasses.replace(cell.method, lr=0.5),
        "bench": dataclasses.replace(cell.bench, n=3),
        "decode": dataclasses.replace(cell.decode, max_tokens=7),
        "engine_name": "other",
        "engine": dataclasses.replace(cell.engine, dtype="bf16"),
        "deepspeed": dataclasses.replace(cell.deepspeed, config={}),
        "launcher": dataclasses.replace(cell.launcher, name="other"),
        "launch": Launch(dry_run=True),
        "corpus": dataclasses.replace(cell.corpus, size=9),
        "eval_lang": ("c",),
        "seed": 5,
        "runs": Path("/elsewhere"),
        "source": Source(Path("/elsewhere"), Path("/elsewhere")),
        "errata": False,
        "cache": False,
        "shard": Shard(1, 2),
        "workers": 99,
        "sandbox": "unsafe",
        "tracker": "tensorboard",
        "repeat": 2,
    }
    return dataclasses.replace(cell, **{field: new[field]})


@pytest.mark.parametrize("field", sorted({f.name for f in dataclasses.fields(Cell)} - {"bench_name", "languages"}))
def test_a_field_is_identity_or_it_is_not(field):
    """What says where and how a cell runs never changes its recipe; everything else does."""
    cell = one()
    other = changed(cell, field)
    same = train.recipe(cell) == train.recipe(other)
    same &= generate.stage_of(cell, "c").recipe == generate.stage_of(other, "c").recipe
    assert same == (field in NOT_IDENTITY)


def test_how_often_a_run_is_saved_is_not_what_it_learns():
    assert train.recipe(one("method.checkpoint_steps=7")) == train.recipe(one())
    assert train.recipe(one("method.gpus=2")) != train.recipe(one()), "gpus is part of the batch"


@pytest.mark.parametrize("arguments", [["--help"], ["--cfg", "job"], ["lang=go", "--cfg", "job"]])
def test_hydras_own_flags_answer_as_hydra_does(arguments, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "codem.train", *arguments], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert "method:" in done.stdout
    assert ("name: go" in done.stdout) == ("lang=go" in arguments)
    assert not list(tmp_path.iterdir())


def test_it_works_from_any_folder_and_names_a_missing_conf(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert one("lang=go").lang == ("go",)
    monkeypatch.setattr(config, "CONF", tmp_path / "conf")
    (message,) = errors()
    assert "install codem from a clone" in message


def test_the_command_line_has_the_last_word():
    assert one("base=tiny", "decode.max_tokens=3").decode.max_tokens == 3


def test_a_setting_that_no_yaml_mentions_can_be_given():
    assert one("decode.other_template=true").decode.other_template
    assert one("base=a/b", "base.revision=v1").base.revision == "v1"
