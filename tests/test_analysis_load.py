"""Loading: the same rows whether lines are parsed, parsed again or taken from the cache; nothing changed is missed."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import evaluation, grid, line, write

import analysis
from analysis import matrix, paired, store
from analysis.load import BadRuns
from codem.records import read_verdicts


@pytest.fixture(autouse=True)
def any_cache_is_worth_keeping(monkeypatch):
    monkeypatch.setattr(store, "WORTH_KEEPING", 1)


@pytest.fixture
def parsed(monkeypatch) -> list[str]:
    """The languages of the files that were parsed rather than taken from the cache."""
    found: list[str] = []
    parse = store.parse
    monkeypatch.setattr(store, "parse", lambda data, path: (found.append(path.parts[-3]), parse(data, path))[1])
    return found


def verdicts(folder: Path) -> Path:
    return folder / "verdicts.jsonl"


# --- one parser or the other


GOOD = line("mini", "go", 0, "passed")
STRANGE = [
    json.dumps(json.loads(GOOD) | {"output_tail": "\ud800 \x00 </script> \u2028"}, ensure_ascii=False),
    json.dumps(json.loads(GOOD) | {"output_tail": "\ud800"}),
    json.dumps(json.loads(GOOD) | {"seconds": 3}),
    json.dumps(json.loads(GOOD) | {"exit_code": None}),
    json.dumps(json.loads(GOOD) | {"output_tail": '"exit_code": {"a": 1}'}),
    json.dumps(json.loads(GOOD), separators=(",", ":")),
    json.dumps(json.loads(GOOD), indent=None, sort_keys=True),
    GOOD.strip().replace("0.1", "NaN"),
    GOOD.strip() + "  ",
]


@pytest.mark.parametrize("text", STRANGE)
def test_lines_say_what_the_judges_own_reader_says(tmp_path, text):
    path = verdicts(evaluation(tmp_path, "none", "go", "01"))
    path.write_bytes(path.read_bytes() + text.encode("utf-8", "surrogatepass") + b"\n" + GOOD.encode()[:30])
    (*_, said) = read_verdicts(path)
    frame = analysis.load(tmp_path)
    row = frame[frame.problem == said.problem].iloc[0]
    assert (len(frame), row.copies, row["sample"], row.outcome) == (2, 2, said.sample, said.outcome)
    assert row.program_sha256 == said.program_sha256
    assert row.seconds == said.seconds or (np.isnan(row.seconds) and np.isnan(said.seconds))


@pytest.mark.parametrize(
    "damage",
    [
        "\n",
        "{}\n",
        GOOD.strip() + GOOD,
        GOOD.replace("{", "{\n", 1),
        GOOD.replace('"exit_code": 0, ', ""),
        GOOD.replace('"seconds": 0.1, ', ""),
        GOOD.replace("passed", "splendid"),
        GOOD.replace('"sample": 0', '"sample": 0, "more": 1'),
        GOOD.replace('"mini/go/0"', "null"),
        "[1]\n",
        "\x00\n",
    ],
)
def test_whatever_is_no_verdict_is_refused_with_the_file_named(tmp_path, damage):
    path = verdicts(evaluation(tmp_path, "none", "go", "1"))
    path.write_text(damage + path.read_text())
    with pytest.raises(BadRuns, match=r"verdicts\.jsonl"):
        analysis.load(tmp_path)


def test_two_faults_that_add_up_to_the_right_count_are_still_refused(tmp_path):
    path = verdicts(evaluation(tmp_path, "none", "go", "1"))
    path.write_text(GOOD.strip() + GOOD + "\n")  # two objects in one line, and an empty line
    with pytest.raises(BadRuns):
        analysis.load(tmp_path)


def test_duplicates_keep_the_last_verdict_in_the_first_ones_place(tmp_path):
    path = verdicts(evaluation(tmp_path, "none", "go", "000"))
    more = [line("mini", "go", 1, o, s) for o, s in (("timeout", 0), ("passed", 0), ("memory", 7), ("wrong", 7))]
    with path.open("a") as f:
        f.writelines(more)
    frame = analysis.load(tmp_path)
    shown = list(zip(frame.problem, frame["sample"], frame.outcome, frame.copies, strict=True))
    assert shown == [
        ("mini/go/0", 0, "wrong", 1), ("mini/go/1", 0, "passed", 3), ("mini/go/2", 0, "wrong", 1),
        ("mini/go/1", 7, "wrong", 2),
    ]  # fmt: skip


# --- the cache


def test_nothing_is_parsed_twice_and_the_frame_is_the_same(tmp_path, parsed):
    cold = analysis.load(grid(tmp_path))
    assert len(parsed) == 12
    parsed.clear()
    warm = analysis.load(tmp_path)
    assert parsed == []
    pd.testing.assert_frame_equal(cold, warm)
    pd.testing.assert_frame_equal(cold, analysis.load(tmp_path, cache=False))
    assert len(parsed) == 12


def test_a_part_of_the_runs_leaves_the_rest_of_the_cache(tmp_path, parsed):
    grid(tmp_path)
    evaluation(tmp_path, "go", "go", "1", base="other")
    analysis.load(tmp_path)
    parsed.clear()
    assert len(analysis.load(tmp_path, base="other")) == 1
    evaluation(tmp_path, "go", "c", "1", base="other")
    analysis.load(tmp_path, base="other")
    analysis.load(tmp_path)
    assert parsed == ["c"]


def _append(path: Path) -> None:
    with path.open("a") as f:
        f.write(line("mini", "go", 9, "passed"))


def _swap_digits(path: Path) -> None:
    before = path.stat()
    data = path.read_bytes()
    at = data.index(b"0.1")
    with path.open("r+b") as f:
        f.seek(at)
        f.write(b"0.7")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (before.st_size, before.st_mtime_ns, before.st_ino) == (after.st_size, after.st_mtime_ns, after.st_ino)


def test_an_appended_verdict_is_seen(tmp_path, parsed):
    path = verdicts(evaluation(tmp_path, "none", "go", "10"))
    analysis.load(tmp_path)
    _append(path)
    assert len(analysis.load(tmp_path)) == 3 and len(parsed) == 2


def test_a_change_that_leaves_size_time_and_inode_is_seen(tmp_path, parsed):
    path = verdicts(evaluation(tmp_path, "none", "go", "10" * 400))
    assert (analysis.load(tmp_path).seconds == 0.1).all()
    _swap_digits(path)
    assert analysis.load(tmp_path).seconds.max() == 0.7 and len(parsed) == 2


def test_another_record_is_seen_although_the_verdicts_are_the_same(tmp_path):
    folder = evaluation(tmp_path, "none", "go", "10")
    assert set(analysis.load(tmp_path).expected) == {2}
    write(folder / "record.json", {"recipe": {"problems": 5}})
    assert set(analysis.load(tmp_path).expected) == {5}


@pytest.mark.parametrize("spoil", ["truncate", "flip", "empty", "garbage", "another version"])
def test_a_damaged_cache_is_made_again_silently(tmp_path, parsed, spoil):
    cold = analysis.load(grid(tmp_path))
    kept = tmp_path / ".analysis" / "verdicts"
    data = kept.read_bytes()
    middle = len(data) // 2
    kept.write_bytes(
        {
            "truncate": data[:middle],
            "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "empty": b"",
            "garbage": b"PAR1" * 100,
            "another version": data.replace(b"codem verdicts 1", b"codem verdicts 0"),
        }[spoil]
    )
    parsed.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pd.testing.assert_frame_equal(cold, analysis.load(tmp_path))
    assert len(parsed) == 12
    assert kept.read_bytes() == data
    assert [p.name for p in kept.parent.iterdir()] == ["verdicts"], "nothing half-written is left"


def test_a_folder_that_cannot_be_written_goes_without(tmp_path, parsed):
    grid(tmp_path)
    (tmp_path / ".analysis").write_text("a file stands where the folder would be")
    assert len(analysis.load(tmp_path)) == len(analysis.load(tmp_path)) == 48
    assert len(parsed) == 24


def test_the_cache_can_be_elsewhere_for_several_runs_folders(tmp_path, parsed):
    grid(tmp_path / "a")
    evaluation(tmp_path / "b", "none", "go", "1")
    for _ in range(2):
        assert len(analysis.load(tmp_path / "a", cache=tmp_path / "kept")) == 48
        assert len(analysis.load(tmp_path / "b", cache=tmp_path / "kept")) == 1
    assert len(parsed) == 13 and len(list((tmp_path / "kept").iterdir())) == 2
    assert not (tmp_path / "a" / ".analysis").exists()


def test_few_verdicts_leave_no_cache_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "WORTH_KEEPING", 49)
    analysis.load(grid(tmp_path))
    assert not (tmp_path / ".analysis").exists()


def test_runs_that_were_moved_keep_their_cache(tmp_path, parsed, monkeypatch):
    grid(tmp_path / "here")
    analysis.load(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.chdir(tmp_path)
    assert len(analysis.load("there")) == 48 and len(parsed) == 12


# --- bad input


def test_versions_of_a_benchmark_are_not_mixed_unless_asked(tmp_path):
    evaluation(tmp_path, "none", "go", "10")
    evaluation(tmp_path, "go", "go", "11", record={"recipe": {"problems": 2, "bench": {"version": 2}}})
    with pytest.raises(
        BadRuns, match=r"(?s)mini: expected one version.*version 1: 1 eval.*version 2: 1.*mixed_versions"
    ):
        analysis.load(tmp_path)
    assert len(analysis.load(tmp_path, mixed_versions=True)) == 4


def test_a_version_that_nobody_states_is_not_another_one(tmp_path):
    evaluation(tmp_path, "none", "go", "10")
    evaluation(tmp_path, "go", "go", "11", record={"recipe": {"problems": 2}})
    assert len(analysis.load(tmp_path)) == 4


def test_other_problem_sets_are_paired_on_the_common_subset_and_said_so(tmp_path):
    evaluation(tmp_path, "none", "go", "1010")
    evaluation(tmp_path, "go", "go", "11")
    cell = paired.differences(analysis.load(tmp_path)).loc[("go", "go")]
    assert (cell["difference"], cell["problems"], cell["left_out"]) == (50, 2, 2)
    assert cell["note"] == "paired on the common subset: 2 left out"


def test_a_verdict_without_outcome_is_missing_not_failed(tmp_path):
    evaluation(tmp_path, "none", "go", "1100")
    frame = analysis.load(tmp_path)
    frame.loc[0, "outcome"] = None
    cell = matrix.cells(frame).loc[("none", "go")]
    assert cell["missing"] == 1 and np.isnan(cell["pass_at_1"])


def test_nothing_at_all_is_an_empty_frame_with_all_columns(tmp_path):
    full = analysis.load(grid(tmp_path))
    for path in tmp_path.rglob("verdicts.jsonl"):
        path.write_bytes(b'{"problem": "mini')
    empty = analysis.load(tmp_path)
    assert len(empty) == 0 and list(empty.columns) == list(full.columns)
