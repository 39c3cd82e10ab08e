"""Read what a command prints, up to a cap and a deadline, and see to it that the command ends."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from codem.box.fence import Fence, Result

STARTED = b"\x01codem started\n"
"""The first bytes on stderr, once the sandbox stands and before the program runs: without them the failure is ours."""
LEFT_TO_DIE_S = 5.0
LEFT_TO_DRAIN_S = 1.0


@dataclass
class Watched:
    tails: dict[str, bytearray] = field(default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()})
    timed_out: str = ""
    exceeded: bool = False
    ended: bool = False
    """It was seen to end; if not, it is still there after it was killed."""


def watch(
    stdout: int,
    stderr: int,
    over: int,
    fence: Fence,
    start: float,
    kill: Callable[[], None],
    at_end: Callable[[], None] = lambda: None,
) -> Watched:
    """over: a descriptor that can be read once the command has ended."""
    seen, total, keep = Watched(), 0, fence.keep_kb << 10
    deadline = start + fence.wall_s
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, "stdout")
        selector.register(stderr, selectors.EVENT_READ, "stderr")
        selector.register(over, selectors.EVENT_READ, "over")
        while len(selector.get_map()) > 0:
            left = deadline - time.monotonic()
            if left <= 0:
                if seen.ended or deadline > start + fence.wall_s:
                    break  # what outlived everything still holds a pipe (unsafe level), or cannot be killed
                seen.timed_out = "wall"
                kill()
                deadline = max(time.monotonic(), deadline) + LEFT_TO_DIE_S
                continue
            for key, _ in selector.select(left):
                if key.data == "over":
                    seen.ended = True
                    selector.unregister(over)
                    at_end()
                    deadline = time.monotonic() + LEFT_TO_DRAIN_S
                    continue
                block = os.read(key.fd, 1 << 16)
                if not block:
                    selector.unregister(key.fileobj)
                    continue
                total += len(block)
                _keep_end(seen.tails[key.data], block, keep)
                if total > fence.output_kb << 10 and not seen.exceeded and not seen.ended:
                    seen.exceeded = True
                    kill()
    return seen


def _keep_end(tail: bytearray, block: bytes, keep: int) -> None:
    tail += block
    if len(tail) > 2 * keep + len(STARTED):
        # the start of stderr is our own sign and must survive
        head = STARTED if tail.startswith(STARTED) else b""
        tail[:] = head + tail[-keep:]


def result(
    seen: Watched,
    fence: Fence,
    *,
    started: bool,
    code: int,
    seconds: float,
    cpu_s: float | None,
    memory: bool = False,
) -> Result:
    """code: as subprocess gives it, negative for a signal. memory: we killed it for the memory of all its processes."""
    number = -code if code < 0 else None
    killed_by_us = bool(seen.timed_out) or seen.exceeded or memory
    timed_out, keep = seen.timed_out, fence.keep_kb << 10
    # the soft limit's signal, or the hard limit's, which comes no earlier than that
    spent_s = seconds if cpu_s is None else cpu_s
    if not killed_by_us and (number == signal.SIGXCPU or (number == signal.SIGKILL and spent_s >= fence.cpu_s)):
        timed_out, killed_by_us = "cpu", True
    return Result(
        started=started,
        exit_code=None if killed_by_us or number is not None else code,
        signal=None if killed_by_us else number,
        timed_out=timed_out,
        output_exceeded=seen.exceeded,
        memory_suspect=memory or (not killed_by_us and number == signal.SIGKILL),
        stdout=seen.tails["stdout"][-keep:].decode("utf-8", "replace"),
        stderr=seen.tails["stderr"][-keep:].decode("utf-8", "replace"),
        seconds=seconds,
        cpu_s=cpu_s or 0.0,
    )
