"""Where a cell's base model is: the embedded one (built when first needed), a folder, or the hub."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from codem.settings import Base, Cell


@dataclass(frozen=True)
class Located:
    path: str | None
    """None: the embedded model."""
    identity: str
    """Changes when the model does."""

    def ensured(self, cell: Cell) -> str:
        """A folder or hub id that transformers can load; builds the embedded model if it is not in the cache."""
        if self.path is not None:
            return self.path
        from codem import tiny
        from codem.progress import progress

        recipe = tiny.TinyRecipe()
        if tiny.folder(cell.source.cache_dir, recipe).is_dir():
            return str(tiny.ensure(cell.source.cache_dir, recipe))
        with progress(f"pre-train {cell.base.name} (once)", None, "pre-trained") as shown:

            def report(step: int, total: int) -> None:
                shown.total = total
                shown.update(step)

            return str(tiny.ensure(cell.source.cache_dir, recipe, report))


def locate(cell: Cell) -> Located:
    return _locate(cell.base)


@functools.cache
def _locate(base: Base) -> Located:
    if base.path is None:
        from codem import tiny

        return Located(None, f"tiny-{tiny.fingerprint(tiny.TinyRecipe())}")
    folder = Path(base.path)
    if folder.is_dir():
        return Located(base.path, f"folder:{_folder_digest(folder)}")
    return Located(base.path, f"hub:{base.path}@{base.revision or 'main'}")


def _folder_digest(folder: Path) -> str:
    """Of the small files' content and the weights' names and sizes: reading 30 GB to start a run would be too much."""
    made = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        made.update(f"{path.name}:{path.stat().st_size}\n".encode())
        if path.suffix == ".json":
            made.update(path.read_bytes())
    return made.hexdigest()[:16]
