"""Run one command under limits and say what happened. Knows no language; the only module that starts untrusted programs.

    sandbox = open_sandbox("auto")
    result = sandbox.run(["python3", "/tmp/x/main.py"], fence=Fence(cpu_s=5, wall_s=30), readonly=[Path("/tmp/x")])

Two levels, and the record says which one was used:

* `bwrap`: bubblewrap. New process, network, mount and IPC namespaces; an allow-list of folders, read-only, each at
  its own host path; private /tmp of limited size; empty environment. Everything inside dies with the first process.
  As root the command runs under a user id of its own, because root is never bound by the limit on processes.
* `unsafe`: limits alone. Only when asked for by name.
"""

from __future__ import annotations

import itertools
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from codem.errors import CodemError

STARTED = b"\x01codem started\n"
"""The first bytes on stderr once the sandbox stands and just before the program runs: without them the failure is ours."""
SYSTEM_FOLDERS = ("/usr", "/etc/alternatives", "/etc/ssl/openssl.cnf", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
BUILDER_UID = 60999
RUNNER_UIDS = range(61000, 65000)
"""As root every run gets its own user id, so that the limit on processes counts this run alone."""
HOW_TO_GET = "with root: apt-get install bubblewrap; without: python -m codem.toolchains install"


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
        inner = _limited(command, fence, uid=_uid(bool(writable)) if as_root else None)
        if self.level == "unsafe":
            scratch = tempfile.mkdtemp(prefix="codem-unsafe-")
            tag = os.urandom(8).hex()
            os.chmod(scratch, 0o777)
            try:
                env_out = {**inner_env, "HOME": scratch, "TMPDIR": scratch, "CODEM_RUN": tag}
                return _drive(inner, env_out, str(cwd or scratch), stdin, fence, lambda: _kill_tagged(tag))
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        argv = _bwrap(self.bwrap, fence, readonly, writable, binds, cwd, inner_env, as_root)
        return _drive([*argv, "--", *inner], {"PATH": "/usr/bin:/bin"}, "/", stdin, fence, None)


def open_sandbox(kind: str = "auto") -> Sandbox:
    """The safest level that really works here, tried by running something; `unsafe` only when asked for by that name."""
    if kind not in ("auto", "bwrap", "unsafe"):
        raise ValueError(f"sandbox: expected auto, bwrap or unsafe, found {kind!r}")
    if kind == "unsafe":
        sandbox = Sandbox("unsafe", "unsafe: limits alone; files, network and other processes are open to the programs")
        _probe(sandbox)
        return sandbox
    tool = find_bwrap()
    if tool is None:
        raise HarnessError(
            "sandbox: expected bubblewrap (bwrap), found none; programs that a model wrote are not started without it.\n"
            f"Get it {HOW_TO_GET}. Or say sandbox=unsafe, which runs them under limits alone, able to read and delete your files."
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


def find_bwrap() -> str | None:
    ours = Path(__file__).resolve().parent.parent / ".toolchains" / "usr" / "bin" / "bwrap"
    return shutil.which("bwrap") or (str(ours) if ours.exists() else None)


def _probe(sandbox: Sandbox) -> None:
    result = sandbox.run(["/bin/sh", "-c", "echo works"], fence=Fence(wall_s=20))
    if not result.started or result.stdout != "works\n" or result.exit_code != 0:
        raise HarnessError(
            f"sandbox: {sandbox.name} does not work here: {result.stderr.strip()[-400:] or 'no message'}\n"
            "It needs user namespaces (sysctl user.max_user_namespaces > 0, and no AppArmor or container rule against them)."
            " Or say sandbox=unsafe, which runs programs under limits alone, able to read and delete your files."
        )


_run_number = itertools.count(os.getpid() * 61)


def _uid(builds: bool) -> int:
    return BUILDER_UID if builds else RUNNER_UIDS[next(_run_number) % len(RUNNER_UIDS)]


def _limited(command: Sequence[str], fence: Fence, uid: int | None) -> list[str]:
    """prlimit -> (setpriv) -> sh, which reports that the program starts -> the program.

    The limits are set inside the sandbox: outside, the one on processes would count everything the user runs.
    The soft processor limit gives a signal of its own; the hard one, a second later, cannot be ignored.
    """
    mb = 1 << 20
    cpu = max(1, round(fence.cpu_s))
    argv = ["prlimit", f"--cpu={cpu}:{cpu + 1}", f"--data={fence.memory_mb * mb}", f"--as={fence.address_mb * mb}"]
    argv += [f"--fsize={fence.file_mb * mb}", f"--nproc={fence.processes}", "--nofile=1024", "--core=0", "--"]
    if uid is not None:
        argv += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs", "--"]
    started = STARTED.decode().replace("\x01", r"\001").replace("\n", r"\n")
    return [*argv, "/bin/sh", "-c", f"printf '{started}' >&2; exec \"$@\"", "sh", *command]


def _bwrap(tool, fence, readonly, writable, binds, cwd, env, as_root) -> list[str]:
    argv = [tool, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if as_root:
        # Namespaces are made with root's own right (so that folders only root may read can be shown), and setpriv,
        # inside, changes to an ordinary user id; with it every capability goes.
        argv += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        argv += ["--unshare-user", "--cap-drop", "ALL"]
    argv += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in env.items():
        argv += ["--setenv", name, value]
    made = {"/", "/tmp"}
    for folder in SYSTEM_FOLDERS:
        argv += [*_parents(folder, made), "--ro-bind-try", folder, folder]
    for link in SYSTEM_LINKS:
        if os.path.islink(link):
            argv += ["--symlink", os.readlink(link), link]
        elif os.path.isdir(link):
            argv += ["--ro-bind", link, link]
    argv += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", str(1 << 20), "--tmpfs", "/dev/shm"]
    argv += ["--perms", "1777", "--size", str(fence.tmp_mb << 20), "--tmpfs", "/tmp"]
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


def _drive(argv, env, cwd, stdin: bytes, fence: Fence, kill_rest) -> Result:
    """Start, read both pipes up to the cap, and see to it that the command and its descendants end."""
    read_end, write_end = os.pipe()
    os.write(write_end, stdin[:4096])  # a pipe holds this much without a reader
    os.close(write_end)
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            argv, env=env, cwd=cwd, stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise HarnessError(f"sandbox: cannot start {argv[0]}: {error}") from error
    finally:
        os.close(read_end)
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
        selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        selector.register(process.stderr, selectors.EVENT_READ, "stderr")
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
            process.stdout.close()
            process.stderr.close()
            os.close(pidfd)
    seconds = time.monotonic() - start
    return _result(process.returncode, tails, fence, seconds, timed_out, exceeded)


def _result(code: int, tails, fence: Fence, seconds: float, timed_out: str, exceeded: bool) -> Result:
    at = tails["stderr"].find(STARTED)
    stderr = bytes(tails["stderr"][at + len(STARTED) :] if at >= 0 else tails["stderr"])
    number = -code if code < 0 else code - 128 if 128 < code < 160 else None  # bwrap passes a signal on as 128 + number
    killed_by_us = bool(timed_out) or exceeded
    if not killed_by_us and number in (signal.SIGXCPU, signal.SIGKILL):
        # the soft limit's signal, or the hard limit's, which comes no earlier than that much wall time
        if number == signal.SIGXCPU or seconds >= fence.cpu_s:
            timed_out, killed_by_us = "cpu", True
    return Result(
        started=at >= 0,
        exit_code=None if killed_by_us or number is not None else code,
        signal=None if killed_by_us else number,
        timed_out=timed_out,
        output_exceeded=exceeded,
        memory_suspect=not killed_by_us and number == signal.SIGKILL,
        stdout=bytes(tails["stdout"]).decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        seconds=seconds,
    )


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


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
