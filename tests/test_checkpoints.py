"""Which checkpoints count as whole, whose they are, and what a full disk leaves."""

import errno
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from test_fit import job, metrics, weights

from codem import ranks
from codem.checkpoints import full_disk_said, resume_point, save_whole
from codem.errors import StageError


def checkpoint(folder: Path, step: int, processes: int = 1) -> Path:
    """The files that a trainer and a DeepSpeed engine leave, with hardly anything in them."""
    path = folder / f"checkpoint-{step}"
    inner = path / f"global_step{step}"
    inner.mkdir(parents=True)
    ranks = [""] if processes == 1 else [f"_{rank}" for rank in range(processes)]
    for file in (
        *(path / f"rng_state{rank}.pth" for rank in ranks),
        *(inner / f"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt" for rank in range(processes)),
        inner / "mp_rank_00_model_states.pt",
        path / "scheduler.pt",
    ):
        with zipfile.ZipFile(file, "w") as f:
            f.writestr("data", bytes(1000))
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    (path / "trainer_state.json").write_text("{}")
    (path / "latest").write_text(inner.name)
    return path


def start(folder: Path, processes: int) -> None:
    assert resume_point(folder, processes) is None


@pytest.mark.parametrize("processes", [1, 2])
def test_the_newest_whole_one(tmp_path, processes):
    start(tmp_path, processes)
    made = [checkpoint(tmp_path, step, processes) for step in (9, 10, 2)]
    assert resume_point(tmp_path, processes) == made[1]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [Path.unlink, cut, empty])
@pytest.mark.parametrize(
    "name",
    [
        "rng_state_1.pth",
        "trainer_state.json",
        "latest",
        "global_step2/zero_pp_rank_1_mp_rank_00_optim_states.pt",
    ],
)
def test_a_torn_one_gives_way_to_the_one_before(tmp_path, name, damage):
    start(tmp_path, 2)
    before, torn = checkpoint(tmp_path, 1, 2), checkpoint(tmp_path, 2, 2)
    damage(torn / name)
    assert resume_point(tmp_path, 2) == before
    assert not torn.exists()


@pytest.mark.parametrize("damage", [cut, empty])
@pytest.mark.parametrize("name", ["model.safetensors", "scheduler.pt", "global_step2/mp_rank_00_model_states.pt"])
def test_a_file_that_was_cut_off_is_noticed(tmp_path, name, damage):
    start(tmp_path, 1)
    before, torn = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)
    damage(torn / name)
    assert resume_point(tmp_path, 1) == before


@pytest.mark.parametrize(("then", "now"), [(2, 1), (1, 2), (8, 4)])
def test_another_number_of_processes_is_told_the_ways_out(tmp_path, then, now):
    start(tmp_path, then)
    made = checkpoint(tmp_path, 5, then)
    with pytest.raises(StageError, match=rf"written by {then} process(es)?, and {now} would go on") as e:
        resume_point(tmp_path, now)
    assert f"Start as many as then, or remove {tmp_path}" in str(e.value)
    assert made.exists()
    shutil.rmtree(tmp_path)
    start(tmp_path, now)


def test_without_a_whole_checkpoint_any_number_may_begin(tmp_path):
    start(tmp_path, 8)
    torn = checkpoint(tmp_path, 1, 8)
    (torn / "latest").unlink()
    start(tmp_path, 2)
    made = checkpoint(tmp_path, 3, 2)
    assert resume_point(tmp_path, 2) == made


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError(
            "[enforce fail at inline_container.cc:672] . unexpected pos: PytorchStreamWriter file write failed"
        ),
        ValueError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_clear_error_and_costs_one_checkpoint(tmp_path, error):
    start(tmp_path, 1)
    before, torn = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)
    (torn / "trainer_state.json").unlink()
    with pytest.raises(StageError, match=f"the disk of {tmp_path} is full") as e, full_disk_said(tmp_path):
        raise error
    assert e.value.__cause__ is error
    assert not torn.exists()  # its room is needed, for the record at least
    assert resume_point(tmp_path, 1) == before


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(ZeroDivisionError), full_disk_said(tmp_path):
        raise ZeroDivisionError


def test_a_model_is_there_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"

    def half(folder: Path) -> None:
        (folder / "a").write_text("new")
        raise KeyboardInterrupt

    def whole(folder: Path) -> None:
        (folder / "b").write_text("new")

    with pytest.raises(KeyboardInterrupt):
        save_whole(target, half)
    assert not target.exists()
    save_whole(target, whole)
    assert [p.name for p in target.iterdir()] == ["b"]
    with pytest.raises(KeyboardInterrupt):
        save_whole(target, half)
    assert [p.name for p in target.iterdir()] == ["b"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of a few megabytes; mounting one needs root."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_while_a_checkpoint_is_written(micro_base, tmp_path, small_disk):
    """It trains on from the checkpoint before, to the same end, once there is room."""
    ballast = small_disk / "ballast"

    def fill_up(step, total, note):
        if step == 4:
            with open(ballast, "wb") as f:
                f.write(bytes(shutil.disk_usage(small_disk).free - 100_000))

    with pytest.raises(StageError, match="is full; the last checkpoint that was whole is kept"):
        ranks.train(job(micro_base, small_disk, fill_up))
    assert sorted(p.name for p in (small_disk / "checkpoint").glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-3"]
    ballast.unlink()
    steps = []
    ranks.train(job(micro_base, small_disk, lambda step, total, note: steps.append(step)))
    assert steps[0] == 4
    ranks.train(job(micro_base, tmp_path / "undisturbed"))
    assert metrics(small_disk) == metrics(tmp_path / "undisturbed")
    assert weights(small_disk) == weights(tmp_path / "undisturbed")
