"""SIGTERM: at once where nothing is lost, after a checkpoint in training, and on the spot the second time."""

import signal
import subprocess
import sys
import threading

import pytest
from test_fit import job, metrics, weights

from codem import execute, interruption, pipeline, ranks, stages
from codem.errors import StageError
from codem.interruption import Terminated
from codem.methods import sft
from codem.stage import Stage


def test_it_raises_where_nobody_looks_for_it():
    with interruption.handled():
        with pytest.raises(Terminated, match="the same command goes on from here"):
            signal.raise_signal(signal.SIGTERM)
        assert interruption.asked()
    with interruption.handled():
        assert not interruption.asked()


def test_a_command_in_the_background_starts_programs_that_can_be_interrupted():
    """A shell that starts something in its background lets it ignore the interrupt, and that is inherited."""
    program = "import signal; signal.raise_signal(signal.SIGINT); print('went on')"
    command = (
        "import signal, subprocess, sys; from codem import interruption\n"
        "with interruption.handled():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        f"    print(subprocess.run([sys.executable, '-c', {program!r}], capture_output=True).returncode)\n"
        "signal.raise_signal(signal.SIGINT); print('here')\n"
    )
    shell = 'trap "" INT; exec "$0" -c "$1"'
    done = subprocess.run(["sh", "-c", shell, sys.executable, command], capture_output=True, text=True)
    assert done.stdout == f"{-signal.SIGINT}\nhere\n", done.stderr


def test_it_waits_for_whoever_looks():
    with interruption.handled():
        with interruption.looked_for():
            signal.raise_signal(signal.SIGTERM)
            assert interruption.asked()
        with pytest.raises(Terminated):
            interruption.obey()


def test_after_a_training_that_failed_it_raises_again(micro_base, tmp_path):
    """The next row of the same command may be generating."""
    with interruption.handled():
        with pytest.raises(StageError, match="the loss is"):
            sft.train(job(micro_base, tmp_path, lr=1e30, max_steps=5, warmup_steps=0))
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)


def test_the_handler_is_there_for_a_command_only():
    before = signal.getsignal(signal.SIGTERM)
    with interruption.handled():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    ended = []

    def in_a_thread():
        with interruption.handled():
            ended.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert ended == [before]


@pytest.mark.parametrize(("gap_s", "code"), [(10, -signal.SIGTERM), (1, 0)], ids=["in a hurry", "two senders"])
def test_a_second_one(gap_s, code):
    program = (
        "import signal, time; from codem import interruption\n"
        "with interruption.handled(), interruption.looked_for():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        f"    now = time.monotonic(); time.monotonic = lambda: now + {gap_s}\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == code


def test_training_stops_with_a_checkpoint_and_goes_on_to_the_same_bits(micro_base, tmp_path):
    """Also when no checkpoint was due, and when it comes in the last step."""

    def train(out, at=None):
        steps = []

        def report(step, total, note):
            steps.append(step)
            if step == at:
                signal.raise_signal(signal.SIGTERM)

        one = job(micro_base, out, report, checkpoint_steps=100)
        with interruption.handled():
            return ranks.train(one), steps

    for at in (4, 10):
        with pytest.raises(StageError, match=f"stopped by SIGTERM at step {at} of 10; the same command goes on"):
            train(tmp_path / "parts", at)
        assert not (tmp_path / "parts" / "model").exists()
    _, steps = train(tmp_path / "parts")
    assert steps == []
    train(tmp_path / "whole")
    assert metrics(tmp_path / "parts") == metrics(tmp_path / "whole")
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_the_record_says_failed_and_the_command_ends(tmp_path, monkeypatch, capsys):
    """In a stage that does not look for it; no further row is begun."""
    from codem import config

    begun = []

    def run(cell):
        begun.append(cell)
        stage = Stage(tmp_path / "stage", tmp_path / "stage" / "record.json", {"a": 1}, "remove it")
        with stage.opened(lambda: False):
            signal.raise_signal(signal.SIGTERM)

    cells = config.cells(["lang=python,go", f"runs={tmp_path / 'runs'}"], multirun=True)
    monkeypatch.setattr(execute, "refuse_unanswered", lambda cell: None)
    monkeypatch.setitem(stages.KINDS, "execute", stages.StageKind("execute", lambda cell: ["python"], run))
    with interruption.handled():
        assert pipeline.run_judging(cells) == 143
    assert len(begun) == 1
    record = (tmp_path / "stage" / "record.json").read_text()
    assert '"status": "failed"' in record
    assert "stopped by SIGTERM" in record
    assert "stopped by SIGTERM; the same command goes on from here" in capsys.readouterr().err
