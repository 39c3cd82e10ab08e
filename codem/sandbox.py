"""Run one command under limits and say what happened. Knows no language; only this module starts untrusted programs.

    sandbox = open_sandbox("auto")
    result = sandbox.run(["python3", "/tmp/x/main.py"], fence=Fence(cpu_s=5, wall_s=30), readonly=[Path("/tmp/x")])

Two levels, and the record says which one was used:

* `bwrap`: bubblewrap. New process, network, mount and IPC namespaces; an allow-list of folders, read-only, each at
  its own host path; private /tmp of limited size; empty environment. Everything inside dies with the first process.
  As root the command runs under a user id of its own, because root is never bound by the limit on processes.
* `unsafe`: limits alone. Only when asked for by name.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codem import bwrap
from codem.errors import CodemError

STARTED = b"\x01codem started\n"
"""The first bytes on stderr, once the sandbox stands and before the program runs: without them the failure is ours."""
BUILDER_UID = 60999
RUNNER_UIDS = range(61000, 65000)
"""As root every run gets its own user id, so that the limit on processes counts this run alone."""
HOW_TO_GET = "with root: apt-get install bubblewrap; without: python -m codem.toolchains install"

UNSAFE = "Or say sandbox=unsafe: programs then run under limits alone, able to read and delete your files."


class HarnessError(CodemError):
    """Our failure, not the program's: never a verdict about a model."""


@dataclass(frozen=True)
class Fence:
    """The limits of one command."""

    wall_s: float = 30.0
    cpu_s: float = 5.0
    memory_mb: int = 1024
    """Data segment of each process (RLIMIT_DATA): works for every runtime, where an address space limit breaks some."""
    address_mb: int = 8192
    """Second fence, against shared anonymous memory that the first does not count; the JVM reserves over 4 GB."""
    output_kb: int = 1024
    """Of stdout and stderr together; beyond it the command is killed."""
    keep_kb: int = 16
    """How much of the end of stdout, and of stderr, is kept."""
    processes: int = 64
    file_mb: int = 64
    tmp_mb: int = 64


@dataclass(frozen=True)
class Result:
    started: bool
    """The program itself was reached; if False, the sandbox failed and `stderr` says why."""
    exit_code: int | None
    """None when a signal or we ended it."""
    signal: int | None
    timed_out: str
    """`cpu`, `wall`, or empty."""
    output_exceeded: bool
    memory_suspect: bool
    """Killed by the system rather than by a limit of ours: most likely it was out of memory."""
    stdout: str
    stderr: str
    seconds: float
    cpu_s: float = 0.0
    """Processor seconds of the program and its children, as far as the system tells."""


@dataclass(frozen=True)
class Session:
    """Many programs, one after another, each alone and seeing its own folder only."""

    sandbox: Sandbox
    readonly: tuple[Path, ...]
    binds: tuple[tuple[Path, str], ...]

    def run(
        self,
        command: Sequence[str],
        *,
        fence: Fence,
        folder: Path,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        fork: bool = False,
    ) -> Result:
        """fork: the command is a Python script that an interpreter that was started already may run."""
        readonly = [*self.readonly, folder]
        return self.sandbox.run(command, fence=fence, readonly=readonly, binds=self.binds, env=env, stdin=stdin)


@dataclass(frozen=True)
class Sandbox:
    level: str
    """`bwrap` or `unsafe`."""
    name: str
    """For the record: level, tool version, and what it does not do."""
    bwrap: str = ""

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
        inner_env = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **(env or {})}
        as_root = os.geteuid() == 0
        if as_root:
            for folder in writable:
                os.chmod(folder, 0o777)
        uid = _uid(bool(writable)) if as_root else None
        if self.level == "unsafe":
            # a user id of its own for the limit on processes; the tools may lie where only root can read
            inner = _limited(command, fence, uid, reads_all=_may_read_all())
            scratch = tempfile.mkdtemp(prefix="codem-unsafe-")
            tag = os.urandom(8).hex()
            os.chmod(scratch, 0o777)
            try:
                env_out = {**inner_env, "HOME": scratch, "TMPDIR": scratch, "CODEM_RUN": tag}
                return _drive(inner, env_out, str(cwd or scratch), stdin, fence, lambda: _kill_tagged(tag))
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        inner = _limited(command, fence, uid)
        argv = bwrap.arguments(self.bwrap, fence.tmp_mb, readonly, writable, binds, cwd, inner_env, as_root)
        return _drive([*argv, "--", *inner], {"PATH": "/usr/bin:/bin"}, "/", stdin, fence, None)

    @contextlib.contextmanager
    def session(
        self, *, folder: Path, readonly: Iterable[Path] = (), binds: Iterable[tuple[Path, str]] = ()
    ) -> Iterator[Session]:
        """folder: holds the folders of all programs that will be run."""
        yield Session(self, tuple(readonly), tuple(binds))


def open_sandbox(kind: str = "auto") -> Sandbox:
    """The safe level, tried by running something; `unsafe` only when asked for by that name."""
    if kind not in ("auto", "bwrap", "unsafe"):
        raise ValueError(f"sandbox: expected auto, bwrap or unsafe, found {kind!r}")
    if kind == "unsafe":
        sandbox = Sandbox("unsafe", "unsafe: limits alone; files, network and other processes are open to the programs")
        _probe(sandbox)
        return sandbox
    tool = bwrap.find()
    if tool is None:
        raise HarnessError(
            "sandbox: expected bubblewrap (bwrap), found none; what a model wrote is not started without it.\n"
            f"Get it {HOW_TO_GET}.\n{UNSAFE}"
        )
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    sandbox = Sandbox("bwrap", f"bwrap ({version})", tool)
    _probe(sandbox)
    return sandbox


def available() -> tuple[bool, str]:
    """Does a safe level work here? The level's name, or why not and what to do."""
    try:
        return True, open_sandbox("auto").name
    except HarnessError as error:
        return False, str(error)


def _probe(sandbox: Sandbox) -> None:
    result = sandbox.run(["/bin/sh", "-c", "echo works"], fence=Fence(wall_s=20))
    if not result.started or result.stdout != "works\n" or result.exit_code != 0:
        raise HarnessError(
            f"sandbox: {sandbox.name} does not work here: {result.stderr.strip()[-400:] or 'no message'}\n"
            "It needs user namespaces: sysctl user.max_user_namespaces > 0, no AppArmor or container rule.\n"
            f"{UNSAFE}"
        )


_run_number = itertools.count(os.getpid() * 61)


def _uid(builds: bool) -> int:
    return BUILDER_UID if builds else RUNNER_UIDS[next(_run_number) % len(RUNNER_UIDS)]


def _limited(command: Sequence[str], fence: Fence, uid: int | None, reads_all: bool = False) -> list[str]:
    """prlimit -> (setpriv) -> sh, which reports that the program starts -> the program.

    The limits are set inside the sandbox: outside, the one on processes would count everything the user runs.
    The soft processor limit gives a signal of its own; the hard one, a second later, cannot be ignored.
    """
    mb = 1 << 20
    cpu = max(1, round(fence.cpu_s))
    argv = ["prlimit", f"--cpu={cpu}:{cpu + 1}", f"--data={fence.memory_mb * mb}", f"--as={fence.address_mb * mb}"]
    argv += [f"--fsize={fence.file_mb * mb}", f"--nproc={fence.processes}", "--nofile=1024", "--core=0", "--"]
    if uid is not None:
        argv += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
        if reads_all:
            cap = "-all,+dac_read_search"
            argv += [f"--inh-caps={cap}", f"--ambient-caps={cap}", f"--bounding-set={cap}"]
        argv.append("--")
    started = STARTED.decode().replace("\x01", r"\001").replace("\n", r"\n")
    return [*argv, "/bin/sh", "-c", f"printf '{started}' >&2; exec \"$@\"", "sh", *command]


def _drive(argv, env, cwd, stdin: bytes, fence: Fence, kill_rest) -> Result:
    """Start, read both pipes up to the cap, and see to it that the command and its descendants end."""
    read_end, write_end = os.pipe()
    os.write(write_end, stdin[:4096])  # a pipe holds this much without a reader
    os.close(write_end)
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            argv,
            env=env,
            cwd=cwd,
            stdin=read_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"sandbox: cannot start {argv[0]}: {error}") from error
    finally:
        os.close(read_end)
    stdout, stderr = process.stdout, process.stderr
    assert stdout is not None
    assert stderr is not None
    pidfd = os.pidfd_open(process.pid)
    tails = {"stdout": bytearray(), "stderr": bytearray()}
    total, keep = 0, fence.keep_kb << 10
    timed_out, exceeded, exited = "", False, False
    deadline = start + fence.wall_s

    def kill() -> None:
        _kill_group(process.pid)
        if kill_rest is not None:
            kill_rest()

    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, "stdout")
        selector.register(stderr, selectors.EVENT_READ, "stderr")
        selector.register(pidfd, selectors.EVENT_READ, "exit")
        try:
            while len(selector.get_map()) > 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    if exited:
                        break  # a descendant that outlived everything still holds a pipe (unsafe level only)
                    timed_out = timed_out or "wall"
                    kill()
                    deadline = time.monotonic() + 5.0
                    continue
                for key, _ in selector.select(left):
                    if key.data == "exit":
                        exited = True
                        selector.unregister(pidfd)
                        kill()  # what is left of it
                        deadline = time.monotonic() + 1.0
                        continue
                    block = os.read(key.fd, 1 << 16)
                    if not block:
                        selector.unregister(key.fileobj)
                        continue
                    total += len(block)
                    tail = tails[key.data]
                    tail += block
                    if len(tail) > 2 * keep + len(STARTED):
                        # the start of stderr is our own sign and must survive
                        head = bytes(tail[: len(STARTED)]) if key.data == "stderr" and tail.startswith(STARTED) else b""
                        tail[:] = head + tail[-keep:]
                    if total > fence.output_kb << 10 and not exceeded and not exited:
                        exceeded = True
                        kill()
        finally:
            if not exited:
                kill()
            process.wait()
            stdout.close()
            stderr.close()
            os.close(pidfd)
    seconds = time.monotonic() - start
    return _result(process.returncode, tails, fence, seconds, timed_out, exceeded)


def _result(code: int, tails, fence: Fence, seconds: float, timed_out: str, exceeded: bool) -> Result:
    at, keep = tails["stderr"].find(STARTED), fence.keep_kb << 10
    stderr = tails["stderr"][at + len(STARTED) :] if at >= 0 else tails["stderr"]
    number = -code if code < 0 else code - 128 if 128 < code < 160 else None  # bwrap passes a signal on as 128 + number
    killed_by_us = bool(timed_out) or exceeded
    # the soft limit's signal, or the hard limit's, which comes no earlier than that much wall time
    cpu = number == signal.SIGXCPU or (number == signal.SIGKILL and seconds >= fence.cpu_s)
    if not killed_by_us and cpu:
        timed_out, killed_by_us = "cpu", True
    return Result(
        started=at >= 0,
        exit_code=None if killed_by_us or number is not None else code,
        signal=None if killed_by_us else number,
        timed_out=timed_out,
        output_exceeded=exceeded,
        memory_suspect=not killed_by_us and number == signal.SIGKILL,
        stdout=tails["stdout"][-keep:].decode("utf-8", "replace"),
        stderr=stderr[-keep:].decode("utf-8", "replace"),
        seconds=seconds,
    )


def _may_read_all() -> bool:
    """Root may hand on the right to read everything (bit 2 of the capabilities), unless its container took it away."""
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next((line for line in lines if line.startswith("CapBnd:")), "CapBnd: 0")
    return bool(int(bounding.split()[1], 16) >> 2 & 1)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _kill_tagged(tag: str) -> None:
    """Unsafe level: kill what carries this run's tag in its environment, until nothing does."""
    needle = f"CODEM_RUN={tag}".encode()
    for _ in range(50):
        found = False
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    if needle in Path("/proc", entry, "environ").read_bytes():
                        os.kill(int(entry), signal.SIGKILL)
                        found = True
                except OSError:
                    continue
        if not found:
            return
        time.sleep(0.005)
