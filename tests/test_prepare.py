"""What rows share: known without a framework, made once, and the very files that training looks for."""

import json
import subprocess
import sys

import pytest

from codem import config, prepare, train, training_data
from codem.errors import StageError


@pytest.fixture
def cells(tmp_path, micro_base):
    def make(*words: str):
        places = [f"runs={tmp_path / 'runs'}", f"cache_dir={tmp_path / 'cache'}"]
        return config.cells([f"base={micro_base}", "corpus.size=12", *places, *words], multirun=True)

    return make


def token_files(tmp_path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "cache" / "tokens").glob("*.npz"))


def test_each_corpus_once_and_nothing_twice(cells, tmp_path):
    """Two ways to train share their tokens; a seed draws its own."""
    made = cells("lang=go,python", "seed=0,1") + cells("lang=go", "method=lora")
    assert prepare.missing(made) == [f"{lang}, seed {s}, 12 items" for lang in ("go", "python") for s in (0, 1)]
    prepare.run(made)
    assert prepare.missing(made) == []
    files = token_files(tmp_path)
    assert len(files) == 4
    prepare.run(made)
    assert token_files(tmp_path) == files


def test_training_finds_what_was_prepared(cells, tmp_path):
    (cell,) = cells("lang=go", "method.max_steps=2", "method.warmup_steps=0", "method.gpus=1", "method.precision=fp32")
    prepare.run([cell])
    before = token_files(tmp_path)
    train.train(cell)
    assert token_files(tmp_path) == before
    assert train.is_done(cell)


def test_what_was_removed_or_is_torn_is_missing(cells, tmp_path):
    (cell,) = cells("lang=go")
    prepare.run([cell])
    note = training_data.note_of(cell)
    note.write_text(note.read_text()[:-3])
    assert prepare.missing([cell])
    prepare.run([cell])
    (tmp_path / "cache" / "tokens" / token_files(tmp_path)[0]).unlink()
    assert prepare.missing([cell])


@pytest.mark.parametrize("words", [["corpus.size=13"], ["seed=5"], ["lang=[go,python]"], ["lang=python"]])
def test_other_data_is_other_tokens(cells, words):
    prepare.run(cells("lang=go"))
    assert prepare.missing(cells("lang=go")) == []
    assert prepare.missing(cells("lang=go", *words))


def test_a_corpus_that_cannot_be_read_is_its_own_rows_failure(cells, tmp_path, capsys):
    (tmp_path / "own").mkdir()
    row = {"instruction": "Write a function.", "output": "def f(): pass"}
    (tmp_path / "own" / "python.jsonl").write_text((json.dumps(row) + "\n") * 20)
    (tmp_path / "own" / "go.jsonl").write_text("")
    made = cells("lang=go,python", f"corpus.source={tmp_path / 'own'}")
    prepare.run(made)
    assert "go, seed 0, 12 items: no tokens: " in capsys.readouterr().out
    assert len(prepare.missing(made)) == 1
    with pytest.raises(StageError, match="the corpus is empty"):
        train.train(made[0])


def test_a_base_that_cannot_be_read_fails_for_all(cells, tmp_path, micro_base):
    import shutil

    broken = shutil.copytree(micro_base, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{")
    with pytest.raises(StageError, match="its tokenizer cannot be read"):
        prepare.run(cells("lang=go", f"base={broken}"))


def test_the_base_has_its_record(cells):
    (cell,) = cells("lang=none")
    prepare.run([cell])
    assert train.has_model(cell)
    assert prepare.missing([cell]) == []


def test_to_know_what_is_missing_takes_no_framework(tmp_path, micro_base):
    """A login node is asked for the whole sweep."""
    code = (
        "import sys; from codem import config, graph; "
        f"cells = config.cells(['base={micro_base}', 'runs={tmp_path}', 'lang=go']); "
        "assert graph.of(cells, ('train', 'generate', 'execute')); "
        "print(sorted({'torch', 'transformers', 'numpy', 'pandas', 'submitit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
