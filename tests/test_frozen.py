"""The code that jobs run: that of a commit, with its differences if they are wanted, whatever is edited afterwards."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from codem.errors import CodemError
from codem.run import Launches
from codem.slurm import frozen


def git(where: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=where, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A small repository that looks like this one."""
    root = tmp_path / "checkout"
    (root / "codem").mkdir(parents=True)
    (root / "conf").mkdir()
    (root / "codem" / "__init__.py").write_text("")
    (root / "codem" / "work.py").write_text("SAYS = 'committed'\n")
    (root / "conf" / "train.yaml").write_text("seed: 0\n")
    (root / "README.md").write_text("read me\n")
    (root / ".gitignore").write_text("*.log\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


@pytest.fixture
def launches(tmp_path) -> Launches:
    return Launches(tmp_path / "runs")


def says(code: frozen.Code) -> str:
    return (code.folder / "codem" / "work.py").read_text()


def test_jobs_run_the_commit_whatever_is_edited_afterwards(checkout, launches):
    code = frozen.freeze(launches, False, checkout)
    (checkout / "codem" / "work.py").write_text("SAYS = 'edited'\n")
    assert says(code) == "SAYS = 'committed'\n"
    assert code.commit == git(checkout, "rev-parse", "HEAD").strip()
    assert git(code.folder, "rev-parse", "HEAD").strip() == code.commit, "records name the commit from inside"
    assert code.patch is None


def test_a_commit_is_checked_out_once_and_another_gets_its_own_folder(checkout, launches):
    first = frozen.freeze(launches, False, checkout)
    marked = first.folder / "codem" / "__pycache__"
    marked.mkdir()
    (checkout / ".gitignore").write_text("*.log\n__pycache__/\n")
    (marked / "left.pyc").write_text("")
    (first.folder / ".gitignore").write_text("__pycache__/\n")
    assert frozen.freeze(launches, False, checkout).folder == first.folder
    assert (marked / "left.pyc").exists()
    (checkout / "codem" / "work.py").write_text("SAYS = 'second'\n")
    git(checkout, "commit", "-qam", "second")
    second = frozen.freeze(launches, False, checkout)
    assert second.folder != first.folder
    assert (says(first), says(second)) == ("SAYS = 'committed'\n", "SAYS = 'second'\n")


def test_code_in_no_commit_is_refused_with_the_files_and_the_ways_out(checkout, launches):
    (checkout / "codem" / "work.py").write_text("SAYS = 'edited'\n")
    (checkout / "codem" / "new file.py").write_text("")
    (checkout / "conf" / "train.yaml").unlink()
    with pytest.raises(CodemError) as e:
        frozen.freeze(launches, False, checkout)
    for said in (
        "codem/work.py",
        "codem/new file.py",
        "conf/train.yaml",
        "git commit",
        "git stash",
        "allow_dirty=true",
    ):
        assert said in str(e.value)
    assert not launches.folder.exists()


def test_what_no_job_runs_may_differ(checkout, launches):
    (checkout / "README.md").write_text("changed\n")
    (checkout / "notes.txt").write_text("new\n")
    (checkout / "codem" / "a.log").write_text("ignored\n")
    code = frozen.freeze(launches, False, checkout)
    assert code.patch is None
    assert (code.folder / "README.md").read_text() == "read me\n"


def test_differences_travel_along_as_a_patch_and_the_index_is_left_alone(checkout, launches):
    (checkout / "codem" / "work.py").write_text("SAYS = 'edited'\n")
    (checkout / "codem" / "new.py").write_text("NEW = 1\n")
    (checkout / "codem" / "picture.bin").write_bytes(bytes(range(256)))
    (checkout / "conf" / "train.yaml").unlink()
    (checkout / "README.md").write_text("staged\n")
    git(checkout, "add", "README.md")
    index = (checkout / ".git" / "index").read_bytes()
    code = frozen.freeze(launches, True, checkout)
    assert (checkout / ".git" / "index").read_bytes() == index
    assert says(code) == "SAYS = 'edited'\n"
    assert (code.folder / "codem" / "new.py").read_text() == "NEW = 1\n"
    assert (code.folder / "codem" / "picture.bin").read_bytes() == bytes(range(256))
    assert not (code.folder / "conf" / "train.yaml").exists()
    assert (code.folder / "README.md").read_text() == "read me\n"
    assert code.patch is not None and "NEW = 1" in code.patch.read_text(errors="replace")
    assert code.as_record()["patch"] == str(code.patch)
    (checkout / "codem" / "work.py").write_text("SAYS = 'edited again'\n")
    other = frozen.freeze(launches, True, checkout)
    assert (says(code), says(other)) == ("SAYS = 'edited'\n", "SAYS = 'edited again'\n")


def test_half_a_folder_of_a_killed_command_is_made_anew(checkout, launches):
    code = frozen.freeze(launches, False, checkout)
    (code.folder / "codem" / "work.py").unlink()
    launches.code(f"{code.folder.name}.made").unlink()
    assert says(frozen.freeze(launches, False, checkout)) == "SAYS = 'committed'\n"


def test_a_folder_that_was_removed_by_hand_is_made_anew(checkout, launches):
    code = frozen.freeze(launches, False, checkout)
    shutil.rmtree(code.folder)
    assert says(frozen.freeze(launches, False, checkout)) == "SAYS = 'committed'\n"
    shutil.rmtree(launches.folder)
    assert says(frozen.freeze(launches, False, checkout)) == "SAYS = 'committed'\n"


def test_a_frozen_folder_that_was_edited_is_not_used(checkout, launches):
    code = frozen.freeze(launches, False, checkout)
    (code.folder / "codem" / "work.py").write_text("SAYS = 'edited'\n")
    with pytest.raises(CodemError, match="remove the folder"):
        frozen.freeze(launches, False, checkout)


def test_codem_may_be_one_folder_of_a_larger_repository(tmp_path, checkout, launches):
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copytree(checkout, whole / "tools", ignore=shutil.ignore_patterns(".git"))
    git(whole, "init", "-q")
    git(whole, "add", ".")
    git(whole, "commit", "-qm", "first")
    (whole / "tools" / "codem" / "work.py").write_text("SAYS = 'edited'\n")
    with pytest.raises(CodemError, match="codem/work.py"):
        frozen.freeze(launches, False, whole / "tools")
    code = frozen.freeze(launches, True, whole / "tools")
    assert says(code) == "SAYS = 'edited'\n"


def test_a_hook_that_names_another_repository_does_not_matter(checkout, launches, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    assert says(frozen.freeze(launches, False, checkout)) == "SAYS = 'committed'\n"


def test_without_a_checkout_it_says_what_to_do(tmp_path, launches):
    (tmp_path / "installed" / "codem").mkdir(parents=True)
    with pytest.raises(CodemError, match="no git checkout; clone"):
        frozen.check(False, tmp_path / "installed")
    git(tmp_path / "installed", "init", "-q")
    with pytest.raises(CodemError, match="git commit first"):
        frozen.check(False, tmp_path / "installed")


def test_without_git_it_says_so(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CodemError, match="install git"):
        frozen.check(False, checkout)
