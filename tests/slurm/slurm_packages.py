"""Slurm's programs on this machine: where they are, and getting them from Debian's or Ubuntu's packages.

With root they are installed. An ordinary user has them unpacked into .toolchains/slurm, and runs them from there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins")
LIBRARIES = ("libmunge2", "libhwloc15", "libjson-c5", "libhttp-parser2.9", "libyaml-0-2", "libpmix2", "libfreeipmi17")
"""What the programs need besides; only fetched where this machine does not have it."""
UNPACKED = Path(__file__).resolve().parents[2] / ".toolchains" / "slurm"
NEEDED = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
PATIENCE_S = 900
"""For one command that fetches something."""


class NoSlurm(Exception):
    """Says how to get it."""


@dataclass(frozen=True)
class Programs:
    slurmctld: str
    slurmd: tuple[str, ...]
    """With what it must always be given."""
    environment: dict[str, str]
    """In which users' commands, too, find Slurm."""
    plugins: Path | None
    """None: where the programs look by themselves."""


def find() -> Programs:
    """Raises NoSlurm."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    if all(shutil.which(name, path=path) for name in NEEDED):
        return Programs(
            slurmctld=str(shutil.which("slurmctld", path=path)),
            slurmd=(str(shutil.which("slurmd", path=path)),),
            environment={},
            plugins=None,
        )
    if found := _unpacked(UNPACKED):
        return found
    raise NoSlurm(
        f"Slurm is missing: no {', '.join(n for n in NEEDED if not shutil.which(n, path=path))} on PATH or in "
        f"{UNPACKED}; on Debian or Ubuntu: python tests/slurm/cluster.py install"
    )


def install() -> Programs:
    """Get what is missing. Raises NoSlurm when that cannot be done."""
    try:
        return find()
    except NoSlurm:
        if not shutil.which("apt-get"):
            raise
    if os.geteuid() == 0:
        command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "slurm-wlm"]
        if not _run(command):
            _run(["apt-get", "update", "-q"])
            _run(command)
    else:
        _unpack(UNPACKED)
    return find()


def _unpacked(root: Path) -> Programs | None:
    """Debian's programs carry a suffix. The usual names are links that the packages' set-up would have made; a program
    that is started by another name does not know itself what it is."""
    libraries = next(iter(root.glob("usr/lib/*/slurm-wlm")), None)
    names = root / "bin"
    if libraries is None or not all((names / name).exists() for name in NEEDED):
        return None
    folders = [libraries.parent, libraries, os.environ.get("LD_LIBRARY_PATH", "")]
    return Programs(
        slurmctld=str(names / "slurmctld"),
        slurmd=(str(names / "slurmd"), "-d", str(names / "slurmstepd")),
        environment={
            "PATH": f"{names}{os.pathsep}{os.environ.get('PATH', '')}",
            "LD_LIBRARY_PATH": os.pathsep.join(map(str, filter(None, folders))),
        },
        plugins=libraries,
    )


def _unpack(root: Path) -> None:
    if not shutil.which("dpkg"):
        raise NoSlurm("dpkg is missing: install Slurm with the system's package manager, as root")
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as fetched:
        for package in PACKAGES + LIBRARIES:
            _run(["apt-get", "download", "-q", package], cwd=fetched)  # what the system's version has no need of fails
        for archive in sorted(Path(fetched).glob("*.deb")):
            _run(["dpkg", "-x", str(archive), str(root)])
    names = root / "bin"
    names.mkdir(exist_ok=True)
    for program in [*root.glob("usr/bin/*"), *root.glob("usr/sbin/*")]:
        link = names / program.name.removesuffix("-wlm")
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def _run(command: list[str], cwd: str | None = None) -> bool:
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"  did not work: {error}", file=sys.stderr)
        return False
    if done.returncode:
        print("  did not work: " + (done.stderr or done.stdout).strip()[-400:].replace("\n", "\n  "), file=sys.stderr)
    return done.returncode == 0
