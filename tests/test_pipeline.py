"""What the pipeline decides before any work: who can judge, who is left out, what has failed."""

from codem import checks, config, execute, pipeline, stages
from codem.benchmarks import mini
from codem.sandbox import HarnessError


def test_a_machine_that_cannot_judge_says_so_before_it_trains(tmp_path, monkeypatch, capsys):
    def no_sandbox(kind):
        raise HarnessError("sandbox: expected bubblewrap (bwrap), found none")

    monkeypatch.setattr(pipeline, "open_sandbox", no_sandbox)
    cells = config.cells(["lang=python,go", f"runs={tmp_path / 'runs'}"], multirun=True)
    assert pipeline.run_rows(cells) == 1
    said = capsys.readouterr()
    assert said.err.count("expected bubblewrap") == 2
    assert "2 of 2 rows failed" in said.out
    assert not (tmp_path / "runs").exists()


def test_what_is_missing_is_named_with_how_to_get_it_when_all_was_wanted(monkeypatch):
    monkeypatch.setattr(checks, "_how_to_get", lambda lang: "apt-get install golang-go" if lang == "go" else "")
    here = [lang for lang in mini.LANGUAGES if lang != "go"]
    assert checks.left_out("mini", here) == {"go": "apt-get install golang-go"}
    assert checks.left_out("mini", ["python"]) == {}


def test_one_row_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    done = []

    def run(cell):
        if cell.train_name == "go":
            raise RuntimeError("boom")
        done.append(cell.train_name)

    monkeypatch.setattr(pipeline, "open_sandbox", lambda kind: None)
    monkeypatch.setattr(execute, "refuse_unanswered", lambda cell: None)
    monkeypatch.setitem(stages.KINDS, "execute", stages.StageKind("execute", lambda cell: ["python"], run))
    cells = config.cells(["lang=python,go,java", f"runs={tmp_path / 'runs'}"], multirun=True)
    assert pipeline.run_judging(cells) == 1
    assert done == ["python", "java"]
    said = capsys.readouterr()
    assert "RuntimeError: boom" in said.err
    assert "1 of 3 rows failed" in said.out
