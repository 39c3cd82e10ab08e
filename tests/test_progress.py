"""Progress: lines with the time left where nobody watches, a bar on a terminal."""

import os
import pty
import subprocess
import sys

from codem import progress

STEP = (
    "import time; from codem.progress import progress\n"
    "with progress('train go', None, 'trained') as shown:\n"
    "    shown.total = 40\n"
    "    for n in range(41):\n"
    "        shown.update(n, 'loss 0.1'); time.sleep(0.02)\n"
)


def test_lines_say_how_much_is_left(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with progress.progress("train go", None, "trained") as shown:
        shown.total = 4
        for step in range(5):
            shown.update(step)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  train go: 1/4, ")
    assert lines[1].endswith(" left")
    assert lines[-1].startswith("  train go: trained in ")


def test_a_step_that_fails_says_so(capsys):
    try:
        with progress.progress("judge go", 3):
            raise ValueError
    except ValueError:
        pass
    assert "judge go: stopped in" in capsys.readouterr().out


def test_quiet_where_nobody_watches():
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("  train go: trained in ")
    assert "\x1b" not in done.stdout


def test_a_bar_on_a_terminal_counts_the_steps():
    reader, terminal = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", STEP], stdout=terminal, env={**os.environ, "TERM": "xterm"})
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(reader, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(reader)
    assert process.wait() == 0
    assert b"/40" in shown
    assert b"train go: trained in" in shown


def test_durations_are_for_people():
    assert [progress.duration(s) for s in (0.04, 9.9, 10, 89, 91, 3600, 7300)] == [
        "0.0 s", "9.9 s", "10 s", "89 s", "2 min", "60 min", "2 h 2 min"
    ]  # fmt: skip
