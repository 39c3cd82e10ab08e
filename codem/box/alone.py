"""Start one command under limits in a sandbox of its own, or in none, and see to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codem.box.fence import Fence, HarnessError, Result
from codem.box.watch import STARTED, result, watch


def limited(command: Sequence[str], fence: Fence, uid: int | None, reads_all: bool = False) -> list[str]:
    """prlimit -> (setpriv) -> sh, which reports that the program starts -> the program.

    The limits are set inside the sandbox: outside, the one on processes would count everything the user runs.
    The soft processor limit gives a signal of its own; the hard one, a second later, cannot be ignored.
    """
    limits = fence.limits()
    cpu = limits.pop("cpu")
    argv = ["prlimit", f"--cpu={cpu}:{cpu + 1}", f"--nproc={fence.processes}"]
    argv += [*(f"--{name}={value}" for name, value in limits.items()), "--"]
    if uid is not None:
        argv += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs"]
        if reads_all:
            cap = "-all,+dac_read_search"
            argv += [f"--inh-caps={cap}", f"--ambient-caps={cap}", f"--bounding-set={cap}"]
        argv.append("--")
    started = STARTED.decode().replace("\x01", r"\001").replace("\n", r"\n")
    return [*argv, "/bin/sh", "-c", f"printf '{started}' >&2; exec \"$@\"", "sh", *command]


def drive(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    stdin: bytes,
    fence: Fence,
    pass_fds: Sequence[int] = (),
    kill_rest: Callable[[], None] = lambda: None,
) -> Result:
    """Start a command of its own session, and see to it that it and its descendants end."""
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
            pass_fds=pass_fds,
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(f"sandbox: cannot start {argv[0]}: {error}") from error
    finally:
        os.close(read_end)
    assert process.stdout is not None
    assert process.stderr is not None
    pidfd = os.pidfd_open(process.pid)

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        kill_rest()

    ended = False
    try:
        fds = (process.stdout.fileno(), process.stderr.fileno(), pidfd)
        seen = watch(*fds, fence, start, kill, at_end=kill)  # at the end: what is left of it
        ended = seen.ended
    finally:
        if not ended:
            kill()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        process.stderr.close()
        os.close(pidfd)
    seconds = time.monotonic() - start
    # bubblewrap does not wait for what it started, so the system does not tell what that took
    cpu_s = None if argv[0].endswith("bwrap") else used.ru_utime + used.ru_stime
    code, stderr = process.returncode, seen.tails["stderr"]
    if 128 < code < 160:
        code = 128 - code  # the makers of sandboxes pass a signal on as 128 + number
    started = STARTED in stderr
    stderr[:] = stderr.split(STARTED, 1)[-1]
    return result(seen, fence, started=started, code=code, seconds=seconds, cpu_s=cpu_s)


def may_read_all() -> bool:
    """Root may hand on the right to read everything (bit 2 of the capabilities), unless its container took it away."""
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next((line for line in lines if line.startswith("CapBnd:")), "CapBnd: 0")
    return bool(int(bounding.split()[1], 16) >> 2 & 1)


def kill_tagged(tag: str) -> None:
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
