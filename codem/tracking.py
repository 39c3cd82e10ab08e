"""Training curves in TensorBoard, Weights & Biases or MLflow, through the trainer's own integrations.

metrics.jsonl is always written; a tracker is one more place to look. All three work without a network:

    tracker=tensorboard    files in <run>/tensorboard; to look at them: tensorboard --logdir runs
    tracker=mlflow         files in <run>/mlflow, or what MLFLOW_TRACKING_URI names, such as a server
    tracker=wandb          its server, or with WANDB_MODE=offline files in <run>/wandb, for `wandb sync` later
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codem.job import Job

PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


def missing(tracker: str) -> str | None:
    """What to install before this tracker can be used; None when it is there."""
    package = PACKAGES.get(tracker)
    if package is None or find_spec(package) is not None:
        return None
    return f"tracker: {tracker} needs the package {package}, which is not installed; pip install -e '.[tracking]'"


@contextmanager
def tracked(job: Job) -> Iterator[None]:
    """Around a training: where its tracker writes, and an end to what it opened, also when the training fails.

    What the user's environment says goes first. A tracker's run left open would take the next training's curves too.
    """
    ours = {name: value for name, value in _variables(job).items() if name not in os.environ}
    os.environ.update(ours)
    failed = True
    try:
        yield
        failed = False
    finally:
        _end(job.tracker, failed)
        for name in ours:
            os.environ.pop(name, None)


def _variables(job: Job) -> dict[str, str]:
    folder = job.metrics.parent.resolve()
    if job.tracker == "tensorboard":
        return {"TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard")}
    if job.tracker == "mlflow":
        return {
            "MLFLOW_TRACKING_URI": (folder / "mlflow").as_uri(),
            "MLFLOW_ALLOW_FILE_STORE": "true",  # MLflow 3 would rather have a database, which its small package lacks
            "MLFLOW_EXPERIMENT_NAME": "codem",
        }
    if job.tracker == "wandb":
        # The same folder is the same run: a training that was killed and goes on continues its curve.
        same = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        return {
            "WANDB_PROJECT": "codem",
            "WANDB_DIR": str(folder),
            "WANDB_RUN_ID": same,
            "WANDB_RESUME": "allow",
            "WANDB_SILENT": "true",
        }
    return {}


def _end(tracker: str, failed: bool) -> None:
    if tracker == "wandb":
        import wandb

        if wandb.run is not None:
            wandb.finish(exit_code=int(failed))
    if tracker == "mlflow":
        import mlflow

        if mlflow.active_run() is not None:
            mlflow.end_run("FAILED" if failed else "FINISHED")
