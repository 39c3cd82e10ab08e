"""Many programs, one after another, in one sandbox: each is alone in it and sees its own folder only.

Making a sandbox costs more than most programs do. So one is made for a batch, with codem/inside/spawner.py in it, and
that makes the smaller one of each program: namespaces, /tmp, /proc, limits, user id, filter of system calls. What is
special about a program (its input, what it prints) goes past the spawner, which gets the open pipes and no more.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from codem.box.fence import Fence, HarnessError, Result
from codem.box.watch import LEFT_TO_DIE_S, Watched, result, watch

INSIDE = Path(__file__).resolve().parent.parent / "inside"
SHOWN_AT = "/codem-sandbox"
SPAWNER = f"{SHOWN_AT}/codem/inside/spawner.py"
PYTHON_FLAGS = ("-I", "-S", "-B")
START_S = 30.0
GROUP_FACTOR, GROUP_EXTRA_MB = 1.5, 64
"""What all processes of a program may hold together, in terms of what one may."""
MOST_LOSSES = 3
LARGEST_REPLY = 1 << 16
FRESH = ("/tmp", "/dev/shm")
"""Every program gets its own; what the sandbox shows below them must be shown again."""


class Lost(Exception):
    """The spawner is gone, or says what makes no sense."""


class Runner(Protocol):
    """What a session needs of a Sandbox."""

    def run_alone(
        self, command: Sequence[str], fence: Fence, folder: Path, env: Mapping[str, str] | None, stdin: bytes
    ) -> Result: ...

    def outer(self) -> list[str] | None:
        """The command that starts the spawner, or None where programs cannot have sandboxes in a sandbox."""

    def next_uid(self) -> int | None: ...


def python() -> str:
    """The one below any virtual environment."""
    return os.path.realpath(sys.executable)


def python_folder() -> list[Path]:
    """Where it is installed, if that is not shown anyway."""
    return [] if python().startswith("/usr/") else [Path(python()).parent.parent]


def spawner(programs: Path, shown: Sequence[str]) -> list[str]:
    """The command; it wants the number of its socket as a last argument."""
    settings = {"programs": str(programs), "shown": [s for s in shown if s.startswith(tuple(f"{f}/" for f in FRESH))]}
    return [python(), *PYTHON_FLAGS, SPAWNER, json.dumps(settings)]


class Session:
    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._channel: _Channel | None = None
        self._losses = 0

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
        outer = self._runner.outer() if self._losses < MOST_LOSSES else None
        if outer is not None:
            try:
                self._channel = self._channel or _Channel(outer)
                order = {
                    "command": list(command),
                    "fork": fork and tuple(command[:-1]) == (python(), *PYTHON_FLAGS),
                    "env": {**inner_env(env), "PWD": "/tmp"},  # as the shell sets it when a program is run alone
                    "folder": str(folder),
                    "uid": self._runner.next_uid(),
                    "limits": fence.limits(),
                    "processes": fence.processes,
                    "tmp_mb": fence.tmp_mb,
                    "group_memory": int(GROUP_FACTOR * fence.memory_mb + GROUP_EXTRA_MB) << 20,
                }
                found = self._channel.run(order, fence, stdin)
                if found.started:
                    return found
                self._losses += 1
            except (Lost, OSError):
                self._losses += 1
                self.close()
        return self._runner.run_alone(command, fence, folder, env, stdin)

    def works(self, folder: Path) -> bool:
        """Try it by doing: a program starts in a sandbox in a sandbox."""
        try:
            found = self.run(("/bin/true",), fence=Fence(wall_s=START_S), folder=folder)
            return self._losses == 0 and found.exit_code == 0
        finally:
            self.close()

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


def inner_env(env: Mapping[str, str] | None) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **(env or {})}


class _Channel:
    """A sandbox with a spawner in it, and the socket to that one."""

    def __init__(self, outer: Sequence[str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.process = subprocess.Popen(
                [*outer, str(theirs.fileno())],
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                stdin=subprocess.PIPE,  # pipes, as a program's own are: Python asks what they are when it starts
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise HarnessError(f"sandbox: cannot start {outer[0]}: {error}") from error
        finally:
            theirs.close()
        self.socket = ours
        try:
            if self._answer(START_S) != {"ready": True}:
                raise Lost("no sign of readiness")
        except Lost:
            self.close()
            raise

    def run(self, order: Mapping[str, Any], fence: Fence, stdin: bytes) -> Result:
        in_read, in_write = os.pipe()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        theirs = [in_read, out_write, err_write]
        try:
            os.write(in_write, stdin[:4096])  # a pipe holds this much without a reader
            os.close(in_write)
            start = time.monotonic()
            socket.send_fds(self.socket, [json.dumps(order).encode()], theirs)
            for fd in theirs:
                os.close(fd)
            theirs = []
            seen = watch(out_read, err_read, self.socket.fileno(), fence, start, self._kill)
            return self._result(seen, fence, start)
        finally:
            for fd in (out_read, err_read, *theirs):
                os.close(fd)

    def _result(self, seen: Watched, fence: Fence, start: float) -> Result:
        answer = self._answer(LEFT_TO_DIE_S)
        seconds = time.monotonic() - start
        try:
            started, status, memory = answer["started"], answer["status"], answer["memory"]
            cpu_s, error = answer["cpu_s"], answer["error"]
        except KeyError as lacking:
            raise Lost(f"no {lacking} in its answer") from lacking
        if status is None and started and not (seen.timed_out or seen.exceeded or memory):
            raise Lost("the program's first process ended without a word")
        if error:
            seen.tails["stderr"][:] = error.encode()
        code = os.waitstatus_to_exitcode(status) if status is not None else -9
        return result(seen, fence, started=started, code=code, seconds=seconds, cpu_s=cpu_s, memory=memory)

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(b"kill")

    def _answer(self, wait_s: float) -> dict[str, Any]:
        if not select.select([self.socket], [], [], wait_s)[0]:
            raise Lost("silence")
        try:
            return json.loads(self.socket.recv(LARGEST_REPLY))
        except ValueError as error:
            raise Lost("not an answer") from error

    def close(self) -> None:
        """The spawner ends when its socket does; everything in its sandbox with it."""
        self.socket.close()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
