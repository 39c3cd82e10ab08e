"""Training curves from metrics.jsonl, whatever its state, and what the report says about engines and their noise."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from synthetic_runs import evaluation
from test_analysis_report import Page, words

from analysis import curves, provenance, report
from analysis.load import evaluations
from analysis.picture import png


def entry(step: int, loss: float | None = 1.0, skipped: int = 0, **more) -> str:
    said = {"step": step, "tokens": 100 * step, "learned_tokens": 60 * step, "loss": loss, "grad_norm": 0.5}
    said |= {"loss_scale": 2.0 ** (16 - skipped), "skipped_steps": skipped, "learned_tokens_per_s": 50.0}
    return json.dumps(said | more)


def trained(runs: Path, train: str, lines: list[str], seed: int = 0, torn: str = "", **more) -> Path:
    folder = evaluation(runs, train, "go", "1100", seed=seed, **more)
    run = folder.parents[3]
    (run / "metrics.jsonl").write_text("".join(line + "\n" for line in lines) + torn)
    return run


def page(runs: Path) -> tuple[Page, str]:
    written = report.write(runs, runs.parent / "out")
    made = Page(written[-1].read_text("utf-8"))
    return made, words(made.text)


def test_the_report_shows_the_curves(tmp_path):
    runs = tmp_path / "runs"
    evaluation(runs, "none", "go", "1000")
    trained(runs, "go", [entry(1, 2.0, 1), entry(2, 1.5, 1), entry(3, 1.25, 2)])
    trained(runs, "python", [entry(1, 2.5), entry(2, 0.75)])
    evaluation(runs, "java", "go", "1100")
    made, text = page(runs)
    picture = (tmp_path / "out" / "curves.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert f"data:image/png;base64,{base64.b64encode(picture).decode()}" in made.loads
    assert "Without a curve, because no metrics were found: Java (seed 0)." in text
    assert "Go03180 2.0001.250216,38450" in text
    assert "Python02120 2.5000.750065,53650" in text


def test_a_grid_without_metrics_has_no_section_on_training(tmp_path):
    evaluation(tmp_path / "runs", "go", "go", "1100")
    _, text = page(tmp_path / "runs")
    assert "first loss" not in text and not (tmp_path / "out" / "curves.png").exists()


def test_a_torn_file_is_read_as_far_as_it_goes(tmp_path):
    lines = [entry(1, 3.0), entry(2, 2.0), "{", '{"step": "two"}', "[1]", entry(2, 2.5), entry(4, None), entry(3, 1.0)]
    run = trained(tmp_path, "go", lines, torn=entry(5)[:20])
    frame = curves.read(run / "metrics.jsonl")
    assert frame["step"].tolist() == [1, 2, 3, 4]
    assert frame["loss"].tolist()[:3] == [3.0, 2.5, 1.0] and frame["loss"].isna().tolist() == [False] * 3 + [True]
    assert curves.read(tmp_path / "nothing.jsonl").empty


@pytest.mark.parametrize(
    "odd",
    [
        [entry(1)],  # one step
        [entry(1, 0.0, grad_norm=0.0), entry(2, 0.0, grad_norm=0.0)],  # nothing for a logarithm
        [entry(1, grad_norm=None, loss_scale=None), entry(2, grad_norm=None, loss_scale=None)],
        [entry(step, 1e30 if step == 3 else 1 / step) for step in range(1, 200)],  # a wild step, and many of them
        [entry(step, skipped=step) for step in range(1, 6)],  # none was learned from
    ],
)
def test_any_curve_can_be_drawn_beside_others(tmp_path, odd):
    trained(tmp_path, "go", odd)
    trained(tmp_path, "python", [entry(1, 2.0), entry(2, 1.0)])
    trained(tmp_path, "python", [entry(1, 2.0), entry(2, 1.0)], seed=1)
    found = curves.curves(provenance.run_records(evaluations(tmp_path)))
    assert {train: sorted(seeds) for train, seeds in found.items()} == {"python": [0, 1], "go": [0]}
    assert len(png(curves.figure(found, "Training"))) > 5_000


def test_steps_that_were_skipped_are_found():
    frame = curves.pd.DataFrame({"step": [1, 2, 3, 4, 5], "skipped_steps": [1, 1, 2, 3, 3]})
    assert curves.skipped(frame) == [1, 3, 4]


UNSTEADY = {"name": "vllm", "dtype": "float16", "batch_invariant": False}


def test_an_engine_that_promises_nothing_is_named(tmp_path):
    evaluation(tmp_path / "runs", "go", "go", "1100", record={"engine": UNSTEADY})
    _, text = page(tmp_path / "runs")
    assert "The engine vllm may answer otherwise in other batches; how often was not measured" in text
    assert "python -m codem.generate repeat=2" in text


def test_measured_noise_is_told(tmp_path):
    noise = {"times": 2, "problems": 4, "texts_differ": 1, "programs_differ": 0}
    evaluation(tmp_path / "runs", "go", "go", "1100", record={"engine": UNSTEADY, "repeat": noise})
    evaluation(tmp_path / "runs", "go", "java", "1100", record={"engine": UNSTEADY})
    _, text = page(tmp_path / "runs")
    assert "made again, 1 of 4 problems (25.0 %) were answered differently in the 1 of 2 cells measured, 0 of" in text


def test_a_steady_engine_needs_no_note(tmp_path):
    engine = {"name": "transformers", "batch_invariant": True}
    evaluation(tmp_path / "runs", "none", "go", "1100", record={"engine": engine})
    _, text = page(tmp_path / "runs")
    assert "other batches" not in text


def test_rows_that_were_generated_in_other_precisions_do_not_compare(tmp_path):
    for train, dtype in (("go", "float16"), ("python", "float32")):
        evaluation(tmp_path / "runs", train, "go", "1100", record={"engine": {"name": "transformers", "dtype": dtype}})
    _, text = page(tmp_path / "runs")
    assert "The rows of Go were generated differently: dtype differ." in text
