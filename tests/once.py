"""What several test processes want is made by one of them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def once(folder: Path, make: Callable[[Path], Any]) -> Any:
    """make(folder), by one process of those that want it; what it gave, as JSON keeps it, for all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "once.json"
    with open(folder / "once.lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = make(folder)
            kept.write_text(json.dumps(made))
    return json.loads(kept.read_text())
