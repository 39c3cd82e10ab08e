"""Verdict files as columns: parsed fast, and kept beside the runs so that nothing is parsed twice.

The cache is one file, `runs/.analysis/verdicts`: a digest of what follows, then a Parquet table in which the rows of
each evaluation lie together. Each evaluation is known by its path below the runs folder and by the BLAKE2 digest of
all bytes of its verdict file. The bytes are read in any case (a tenth of the time of parsing them); sizes and times of
files are not believed: a file that is copied back, edited in place or restored with its old time has another digest.

A cache that is damaged, of another version, or not writable is no error: the verdicts are parsed, and a new one is
written whole if that can be done. It may be removed at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codem.records import Outcome, read_verdicts

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = b"codem verdicts 1\n"
"""Changes whenever the columns, or what parsing makes of a line, change."""
FOLDER = ".analysis"
WORTH_KEEPING = 20_000
"""Newly parsed rows from which on a cache is written; fewer are parsed in the time it takes to look for them."""
AT_ONCE = 4
"""Files that are read and parsed at the same time: parsing runs outside the interpreter's lock."""


def parse(data: bytes, path: Path) -> pa.Table:
    """Every whole line of a verdicts file, as the columns of `_schema`, in their order; nothing is left out.

    Says exactly what `codem.records.read_verdicts` says: whatever is not plainly well-formed is read again by it, and
    what it raises (a torn line, an unknown outcome, a field too many or too few) is raised.
    """
    data = data[: data.rfind(b"\n") + 1]  # what follows is the torn last line of a killed writer
    table = _fast(data) if data else _schema().empty_table()
    return _slow(path, data) if table is None else table


def tables(root: Path, files: Sequence[Path], cache: Path | None, check: Callable[[Path, Exception], Exception]) -> Any:
    """A pyarrow Table with the last verdict of every sample, in the order of `files`, and the rows of each file.

    Columns: problem, sample, outcome, seconds, program_sha256, copies. root: what paths in the cache are relative to.
    cache: a folder, or None for no cache. check: turns an exception of a file into the one to raise.
    """
    import pyarrow as pa

    kept = _Kept.read(_place(root, cache)) if cache else _Kept()
    names = [path.relative_to(root).as_posix() for path in files]

    def one(job: tuple[str, Path]) -> tuple[str, pa.Table | None]:
        name, path = job
        data = path.read_bytes() if path.exists() else b""
        digest = hashlib.blake2b(data, digest_size=32).hexdigest()
        if kept.digests.get(name) == digest:
            return digest, None
        try:
            return digest, _last(parse(data, path))
        except (ValueError, TypeError, KeyError) as error:
            raise check(path, error) from None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(one, zip(names, files, strict=True)))
    parts = [kept.rows(name) if table is None else table for name, (_, table) in zip(names, found, strict=True)]
    whole = pa.concat_tables(parts) if parts else _schema(copies=True).empty_table()
    fresh = sum(len(table) for _, table in found if table is not None)
    if cache and fresh >= WORTH_KEEPING:
        digests = {name: digest for name, (digest, _) in zip(names, found, strict=True)}
        others = [name for name in kept.digests if name not in digests and (root / name).exists()]
        rows = [kept.rows(name) for name in others] + parts
        _Kept.write(
            _place(root, cache),
            {name: kept.digests[name] for name in others} | digests,
            rows,
        )
    return whole, [len(part) for part in parts]


class _Kept:
    """What a cache file holds."""

    def __init__(self, digests: dict[str, str] | None = None, counts: Sequence[int] = (), table: Any = None):
        self.digests = digests or {}
        self._table = table
        self._at, start = {}, 0
        for name, count in zip(self.digests, counts, strict=True):
            self._at[name] = (start, count)
            start += count

    def rows(self, name: str) -> pa.Table:
        return self._table.slice(*self._at[name])

    @classmethod
    def read(cls, path: Path) -> _Kept:
        """Nothing when there is none, or when a single bit of it is not as it was written."""
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with open(path, "rb") as f:
                if f.read(len(FORMAT)) != FORMAT:
                    return cls()
                digest, data = f.read(32), f.read()
            if hashlib.blake2b(data, digest_size=32).digest() != digest:
                return cls()
            table = parquet.read_table(pa.BufferReader(data))
            index = json.loads(table.schema.metadata[b"evaluations"])
            table = table.replace_schema_metadata().cast(_schema(copies=True))
            return cls({name: digest for name, digest, _ in index}, [count for _, _, count in index], table)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            return cls()  # another version of the library may read otherwise; it is parsed again

    @staticmethod
    def write(path: Path, digests: dict[str, str], parts: Sequence[pa.Table]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.concat_tables(parts)
        index = [[name, digest, len(part)] for (name, digest), part in zip(digests.items(), parts, strict=True)]
        table = table.replace_schema_metadata({b"evaluations": json.dumps(index).encode()})
        sink = io.BytesIO()
        # Hashes hardly repeat and do not compress as dictionaries; the other columns repeat without end.
        parquet.write_table(table, sink, compression="zstd", use_dictionary=["problem", "outcome"])
        data = sink.getbuffer()
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):  # a folder that may only be read goes without
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(temporary, "wb") as f:
                    f.write(FORMAT)
                    f.write(hashlib.blake2b(data, digest_size=32).digest())
                    f.write(data)
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)


def _place(root: Path, cache: Path) -> Path:
    """In the runs folder itself one name; in a folder that several may share, one for each."""
    if cache == root / FOLDER:
        return cache / "verdicts"
    return cache / f"verdicts-{hashlib.blake2b(str(root.resolve()).encode(), digest_size=8).hexdigest()}"


def _schema(copies: bool = False) -> pa.Schema:
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    fields = [("problem", text), ("sample", pa.int64()), ("outcome", text)]
    fields += [("seconds", pa.float64()), ("program_sha256", pa.string())]
    return pa.schema(fields + ([("copies", pa.int64())] if copies else []))


def _fast(data: bytes) -> pa.Table | None:
    """The lines, if every one of them is beyond doubt one whole verdict; None: not sure.

    The parser takes an object over several lines, two in one line, and empty lines, and a missing field for null. So:
    as many objects as lines, each line from { to }, and every field that may be null named in each.
    """
    import pyarrow as pa
    from pyarrow import json as arrow_json

    lines = data.count(b"\n")
    if not data.startswith(b"{") or data.count(b"}\n") != lines or data.count(b"\n{") != lines - 1:
        return None
    if any(data.count(b'"%s": ' % name) != lines for name in (b"exit_code", b"seconds")):
        return None
    fields = [("problem", pa.string()), ("sample", pa.int64()), ("outcome", pa.string()), ("seconds", pa.float64())]
    fields += [("exit_code", pa.int64()), ("output_tail", pa.string()), ("program_sha256", pa.string())]
    how = arrow_json.ParseOptions(explicit_schema=pa.schema(fields), unexpected_field_behavior="error")
    block = arrow_json.ReadOptions(use_threads=False, block_size=min(len(data), 1 << 24))
    try:
        table = arrow_json.read_json(pa.BufferReader(data), block, how)
    except pa.ArrowException:
        return None
    needed = [name for name, _ in fields if name not in ("exit_code", "seconds")]
    if len(table) != lines or any(table[name].null_count for name in needed):
        return None
    if not set(table["outcome"].unique().to_pylist()) <= {o.value for o in Outcome}:
        return None
    return table.select(_schema().names).cast(_schema())


def _slow(path: Path, data: bytes) -> pa.Table:
    """By the reader of the judge, which names the file and the line in what it raises."""
    import pyarrow as pa

    # Judging may have appended meanwhile: no more lines than there were.
    verdicts = list(islice(read_verdicts(path), data.count(b"\n")))
    for verdict in verdicts:
        if not isinstance(verdict.problem, str):
            raise ValueError(f"Expected the name of a problem, found {verdict.problem!r}.")
    rows = {
        "problem": [v.problem for v in verdicts],
        "sample": [int(v.sample) for v in verdicts],
        "outcome": [v.outcome.value for v in verdicts],
        "seconds": [None if v.seconds is None else float(v.seconds) for v in verdicts],
        "program_sha256": [v.program_sha256 for v in verdicts],
    }
    return pa.table(rows, schema=_schema())


def _last(table: pa.Table) -> pa.Table:
    """The last verdict of each sample, where its first one stood, and how many there were.

    The judge appends, so a later line is a later judgement.
    """
    import numpy as np
    import pyarrow as pa

    if not len(table):
        return table.append_column("copies", pa.array([], type=pa.int64()))
    # One piece first: a number stands for one problem only within one piece.
    problem = table["problem"].combine_chunks().indices.to_numpy().astype(np.int64)
    _, sample = np.unique(table["sample"].to_numpy(), return_inverse=True)
    keys = problem * (int(sample.max()) + 1) + sample
    _, first, which, copies = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    if len(first) == len(table):
        return table.append_column("copies", pa.array(np.ones(len(table), dtype=np.int64)))
    last = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(last, which, np.arange(len(table)))
    order = np.argsort(first)
    return table.take(pa.array(last[order])).append_column("copies", pa.array(copies[order].astype(np.int64)))
