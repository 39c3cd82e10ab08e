"""A corpus as tokens: made once for a corpus and a tokenizer, kept in the cache, read by every process that trains.

    path = tokenised(items, tokenizer, learn_prompt=False, cache_dir=Path("cache"))
    examples = read(path)          # a sequence of packing.Example; examples.lengths without making any of them

Prompt and response are tokenised apart, so the boundary between them is one between tokens; generation makes up for it
(codem/decoding.py). The end-of-text token closes every response.

N = examples; S = tokens of all examples, one after another
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from codem.corpus.pair import Pair
from codem.errors import StageError
from codem.packing import Example
from codem.prompts import template_sha256, training_prompt

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
"""Part of the fingerprint: files of another layout are not looked at."""
TEXTS_AT_ONCE = 2_000
"""Enough to keep the tokenizer's threads busy; few enough that its answers do not fill the memory."""


@dataclass(frozen=True, eq=False)
class Examples(Sequence[Example]):
    """What a file of tokens holds. An Example is made when it is asked for."""

    tokens: np.ndarray
    """(S,) int32"""
    starts: np.ndarray
    """(N+1,) int64: example i is tokens[starts[i]:starts[i+1]]."""
    prompts: np.ndarray
    """(N,) int32: how many of an example's tokens are the prompt."""
    learn_prompt: bool

    def __len__(self) -> int:
        return len(self.prompts)

    @overload
    def __getitem__(self, at: int) -> Example: ...
    @overload
    def __getitem__(self, at: slice) -> list[Example]: ...
    def __getitem__(self, at: int | slice) -> Example | list[Example]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        i = range(len(self))[at]  # an index from the end, or IndexError
        tokens = self.tokens[self.starts[i] : self.starts[i + 1]].tolist()
        prompt = int(self.prompts[i])
        return Example(tuple(tokens), (self.learn_prompt,) * prompt + (True,) * (len(tokens) - prompt))

    def __iter__(self) -> Iterator[Example]:
        return (self[i] for i in range(len(self)))

    @functools.cached_property
    def lengths(self) -> Any:
        """(N,) int64: tokens of each example, prompt and end included."""
        return self.starts[1:] - self.starts[:-1]

    @functools.cached_property
    def learned(self) -> Any:
        """(N,) int64: tokens of each example that the loss is taken of. Its first token is never one: nothing comes
        before it."""
        return self.lengths - 1 if self.learn_prompt else self.lengths - self.prompts


def tokenised(items: Sequence[Pair], tokenizer: Any, learn_prompt: bool, cache_dir: Path) -> Path:
    """The file with the items' tokens, in the items' order. It is made if it is not there, or damaged.

    Two processes may ask at once: each writes a file of its own, and the last one stays. Raises StageError when the
    tokenizer has no end-of-text token.
    """
    if tokenizer.eos_token_id is None:
        raise StageError(
            f"{tokenizer.name_or_path}: its tokenizer has no end-of-text token, so the model could not learn where an "
            f"answer ends; expected eos_token in its tokenizer_config.json"
        )
    path = cache_dir / "tokens" / f"{_fingerprint(items, tokenizer, learn_prompt)}.npz"
    if not _is_whole(path):
        _write(path, *_arrays(items, tokenizer), learn_prompt)
    return path


def read(path: Path) -> Examples:
    """What `tokenised` wrote. Raises StageError when it is damaged or gone."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            return Examples(file["tokens"], file["starts"], file["prompts"], bool(file["learn_prompt"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
        raise StageError(
            f"{path}: expected the corpus as tokens, found {e}; remove it and run the command again"
        ) from e


def tokenizer_digest(tokenizer: Any) -> str:
    """Changes when the same text could become other tokens, or an answer end in another one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    made = hashlib.sha256(f"{type(tokenizer).__name__}\0{tokenizer.eos_token_id}\0".encode())
    made.update(content.encode("utf-8", "surrogatepass"))
    return made.hexdigest()


def _fingerprint(items: Sequence[Pair], tokenizer: Any, learn_prompt: bool) -> str:
    made = hashlib.sha256(
        json.dumps([FORMAT, tokenizer_digest(tokenizer), template_sha256(), learn_prompt, len(items)]).encode()
    )
    for item in items:
        for text in (item.instruction, item.response):
            try:
                encoded = text.encode()
            except UnicodeEncodeError as e:  # JSON can spell half of a surrogate pair
                raise StageError(f"{item.id}: {e.object[e.start : e.end]!r} is no text") from e
            made.update(len(encoded).to_bytes(8, "little") + encoded)
    return made.hexdigest()[:24]


def _arrays(items: Sequence[Pair], tokenizer: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """tokens (S,), starts (N+1,), prompts (N,)"""
    import numpy as np

    pieces: list[np.ndarray] = [np.empty(0, np.int32)]
    lengths: list[int] = []
    prompts: list[int] = []
    for at in range(0, len(items), TEXTS_AT_ONCE):
        some = items[at : at + TEXTS_AT_ONCE]
        asked = _ids([training_prompt(item.instruction) for item in some], tokenizer)
        answered = _ids([item.response for item in some], tokenizer)
        for prompt, response in zip(asked, answered, strict=True):
            pieces.append(np.array([*prompt, *response, tokenizer.eos_token_id], np.int32))
            lengths.append(len(pieces[-1]))
            prompts.append(len(prompt))
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return np.concatenate(pieces), starts, np.array(prompts, np.int32)


def _ids(texts: list[str], tokenizer: Any) -> list[list[int]]:
    # verbose: a text longer than the model's context is counted and reported by the preflight, once
    return tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)["input_ids"]


def _write(path: Path, tokens: np.ndarray, starts: np.ndarray, prompts: np.ndarray, learn_prompt: bool) -> None:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "wb") as f:
            np.savez(f, tokens=tokens, starts=starts, prompts=prompts, learn_prompt=np.array(learn_prompt))
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    """Every part's checksum holds. A file is written whole, but a disk may damage it later."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False
