"""Where a benchmark's files come from: a local folder, or their public home, fetched once.

Nothing of a published benchmark lies in this repository. What is fetched must be what the code was written for: each
file has the hash of its content, and a download of other content is refused and leaves nothing behind.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codem.errors import CodemError
from codem.records import Problem

HOME = "https://raw.githubusercontent.com/{repo}/{commit}/{path}"
"""Where public files lie: the default of every benchmark's setting `home`; a mirror may be named there."""
FETCH_TIMEOUT_S = 30.0


class BadData(CodemError):
    """A benchmark's file is missing, cannot be read, or is not what the benchmark expects."""


@dataclass(frozen=True)
class Source:
    data_dir: Path | None
    """A folder that holds the benchmark's files; None: they are fetched from their public home into the cache."""
    cache_dir: Path


@dataclass(frozen=True)
class DataFile:
    folder: str
    name: str
    """As it is called in `data_dir`, there also without `.gz`."""
    repo: str
    commit: str
    path: str
    """In the repository."""
    sha256: str
    """Of the content, uncompressed and converted."""
    rows: int
    fields: tuple[str, ...]
    """What every row must have, as text."""
    convert: Callable[[bytes], bytes] | None = None
    """From the published file's form to that of the file in `data_dir`, where they differ."""
    parse: Callable[[bytes], list[Any]] | None = None
    """How the rows are found in a file that is not one JSON object per line."""

    @property
    def plain_name(self) -> str:
        return self.name.removesuffix(".gz")

    def url(self, home: str) -> str:
        try:
            return home.format(repo=self.repo, commit=self.commit, path=self.path)
        except (LookupError, ValueError):
            raise BadData(f"home: expected an address with {{repo}}, {{commit}} and {{path}}, found {home}") from None


def load(files: Sequence[DataFile], source: Source, home: str) -> list[list[dict[str, Any]]]:
    """The rows of each file, every field checked. Raises BadData with all that is wrong, not only the first."""
    loaded, errors = [], []
    for file in files:
        try:
            where, content = _local(file, source.data_dir) if source.data_dir else _fetched(file, source, home)
            loaded.append(_rows(file, where, content))
        except BadData as error:
            errors.append(str(error))
    if errors:
        raise BadData("\n".join(errors))
    return loaded


def each(rows: Sequence[dict[str, Any]], make: Callable[[dict[str, Any]], Problem]) -> list[Problem]:
    """The problem that `make` finds in each row. Raises BadData with all rows that are not in the benchmark's form."""
    made, errors = [], []
    for row in rows:
        try:
            made.append(make(row))
        except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
            errors.append(
                f"{row['task_id']}: not in the form that this benchmark has ({type(error).__name__}: {error})"
            )
    if errors:
        raise BadData("\n".join(errors[:10]) + (f"\n... and {len(errors) - 10} more" if len(errors) > 10 else ""))
    return made


def _local(file: DataFile, data_dir: Path) -> tuple[str, bytes]:
    names = (file.name, file.plain_name)
    for path in (data_dir / file.folder / names[0], data_dir / file.folder / names[1], *(data_dir / n for n in names)):
        if path.is_file():
            try:
                return str(path), _unpacked(path.read_bytes())
            except (OSError, EOFError, zlib.error) as error:
                raise BadData(f"{path}: cannot be read ({error}); get it again from {file.url(HOME)}") from None
    raise BadData(
        f"{data_dir / file.folder / file.name}: no such file; get it from {file.url(HOME)}, "
        "or leave data_dir= out and it is fetched"
    )


def _fetched(file: DataFile, source: Source, home: str) -> tuple[str, bytes]:
    kept = source.cache_dir / "data" / file.folder / file.plain_name
    if kept.is_file():
        content = kept.read_bytes()
        if _sha256(content) == file.sha256:
            return str(kept), content
    url = file.url(home)
    instead = f"put the file into a folder D as {file.folder}/{file.name} and add data_dir=D"
    try:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as response:
            content = _unpacked(response.read())
        if file.convert is not None:
            content = file.convert(content)
    except (OSError, http.client.HTTPException, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise BadData(f"{url}: cannot be fetched ({error}); without network, {instead}") from None
    if _sha256(content) != file.sha256:
        raise BadData(
            f"{url}: expected content with sha256 {file.sha256}, found {_sha256(content)}: not the file that this "
            f"benchmark was made for. Nothing was kept; {instead}"
        )
    _write(kept, content)
    return str(kept), content


def _unpacked(data: bytes) -> bytes:
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, also when several processes fetch the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _rows(file: DataFile, where: str, content: bytes) -> list[dict[str, Any]]:
    errors: list[str] = []
    rows = _parsed(file, where, content, errors)
    for place, row in rows:
        bad = [f for f in file.fields if not isinstance(row, dict) or not isinstance(row.get(f), str)]
        if bad:
            errors.append(f"{place}: expected text in the fields {', '.join(file.fields)}; not in {', '.join(bad)}")
    if len(rows) != file.rows and not errors:
        errors.append(f"{where}: expected {file.rows} rows, found {len(rows)}")
    if errors:
        more = f"\n... and {len(errors) - 10} more" if len(errors) > 10 else ""
        raise BadData("\n".join(errors[:10]) + more + f"\nGet the file again from {file.url(HOME)}")
    return [row for _, row in rows]


def _parsed(file: DataFile, where: str, content: bytes, errors: list[str]) -> list[tuple[str, Any]]:
    """(place, row) pairs; what cannot be read goes to `errors`."""
    if file.parse is not None:
        try:
            return [(f"{where}, row {n}", row) for n, row in enumerate(file.parse(content), 1)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            errors.append(f"{where}: cannot be read ({type(error).__name__}: {error})")
            return []
    rows = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            try:
                rows.append((f"{where}:{number}", json.loads(line)))
            except ValueError as error:
                errors.append(f"{where}:{number}: expected one JSON object per line, found {line[:60]!r} ({error})")
    return rows
