"""`repeat=2`: the answers again, how many differ, and samples.jsonl as it was."""

import dataclasses
import json

import pytest

from codem import config, generate, noise, pipeline, plugins, records, train


@pytest.fixture
def cell(micro_base, tmp_path):
    (cell,) = config.cells(
        [
            "lang=none",
            f"base={micro_base}",
            "eval_lang=[python,go]",
            "bench.n=5",
            "engine.batch_tokens=2000",
            "decode.max_tokens=30",
            "repeat=2",
            f"runs={tmp_path / 'runs'}",
            f"cache_dir={tmp_path / 'cache'}",
        ]
    )
    train.train(cell)  # the base itself: nothing but a record
    return cell


class Unsteady:
    """An engine around another: the answer to one problem is not the same when the batches are smaller."""

    def __init__(self, engine, changed: dict[str, str], most: int | None = None):
        self.engine, self.changed, self.left = engine, changed, most

    def describe(self):
        return {**self.engine.describe(), "batch_invariant": False}

    def complete(self, requests, have=()):
        for samples in self.engine.complete(requests, have):
            for sample in samples:
                if self.left == 0:
                    raise KeyboardInterrupt
                self.left = None if self.left is None else self.left - 1
                yield [dataclasses.replace(sample, text=self.changed.get(sample.problem, sample.text))]


@pytest.fixture
def unsteady(monkeypatch):
    """Call it with what the second generation answers otherwise."""
    engine = plugins.load("engines", "transformers")
    load = engine.load

    def install(changed: dict[str, str], most: int | None = None):
        monkeypatch.setattr(
            engine,
            "load",
            lambda folder, revision, decode, settings: Unsteady(
                load(folder, revision, decode, settings), {} if settings.batch_tokens == 2000 else changed, most
            ),
        )

    return install


def record(cell, lang) -> dict:
    return json.loads(generate.evaluation_of(cell, lang).record.read_text())


def test_on_a_cpu_nothing_differs(cell, capsys):
    assert pipeline.run_generation([cell]) == 0
    out = capsys.readouterr().out
    assert "generated 2 times, 0 of 5 problems (0.0 %) have answers that differ" in out
    for lang in cell.eval_lang:
        found = record(cell, lang)
        assert found["status"] == "generated" and found["recipe"]["problems"] == 5
        assert (found["repeat"]["problems"], found["repeat"]["texts_differ"]) == (5, 0)
        assert found["repeat"]["engines"][0]["batch_tokens"] == 1000, "smaller batches, else nothing is shown"
    assert pipeline.run_generation([cell]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_what_differs_is_counted_and_the_answers_stay(cell, unsteady):
    generate.generate(cell)
    before = {lang: generate.evaluation_of(cell, lang).samples.read_bytes() for lang in cell.eval_lang}
    first = {s.problem: s.text for s in records.read_samples(generate.evaluation_of(cell, "python").samples)}
    names = sorted(first)
    unsteady({names[0]: first[names[0]] + "\n```\nprose at its end\n", names[1]: "    return 17\n"})
    noise.measure(cell)
    found = record(cell, "python")["repeat"]
    assert (found["texts_differ"], found["problems"], found["times"]) == (2, 5, 2)
    assert 1 <= found["programs_differ"] <= 2
    assert record(cell, "go")["repeat"]["texts_differ"] == 0
    assert before == {lang: generate.evaluation_of(cell, lang).samples.read_bytes() for lang in cell.eval_lang}


def test_a_measurement_that_was_stopped_goes_on(cell, unsteady):
    generate.generate(cell)
    unsteady({}, most=4)
    with pytest.raises(KeyboardInterrupt):
        noise.measure(cell)
    assert noise.missing(cell) == ["python", "go"]
    unsteady({}, most=6)
    noise.measure(cell)
    assert noise.missing(cell) == []


def test_other_answers_are_measured_anew(cell):
    pipeline.run_generation([cell])
    path = generate.evaluation_of(cell, "go").samples
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[-1], *lines[:-1]]))
    assert noise.missing(cell) == ["go"]


def test_once_means_no_measurement(cell):
    once = dataclasses.replace(cell, repeat=1)
    generate.generate(once)
    assert noise.missing(once) == []
