"""Answers of a cell: one model load for all its languages, written as they come, resumed, and the same either way."""

import json
import signal
import subprocess
import sys
import time

import merging
import pytest
from environment import clean_environment

from codem import config, execute, generate, pipeline, plugins, records, status, train
from codem.engine import Engine
from codem.errors import StageError

LANGS = ("python", "javascript", "go")


@pytest.fixture
def arguments(micro_base, tmp_path):
    """Of a small evaluation: few problems, many small batches."""
    return [
        "lang=none",
        f"base={micro_base}",
        f"eval_lang=[{','.join(LANGS)}]",
        "bench.n=6",
        "engine.batch_tokens=700",
        "decode.max_tokens=40",
        f"runs={tmp_path / 'runs'}",
        f"cache_dir={tmp_path / 'cache'}",
    ]


def cell_of(arguments, *more):
    (cell,) = config.cells([*arguments, *more])
    return cell


def answers(cell) -> dict[str, list[records.Sample]]:
    return {
        lang: sorted(
            records.read_samples(generate.evaluation_of(cell, lang).samples), key=lambda s: (s.problem, s.sample)
        )
        for lang in cell.eval_lang
    }


def record(cell, lang) -> dict:
    return json.loads(generate.evaluation_of(cell, lang).record.read_text())


def undisturbed(arguments, tmp_path, *more):
    cell = cell_of(arguments, f"runs={tmp_path / 'undisturbed'}", *more)
    generate.generate(cell)
    return answers(cell)


def test_one_load_answers_all_languages(arguments, monkeypatch):
    engine = plugins.load("engines", "transformers")
    loads = []
    load = engine.load
    monkeypatch.setattr(engine, "load", lambda *given: (loads.append(given), load(*given))[1])
    cell = cell_of(arguments)
    generate.generate(cell)
    assert len(loads) == 1
    for lang, samples in answers(cell).items():
        wanted = [p.id for p in generate.problems("mini", cell.bench, lang, cell.source)]
        assert sorted(s.problem for s in samples) == sorted(wanted)
        said = record(cell, lang)
        assert said["status"] == "generated"
        assert said["engine"]["name"] == "transformers" and said["engine"]["dtype"] == "float32"
        assert sum(said["finish"].values()) == len(wanted)
    generate.generate(cell)
    assert len(loads) == 1, "what is there is not made again"


def test_what_was_asked_lies_beside_the_answers(arguments, monkeypatch):
    """As the model saw it, once for each problem; an interrupted run of before that lacks it gets it."""
    asked: dict[str, str] = {}
    load = plugins.load("engines", "transformers").load

    class Listens:
        def __init__(self, engine):
            self.describe, self.engine = engine.describe, engine

        def complete(self, requests, have=()):
            asked.update((request.problem, request.prompt) for request in requests)
            return self.engine.complete(requests, have)

    monkeypatch.setattr(plugins.load("engines", "transformers"), "load", lambda *given: Listens(load(*given)))
    cell = cell_of(arguments, "decode=sample", "decode.samples=2", "decode.max_tokens=8")
    generate.generate(cell)
    files = [generate.evaluation_of(cell, lang).prompts for lang in LANGS]
    lines = [line for path in files for line in path.read_text("utf-8").split("\n") if line]
    assert [set(json.loads(line)) for line in lines] == [{"problem", "prompt"}] * 18
    assert {row["problem"]: row["prompt"] for row in map(json.loads, lines)} == asked
    assert all(prompt.endswith("\n") and "### Response" in prompt for prompt in asked.values())

    where, before = generate.evaluation_of(cell, "go"), answers(cell)
    said, text = record(cell, "go"), where.prompts.read_bytes()
    where.record.write_text(json.dumps({k: v for k, v in said.items() if k != "finished"} | {"status": "failed"}))
    where.prompts.unlink()
    generate.generate(cell)
    assert where.prompts.read_bytes() == text and answers(cell) == before
    assert record(cell, "go")["fingerprint"] == said["fingerprint"] and "prompts.jsonl" not in json.dumps(said)


class Stops:
    """An engine that gives up after some answers, those of one language first."""

    def __init__(self, engine: Engine, lang: str, answers: int):
        self.engine, self.lang, self.answers = engine, lang, answers

    def describe(self):
        return {**self.engine.describe(), "device": "another"}

    def complete(self, requests, have=()):
        first = sorted(requests, key=lambda r: f"/{self.lang}/" not in r.problem)
        for request in first[: self.answers]:
            yield from self.engine.complete([request], have)
        raise StageError("the lights went out")


def test_a_language_is_finished_when_its_last_answer_is_there(arguments, tmp_path, monkeypatch):
    cell = cell_of(arguments)
    whole = undisturbed(arguments, tmp_path)
    engine_of = generate.engine_of
    monkeypatch.setattr(generate, "engine_of", lambda cell: Stops(engine_of(cell), "go", 8))
    with pytest.raises(StageError, match="lights"):
        generate.generate(cell)
    assert record(cell, "go")["status"] == "generated"
    assert answers(cell)["go"] == whole["go"]
    for lang in ("python", "javascript"):
        assert record(cell, lang)["status"] == "failed"
        assert "lights" in record(cell, lang)["error"]
    assert sum(map(len, answers(cell).values())) == 8
    monkeypatch.setattr(generate, "engine_of", engine_of)
    generate.generate(cell)
    assert answers(cell) == whole
    assert all(record(cell, lang)["status"] == "generated" for lang in LANGS)
    resumed = [record(cell, lang) for lang in ("python", "javascript") if "earlier_engines" in record(cell, lang)]
    assert [r["earlier_engines"][0]["device"] for r in resumed] == ["another"], "two engines made these answers"


@pytest.mark.parametrize("more", [(), ("decode=sample", "decode.samples=2", "decode.max_tokens=40")])
def test_killed_and_run_again(arguments, tmp_path, more):
    """Whatever was answered is kept, and the rest is what an undisturbed run answers."""
    cell = cell_of(arguments, *more)
    files = [generate.evaluation_of(cell, lang).samples for lang in LANGS]
    train.train(cell)
    command = [sys.executable, "-m", "codem.generate", *arguments, *more]
    process = subprocess.Popen(command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not any(path.exists() and path.stat().st_size for path in files):
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = [path.read_bytes() if path.exists() else b"" for path in files]
    generate.generate(cell)
    assert all(path.read_bytes().startswith(b[: b.rfind(b"\n") + 1]) for path, b in zip(files, before, strict=True))
    assert answers(cell) == undisturbed(arguments, tmp_path, *more)


def test_going_on_lays_out_the_batches_as_before(arguments, monkeypatch):
    """Padding moves the last bits of a logit: the same answers in the same batches are the same everywhere."""
    from codem import batching

    seen: list[list[tuple]] = []
    run = batching.Batch.run
    monkeypatch.setattr(
        batching.Batch, "run", lambda self: (seen.append([r.request.key for r in self.rows]), run(self))[1]
    )
    cell = cell_of(arguments)
    engine_of = generate.engine_of
    monkeypatch.setattr(generate, "engine_of", lambda cell: Stops(engine_of(cell), "go", 8))
    with pytest.raises(StageError):
        generate.generate(cell)  # Go is finished, another language begun
    seen.clear()
    monkeypatch.setattr(generate, "engine_of", engine_of)
    generate.generate(cell)
    again = seen[:]
    seen.clear()
    generate.generate(cell_of(arguments, f"runs={cell.runs}-2"))
    assert [batch for batch in seen if batch in again] == again
    assert len({key for batch in again for key in batch if "/go/" in key[0]}) > 0


def test_answers_do_not_depend_on_the_batches(arguments, tmp_path):
    texts = []
    for tokens in (1, 500, 100_000):
        cell = cell_of(arguments, f"runs={tmp_path / str(tokens)}", f"engine.batch_tokens={tokens}")
        generate.generate(cell)
        texts.append(answers(cell))
    assert texts[0] == texts[1] == texts[2]


def test_several_answers_to_a_problem_are_all_judged(arguments, capsys, monkeypatch):
    """pass@1 is the share of all of them that pass."""
    more = ("decode=sample", "decode.samples=3", "decode.temperature=0.8", "decode.max_tokens=40", "eval_lang=[python]")
    cell = cell_of(arguments, *more)
    train.train(cell)
    generate.generate(cell)
    made = answers(cell)["python"]
    assert sorted({s.sample for s in made}) == [0, 1, 2] and len(made) == 18
    assert len({s.text for s in made if s.problem == made[0].problem}) > 1
    path = generate.evaluation_of(cell, "python").samples
    by_id = {p.id: p.reference for p in generate.problems("mini", cell.bench, "python", cell.source)}
    first = made[0].problem
    good = [records.Sample(s.problem, s.sample, by_id[first] if s.problem == first else "?", "eos") for s in made]
    path.write_text("".join(records.to_line(s) + "\n" for s in good))
    execute.execute(cell)
    assert execute.passed(cell, "python") == (3, 18)
    pipeline._print_rows([cell])
    assert "16.7" in capsys.readouterr().out
    (row,) = status.rows(cell.runs)
    assert row["evaluations"][0]["passed"] == 3
    monkeypatch.setenv("COLUMNS", "200")  # nothing is folded
    status._print([row])
    assert "16.7 % of 6 x 3" in capsys.readouterr().out


def test_decodings_that_make_no_sense_are_refused(arguments):
    for more, said in (
        (["decode.samples=3"], "decode.samples: expected 1 with decode.temperature=0, found 3"),
        (["decode.top_p=0.9"], "decode.top_p: expected 1 with decode.temperature=0, found 0.9"),
        (["decode=sample", "decode.top_p=1.5"], "decode.top_p: expected a share of the probability, at most 1"),
    ):
        with pytest.raises(config.ConfigErrors, match=said):
            config.cells([*arguments, *more])


def test_a_model_with_missing_weights_answers_nothing(arguments, micro_base, tmp_path):
    """The library would fill them with noise, and the scores would be near zero."""
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(micro_base, broken)
    weights = load_file(broken / "model.safetensors")
    del weights["transformer.h.0.mlp.c_fc.weight"]
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    cell = cell_of(arguments, f"base={broken}", "eval_lang=[go]")
    with pytest.raises(StageError, match=r"mlp\.c_fc\.weight"):
        generate.generate(cell)
    assert record(cell, "go")["status"] == "failed"
    assert not generate.evaluation_of(cell, "go").samples.exists()


def test_other_settings_under_one_name_are_refused(arguments):
    generate.generate(cell_of(arguments, "eval_lang=[go]"))
    with pytest.raises(Exception, match=r"decode\.max_tokens: 40 -> 41"):
        generate.generate(cell_of(arguments, "eval_lang=[go]", "decode.max_tokens=41"))


def test_the_benchmark_compares_like_with_like():
    from benchmarks.generation import compare

    made = merging.tokenizer()
    engine = merging.engine(merging.random_model(len(made), made.eos_token_id), made)
    found = compare(engine, merging.requests(["def f(x):\n", "x\n", "zzz9 def f(", "q"] * 4, stop=("xx",)), None)
    assert found["outputs_equal"] is True
    assert found["prompts"] == found["prompts_single"] == 16
    assert 16 <= found["tokens"] <= 16 * 20
