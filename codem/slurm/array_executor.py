"""One job array through submitit. Imports submitit: to be imported where one is submitted.

submitit's own arrays are numbered from 0 without gaps, and their pickles get the names that jobs look for only after
sbatch has answered. Here a task has the number that its dependency wants, and finds its pickle by that number: a
command that is killed right after sbatch leaves jobs that run.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from submitit.core.utils import DelayedSubmission, FailedJobError, FailedSubmissionError
from submitit.slurm.slurm import SlurmExecutor

OTHER_NAMES = frozenset({"SBATCH_ARRAY_INX", "SBATCH_TIMELIMIT", "SBATCH_MEM_PER_NODE", "SBATCH_SIGNAL",
                         "SBATCH_OPEN_MODE", "SBATCH_NO_REQUEUE"})  # fmt: skip
"""Variables that are not called as sbatch's option is, of options that are always given."""


class ArrayExecutor(SlurmExecutor):
    def submit_tasks(
        self, tasks: Mapping[int, Callable[[], Any]], numbers: str, options: dict[str, Any]
    ) -> tuple[str, str]:
        """The array's number in Slurm, or what sbatch said instead. tasks: by their place in the array. numbers: those
        places as --array spells them. options: of `update_parameters`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number, task in tasks.items():
            delayed = DelayedSubmission(task)
            delayed.set_timeout(options["time"], 0)  # going back into the queue is the task's own matter
            delayed.dump(self.folder / f"{number}.pkl")
        more = {**options["additional_parameters"], "array": numbers}
        setup = [*options["setup"], _finds_its_pickle(self.folder)]
        self.update_parameters(**{**options, "setup": setup, "additional_parameters": more})
        self.parameters["map_count"] = len(tasks)  # logs are then named after the array
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said), _without_other_wishes({**options, **more}):
                return str(self._submit_command(self._submitit_command_str).job_id), ""
        except (FailedJobError, FailedSubmissionError) as e:
            return "", str(e).strip() or said.getvalue().strip() or "sbatch failed, and did not say why"


def _finds_its_pickle(folder: Path) -> str:
    here = shlex.quote(str(folder))
    wanted = f'{here}/"${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}_submitted.pkl"'
    return f'[ -e {wanted} ] || mv {here}/"${{SLURM_ARRAY_TASK_ID}}.pkl" {wanted}'


@contextlib.contextmanager
def _without_other_wishes(options: Mapping[str, Any]) -> Iterator[None]:
    """sbatch lets the environment win over the script: what is said here must not be unsaid there. And a command given
    inside a job, an interactive one for example, must not pass on what that job was given."""
    said = {f"SBATCH_{name.upper().replace('-', '_')}" for name in options} | OTHER_NAMES
    of_a_job = ("SLURM_", "SLURMD_", "SRUN_", "SUBMITIT_") if "SLURM_JOB_ID" in os.environ else ()
    theirs = {k: v for k, v in os.environ.items() if k in said or (k.startswith(of_a_job) and k != "SLURM_CONF")}
    for name in theirs:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(theirs)
