"""Training curves reach the chosen tracker, each training's in a run of its own; without a network."""

import dataclasses
import os

import pytest
from test_fit import job

from codem import config, ranks, tracking
from codem.errors import ConfigErrors, StageError


def tracked(base, out, tracker, **changes):
    return dataclasses.replace(job(base, out, max_steps=3, **changes), tracker=tracker, run_name=f"tiny/sft/{out.name}")


def test_tensorboard_gets_the_curve(micro_base, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    ranks.train(tracked(micro_base, tmp_path, "tensorboard"))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3]
    assert "TENSORBOARD_LOGGING_DIR" not in os.environ


def test_mlflow_gets_each_training_as_a_run_and_knows_which_failed(micro_base, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    ranks.train(tracked(micro_base, tmp_path / "good", "mlflow"))
    with pytest.raises(StageError):
        ranks.train(tracked(micro_base, tmp_path / "bad", "mlflow", lr=1e30, max_grad_norm=1e30))
    for name, status in (("good", "FINISHED"), ("bad", "FAILED")):
        client = mlflow.MlflowClient((tmp_path / name / "mlflow").as_uri())
        (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
        assert (run.info.run_name, run.info.status) == (f"tiny/sft/{name}", status)
        steps = [point.step for point in client.get_metric_history(run.info.run_id, "loss")]
        assert steps[:2] == [1, 2]


def test_wandb_works_offline_and_a_rerun_is_the_same_run(micro_base, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for _ in range(2):
        ranks.train(tracked(micro_base, tmp_path, "wandb"))
    files = list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert files
    assert len({path.name for path in files}) == 1


def test_a_tracker_that_is_not_installed_is_a_mistake_in_the_command(monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda package: None)
    with pytest.raises(ConfigErrors, match=r"tracker: wandb needs the package wandb.*pip install -e '\.\[tracking\]'"):
        config.cells(["tracker=wandb"])
    assert config.cells(["tracker=none"])
