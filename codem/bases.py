"""Where a cell's base model is: the embedded one (built when first needed), a folder, or the hub."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.errors import StageError
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


@dataclass(frozen=True)
class Examined:
    """A base model whose files were looked into, without making it."""

    base: str
    config: dict[str, Any]
    """As its config.json says, completed with the library's defaults."""
    dtype: str
    """Of its weights: fp16, bf16, fp32, or torch's name for another."""
    vocabulary: int
    """Rows of its embedding."""
    context: int | None
    """Tokens, where its configuration names a limit."""


def examined(base: str, revision: str | None) -> Examined:
    """Raises StageError when the files are no causal language model, are not whole, or do not belong together.

    A folder is read in a second, whatever its size; a hub model is fetched first, as training would do.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    from codem.quiet import quiet

    with quiet():
        try:
            config = AutoConfig.from_pretrained(base, revision=revision, trust_remote_code=False)
        except Exception as e:  # what a broken file makes the library raise is of every kind
            raise StageError(
                f"{base}: expected the config.json of a causal language model that transformers knows, "
                f"found: {first_line(e)}; check base.path and base.revision, or give a folder with the model"
            ) from e
        try:
            # On the device `meta` tensors have names and shapes, and no content.
            model, info = AutoModelForCausalLM.from_pretrained(
                base,
                revision=revision,
                config=config,
                dtype="auto",
                device_map="meta",
                trust_remote_code=False,
                output_loading_info=True,
            )
        except Exception as e:
            raise StageError(
                f"{base}: expected the weights of its {config.model_type} model, found: {_weights_said(e)}; "
                f"check that the folder is complete, and that its config.json belongs to its weights"
            ) from e
    loaded_whole(base, info)
    names = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32"}
    dtype = str(model.dtype).removeprefix("torch.")
    return Examined(
        base=base,
        config=config.to_dict(),
        dtype=names.get(dtype, dtype),
        vocabulary=model.get_input_embeddings().weight.shape[0],
        context=getattr(config, "max_position_embeddings", None),
    )


def loaded_whole(base: str, info: dict[str, Any]) -> None:
    """Raises StageError when the weights of a model do not fill it. info: from_pretrained's `output_loading_info`.

    The library would start what is missing as noise, and only log that it did.
    """
    problems = {kind: sorted(map(str, info.get(f"{kind}_keys", ()))) for kind in ("missing", "mismatched")}
    for kind, names in problems.items():
        if names:
            raise StageError(
                f"{base}: its weights do not fill the model that its config.json describes: {len(names)} are {kind}, "
                f"such as {names[0]}, and would start as noise; check that config.json belongs to the weights"
            )


def tokenizer(base: str, revision: str | None) -> Any:
    """The base model's tokenizer. Raises StageError when there is none that can be read."""
    from transformers import AutoTokenizer

    from codem.quiet import quiet

    try:
        with quiet():
            return AutoTokenizer.from_pretrained(base, revision=revision, trust_remote_code=False)
    except Exception as e:
        raise StageError(f"{base}: its tokenizer cannot be read ({first_line(e)}); save one there") from e


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


def first_line(e: BaseException) -> str:
    return (str(e).strip().splitlines() or [type(e).__name__])[0]


def _weights_said(e: BaseException) -> str:
    if "ignore_mismatched_sizes" in str(e):
        return "weights of other sizes than it describes"
    return first_line(e)
