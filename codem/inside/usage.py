"""How much memory the processes of a sandbox hold together: a limit for each of them says little about many."""

from __future__ import annotations

import os


def anonymous_memory(asking: int) -> int:
    """Bytes held by all processes that can be seen, but process 1 and the one that asks. Shared memory counts once."""
    private = shared = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) not in (1, asking):
            try:
                with open(f"/proc/{entry}/status", "rb") as f:
                    status = dict(line.split(b":", 1) for line in f if line.startswith((b"RssAnon", b"RssShmem")))
            except OSError:
                continue
            private += _bytes(status, b"RssAnon")
            shared = max(shared, _bytes(status, b"RssShmem"))
    return private + shared


def _bytes(status: dict[bytes, bytes], name: bytes) -> int:
    return int(status[name].split()[0]) << 10 if name in status else 0
