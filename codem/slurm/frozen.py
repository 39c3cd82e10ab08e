"""The code that jobs run: a git worktree of the commit, made once below runs/ and shared by all that is submitted.

What is edited afterwards changes nothing. Differences from the commit are refused, or travel along as a patch.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.errors import CodemError
from codem.run import Launches, write_whole

ROOT = Path(__file__).resolve().parent.parent.parent
PATHS = ("codem", "conf", "sweeps", "analysis", "pyproject.toml")
"""What jobs run, below ROOT. Other files of the repository may differ."""
SHOWN = 20
"""Files that an error lists."""


@dataclass(frozen=True)
class Code:
    folder: Path
    """What is ROOT here: the folder that holds codem/."""
    commit: str
    patch: Path | None = None
    """The differences from the commit that the folder holds, where there are some."""

    @property
    def name(self) -> str:
        patch = f" + {self.patch.stem.partition('+')[2]}" if self.patch else ""
        return self.commit[:7] + patch

    def setup(self) -> list[str]:
        """Lines of shell after which Python takes codem from here: they come last, for a module may set the path."""
        return [f"export PYTHONPATH={shlex.quote(str(self.folder))}${{PYTHONPATH:+:$PYTHONPATH}}"]

    def as_record(self) -> dict[str, Any]:
        return {"commit": self.commit, "patch": self.patch and str(self.patch), "folder": str(self.folder)}


def check(allow_dirty: bool, root: Path = ROOT) -> tuple[str, bool]:
    """The commit, and whether there are differences from it. Raises CodemError when the code cannot be frozen."""
    commit = _commit(root)
    changed = differences(root)
    if changed and not allow_dirty:
        listed = "\n".join(f"  {name}" for name in changed[:SHOWN])
        more = f"\n  and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise CodemError(
            f"{root}: jobs run code that is in a commit, and this is in none:\n{listed}{more}\n"
            f"Ways out: commit it (git add, git commit); put it away (git stash --include-untracked); or "
            f"launch.allow_dirty=true: the differences travel along as a patch, and are on record."
        )
    return commit, bool(changed)


def differences(root: Path = ROOT) -> list[str]:
    """Files below PATHS that differ from the commit, are new, or are gone."""
    said = _git(root, "status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--", *PATHS)
    return sorted(line[3:] for line in said.split("\0") if line)


def freeze(launches: Launches, allow_dirty: bool, root: Path = ROOT) -> Code:
    """The code as it is now, in a folder that nobody edits. Raises CodemError. For one process at a time."""
    commit, differs = check(allow_dirty, root)
    patch = _patch(root) if differs else b""
    name = commit[:12] + (f"+{hashlib.sha256(patch).hexdigest()[:8]}" if patch else "")
    tree = launches.code(name)
    kept = launches.code(f"{name}.patch") if patch else None
    prefix = _git(root, "rev-parse", "--show-prefix").strip()  # codem may be one folder of a larger repository
    code = Code(tree / prefix, commit, kept)
    made = launches.code(f"{name}.made")  # written last: a folder without it is half of one
    if not (made.exists() and tree.is_dir()):
        made.unlink(missing_ok=True)
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(parents=True, exist_ok=True)
        _git(root, "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit)
        if kept:
            kept.write_bytes(patch)
            _git(tree, "apply", "--whitespace=nowarn", str(kept))
        write_whole(made, _content(code.folder) + "\n")
    elif _content(code.folder) != made.read_text("utf-8").strip():
        raise CodemError(
            f"{tree}: expected the frozen code of jobs, found that somebody has changed it; when no job runs from "
            f"there, remove the folder: it is made again"
        )
    return code


def _patch(root: Path) -> bytes:
    with _own_index(root) as index:
        index("add", "--all", "--", *_existing(root))
        return index.bytes("diff", "--cached", "--binary", "--full-index", "--no-color", "--no-ext-diff", "HEAD")


def _content(root: Path) -> str:
    """One hash for all that jobs run."""
    with _own_index(root) as index:
        index("add", "--all", "--", *_existing(root))
        return index("write-tree").strip()


class _own_index:
    """git with an index of its own, which starts as the commit: the user's is not touched."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __enter__(self) -> _own_index:
        self.folder = tempfile.TemporaryDirectory(prefix="codem-index-")
        self.variables = {"GIT_INDEX_FILE": str(Path(self.folder.name) / "index")}
        self("read-tree", "HEAD")
        return self

    def __exit__(self, *_: Any) -> None:
        self.folder.cleanup()

    def __call__(self, *arguments: str) -> str:
        return self.bytes(*arguments).decode("utf-8", "surrogateescape")

    def bytes(self, *arguments: str) -> bytes:
        return _git_bytes(self.root, arguments, self.variables)


def _existing(root: Path) -> list[str]:
    """PATHS that git knows or that are there: it refuses to be asked about others."""
    known = {p.split("/")[0] for p in _git(root, "ls-files", "-z", "--", *PATHS).split("\0")}
    return [p for p in PATHS if p in known or (root / p).exists()]


def _commit(root: Path) -> str:
    if shutil.which("git") is None:
        raise CodemError("git is not on PATH; jobs run the code of a git commit: install git")
    try:
        return _git(root, "rev-parse", "--verify", "HEAD^{commit}").strip()
    except CodemError as e:
        if "not a git repository" in str(e):
            raise CodemError(
                f"{root}: jobs run the code of a git commit, and this is no git checkout; clone the repository and "
                f"install codem from the clone (pip install -e .), or make a repository of this one (git init, git add "
                f"., git commit)"
            ) from None
        if "Needed a single revision" in str(e):
            raise CodemError(
                f"{root}: jobs run the code of a git commit, and there is none yet; git commit first"
            ) from None
        raise


def _git(where: Path, *arguments: str) -> str:
    return _git_bytes(where, arguments, {}).decode("utf-8", "surrogateescape")


def _git_bytes(where: Path, arguments: tuple[str, ...], variables: Mapping[str, str]) -> bytes:
    # Variables of a git command that runs this one (a hook) would name another repository.
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"LC_ALL": "C"} | dict(variables)
    # A hook of the user's has no business in a folder for jobs; a configured pager or editor would wait for somebody.
    command = ["git", "--no-optional-locks", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", *arguments]
    done = subprocess.run(command, cwd=where, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        if "dubious ownership" in said:
            said = f"{where} belongs to another user; git config --global --add safe.directory {where}"
        raise CodemError(f"git {arguments[0]} failed in {where}: {said}")
    return done.stdout
