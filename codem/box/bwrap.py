"""bubblewrap's argument list: what a sandboxed command sees. Our own maker of sandboxes, nsbox, takes the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

SYSTEM_FOLDERS = (
    "/usr",
    "/etc/alternatives",
    "/etc/ssl/openssl.cnf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
)
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


def find() -> str | None:
    ours = Path(__file__).resolve().parent.parent.parent / ".toolchains" / "usr" / "bin" / "bwrap"
    return shutil.which("bwrap") or (str(ours) if ours.exists() else None)


def arguments(
    maker: Sequence[str],
    tmp_mb: int,
    readonly: Sequence[Path],
    writable: Sequence[Path],
    binds: Sequence[tuple[Path, str]],
    cwd: Path | None,
    env: Mapping[str, str],
    as_root: bool,
    seccomp_fd: int | None = None,
    nesting: bool = False,
) -> list[str]:
    """`bwrap ...` up to, and without, the command: an allow-list of folders, no network, nothing shared but time.

    maker: `bwrap`, or how nsbox is started. nesting: what runs inside makes smaller sandboxes, and gets the right to.
    """
    argv = [*maker, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    keep = ["CAP_SYS_ADMIN"] if nesting else []
    if as_root:
        # Namespaces are made with root's own right (so that folders only root may read can be shown), and setpriv,
        # inside, changes to an ordinary user id; with it every capability goes.
        keep += ["CAP_SETUID", "CAP_SETGID", *(["CAP_KILL"] if nesting else [])]
    else:
        argv.append("--unshare-user")
    argv += ["--cap-drop", "ALL", *(word for name in keep for word in ("--cap-add", name))]
    if seccomp_fd is not None:
        argv += ["--seccomp", str(seccomp_fd)]
    argv += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in env.items():
        argv += ["--setenv", name, value]
    made = {"/", "/tmp"}
    for system in SYSTEM_FOLDERS:
        argv += [*_parents(system, made), "--ro-bind-try", system, system]
    for link in SYSTEM_LINKS:
        if os.path.islink(link):
            argv += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            argv += ["--ro-bind", link, link]
    argv += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(1 << 20), "--tmpfs", "/dev/shm"]
    argv += ["--perms", "1777", "--size", str(tmp_mb << 20), "--tmpfs", "/tmp"]
    for folder in readonly:
        argv += [*_parents(str(folder), made), "--ro-bind", str(folder), str(folder)]
    for source, target in binds:
        argv += [*_parents(target, made), "--ro-bind", str(source), target]
    for folder in writable:
        argv += [*_parents(str(folder), made), "--bind", str(folder), str(folder)]
    # last: later binds would fail, and without it the sandbox's root and /dev are writable without limit of size
    return [*argv, "--chdir", str(cwd or "/tmp"), "--remount-ro", "/dev", "--remount-ro", "/"]


def _parents(path: str, made: set[str]) -> list[str]:
    """bwrap makes missing parents for their owner alone; as root the program is somebody else."""
    argv = []
    for parent in reversed(Path(path).parents):
        if str(parent) not in made and not str(parent).startswith("/usr"):
            made.add(str(parent))
            argv += ["--perms", "0755", "--dir", str(parent)]
    return argv
