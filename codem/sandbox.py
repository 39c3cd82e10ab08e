"""Run commands under limits and say what happened. Knows no language; only this module starts untrusted programs.

    sandbox = open_sandbox("auto")
    result = sandbox.run(["python3", "/tmp/x/main.py"], fence=Fence(cpu_s=5, wall_s=30), readonly=[Path("/tmp/x")])

Three levels, and the record says which one was used:

* `bwrap`: bubblewrap. New process, network, mount and IPC namespaces; an allow-list of folders, read-only, each at
  its own host path; private /tmp of limited size; empty environment; a filter of system calls. Everything inside dies
  with the first process. As root the command runs under a user id of its own, because root is never bound by the limit
  on processes.
* `userns`: the same made by codem/inside/nsbox.py, where bubblewrap is not installed.
* `unsafe`: limits alone. Only when asked for by name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from codem.box import alone, bwrap, session
from codem.box.fence import Fence, HarnessError, Result
from codem.box.session import Session, inner_env
from codem.inside import seccomp
from codem.work_folder import PREFIX

__all__ = ["Fence", "HarnessError", "Result", "Sandbox", "Session", "available", "open_sandbox"]

KINDS = ("auto", "bwrap", "userns", "unsafe")
BUILDER_UID = 60999
RUNNER_UIDS = range(61000, 65000)
"""As root every run gets its own user id, so that the limit on processes counts this run alone."""
NEEDS = "It needs user namespaces: sysctl user.max_user_namespaces > 0, no AppArmor or container rule."
UNSAFE = "Or say sandbox=unsafe: programs then run under limits alone, able to read and delete your files."
INSTALL = "With root: apt-get install bubblewrap; without: python -m codem.toolchains install"


@dataclass(frozen=True)
class Sandbox:
    level: str
    """`bwrap`, `userns` or `unsafe`."""
    name: str
    """For the record: level, tool version, and what it does not do."""
    maker: tuple[str, ...] = ()
    """The command that makes a sandbox, up to its options."""
    nests: bool = False
    """Sandboxes can be made in a sandbox, so that a session needs one for all its programs."""

    def run(
        self,
        command: Sequence[str],
        *,
        fence: Fence,
        readonly: Iterable[Path] = (),
        writable: Iterable[Path] = (),
        binds: Iterable[tuple[Path, str]] = (),
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Result:
        """`readonly` and `writable` appear inside at their own paths, `binds` read-only at another one."""
        readonly, writable, binds = tuple(readonly), tuple(writable), tuple(binds)
        as_root = os.geteuid() == 0
        if as_root:
            for folder in writable:
                os.chmod(folder, 0o777)
        uid = _uid(bool(writable))
        if self.level == "unsafe":
            # a user id of its own for the limit on processes; the tools may lie where only root can read
            inner = alone.limited(command, fence, uid, reads_all=as_root and alone.may_read_all())
            scratch = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
            tag = os.urandom(8).hex()
            os.chmod(scratch, 0o777)
            try:
                env_out = {**inner_env(env), "HOME": scratch, "TMPDIR": scratch, "CODEM_RUN": tag}
                return alone.drive(
                    inner, env_out, str(cwd or scratch), stdin, fence, kill_rest=lambda: alone.kill_tagged(tag)
                )
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        inner = alone.limited(command, fence, uid)
        with _filter() as fd:
            argv = bwrap.arguments(
                self.maker, fence.tmp_mb, readonly, writable, binds, cwd, inner_env(env), as_root, seccomp_fd=fd
            )
            pass_fds = () if fd is None else (fd,)
            return alone.drive([*argv, "--", *inner], {"PATH": "/usr/bin:/bin"}, "/", stdin, fence, pass_fds)

    @contextlib.contextmanager
    def session(
        self, *, folder: Path, readonly: Iterable[Path] = (), binds: Iterable[tuple[Path, str]] = ()
    ) -> Iterator[Session]:
        """folder: holds the folders of all programs that will be run, one after another."""
        made = Session(_Batch(self, folder, tuple(readonly), tuple(binds)))
        try:
            yield made
        finally:
            made.close()


@dataclass(frozen=True)
class _Batch:
    """What a session runs its programs with."""

    sandbox: Sandbox
    programs: Path
    readonly: tuple[Path, ...]
    binds: tuple[tuple[Path, str], ...]

    def run_alone(
        self, command: Sequence[str], fence: Fence, folder: Path, env: Mapping[str, str] | None, stdin: bytes
    ) -> Result:
        readonly = [*self.readonly, folder]
        return self.sandbox.run(command, fence=fence, readonly=readonly, binds=self.binds, env=env, stdin=stdin)

    def outer(self) -> list[str] | None:
        if not self.sandbox.nests:
            return None
        shown = [*self.readonly, *session.python_folder()]
        binds = [*self.binds, (session.INSIDE, f"{session.SHOWN_AT}/codem/inside")]
        readonly = [*dict.fromkeys(shown), self.programs]
        as_root = os.geteuid() == 0
        maker, env = self.sandbox.maker, inner_env(None)
        argv = bwrap.arguments(maker, 1, readonly, [], binds, None, env, as_root, nesting=True)
        inside = [*map(str, shown), *(target for _, target in self.binds)]
        return [*argv, "--", *session.spawner(self.programs, inside)]

    def next_uid(self) -> int | None:
        return _uid(builds=False)


def open_sandbox(kind: str = "auto") -> Sandbox:
    """The strongest level that works here, tried by running something; `unsafe` only when asked for by that name."""
    if kind not in KINDS:
        raise ValueError(f"sandbox: expected one of {', '.join(KINDS)}, found {kind!r}")
    if kind == "unsafe":
        sandbox = Sandbox("unsafe", "unsafe: limits alone; files, network and other processes are open to the programs")
        _probe(sandbox)
        return sandbox
    refusals = []
    for level in ("bwrap", "userns") if kind == "auto" else (kind,):
        try:
            sandbox = _bubblewrap() if level == "bwrap" else _own()
            _probe(sandbox)
            return _with_sessions(sandbox)
        except HarnessError as error:
            refusals.append(str(error))
    raise HarnessError("\n".join(["sandbox: what a model wrote is not started without one.", *refusals, NEEDS, UNSAFE]))


def available() -> tuple[bool, str]:
    """Does a safe level work here? The level's name, or why not and what to do."""
    try:
        return True, open_sandbox("auto").name
    except HarnessError as error:
        return False, str(error)


def _bubblewrap() -> Sandbox:
    tool = bwrap.find()
    if tool is None:
        raise HarnessError(f"expected bubblewrap (bwrap), found none. {INSTALL}")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return Sandbox("bwrap", f"bwrap ({version}){_filtered()}", (tool,))


def _own() -> Sandbox:
    maker = (session.python(), *session.PYTHON_FLAGS, str(session.INSIDE / "nsbox.py"))
    return Sandbox("userns", f"userns (made by codem){_filtered()}", maker)


def _filtered() -> str:
    return "" if seccomp.program() else "; no filter of system calls on this machine"


def _probe(sandbox: Sandbox) -> None:
    found = sandbox.run(["/bin/sh", "-c", "echo works"], fence=Fence(wall_s=20))
    if not found.started or found.stdout != "works\n" or found.exit_code != 0:
        raise HarnessError(f"{sandbox.name} does not work here: {found.stderr.strip()[-400:] or 'no message'}")


def _with_sessions(sandbox: Sandbox) -> Sandbox:
    """The same, with one sandbox for many programs where that works; its name says where it does not."""
    nesting = replace(sandbox, nests=True)
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as folder:
        batch = _Batch(nesting, Path(folder), (), ())
        if Session(batch).works(Path(folder)):
            return nesting
    return replace(sandbox, name=f"{sandbox.name}; a sandbox for each program")


_run_number = itertools.count(os.getpid() * 61)


def _uid(builds: bool) -> int | None:
    """A user id for one run; None where we are an ordinary user, who has only his own."""
    if os.geteuid() != 0:
        return None
    return BUILDER_UID if builds else RUNNER_UIDS[next(_run_number) % len(RUNNER_UIDS)]


@contextlib.contextmanager
def _filter() -> Iterator[int | None]:
    """The filter of system calls as an open file, which each sandbox reads once."""
    program = seccomp.program()
    if not program:
        yield None
        return
    fd = os.memfd_create("codem-filter")
    try:
        os.write(fd, program)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
