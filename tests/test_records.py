"""JSON lines survive a killed writer, a full disk and strange text; damage is named, never read over."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from codem import records
from codem.records import Outcome, Sample, Verdict

STRANGE = 'line\nbreak "quotes" \u2028 \x00 é 漢 \ud800'


def sample(n: int, text: str = "x") -> Sample:
    return Sample(f"mini/go/{n}", 0, text, "eos")


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "samples.jsonl"
    records.append(path, [sample(0, STRANGE), sample(1)])
    assert list(records.read_samples(path)) == [sample(0, STRANGE), sample(1)]
    assert path.read_bytes().count(b"\n") == 2


def test_verdicts_come_back_with_their_outcome(tmp_path):
    path = tmp_path / "verdicts.jsonl"
    verdict = Verdict("mini/c/1", 0, Outcome.TIMEOUT, 1.5, None, "tail", "ab")
    records.append(path, [verdict])
    assert list(records.read_verdicts(path)) == [verdict]


def test_a_torn_last_line_is_left_out_and_written_over(tmp_path):
    path = tmp_path / "samples.jsonl"
    records.append(path, [sample(0), sample(1)])
    path.write_bytes(path.read_bytes()[:-7])
    assert list(records.read_samples(path)) == [sample(0)]
    records.append(path, [sample(2)])
    assert list(records.read_samples(path)) == [sample(0), sample(2)]


def test_a_file_that_is_one_torn_line_starts_anew(tmp_path):
    path = tmp_path / "samples.jsonl"
    path.write_text('{"problem": "mi')
    records.append(path, [sample(0)])
    assert list(records.read_samples(path)) == [sample(0)]


def test_damage_before_the_last_line_is_an_error_with_its_place(tmp_path):
    path = tmp_path / "samples.jsonl"
    records.append(path, [sample(0), sample(1), sample(2)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2])
    with pytest.raises(records.TornFile, match=r"samples\.jsonl:2"):
        list(records.read_samples(path))


def test_a_full_disk_leaves_whole_lines(tmp_path):
    """On a real file system of 64 KiB; the write that does not fit raises and leaves what was there."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        path = tmp_path / "samples.jsonl"
        records.append(path, [sample(0)])
        with pytest.raises(OSError) as caught:
            records.append(path, [sample(n, "y" * 9000) for n in range(1, 20)])
        assert caught.value.errno == errno.ENOSPC
        assert list(records.read_samples(path)) == [sample(0)]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_killed_writer_loses_at_most_the_line_in_flight(tmp_path):
    """Kill a process that appends without pause; every line but perhaps the last is whole."""
    path = tmp_path / "samples.jsonl"
    code = (
        "import sys; from pathlib import Path; from codem import records; from codem.records import Sample\n"
        "n = 0\n"
        "while True:\n"
        "    records.append(Path(sys.argv[1]), [Sample(f'mini/go/{n}', 0, 'z' * 5000, 'eos')]); n += 1\n"
        "    print(n, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(30):
        announced = int(writer.stdout.readline())
    writer.kill()
    writer.wait()
    read = [s.problem for s in records.read_samples(path)]
    assert read == [f"mini/go/{n}" for n in range(len(read))]
    assert len(read) >= announced


def test_reading_what_is_not_there_gives_nothing(tmp_path):
    assert list(records.read_samples(Path(tmp_path / "none.jsonl"))) == []
