"""The rows of a corpus file as plain values, one at a time: JSON lines, one JSON array, Parquet.

No file is held as a whole. A row that cannot be read is a BadRow, and the rest is read on; a file that cannot be read
on (a torn array, a damaged Parquet file) is an error.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from codem.corpus.bad_row import BadRow, Fault
from codem.errors import StageError

SUFFIXES = (".jsonl", ".json", ".parquet")
BATCH_ROWS = 256
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class RawRow:
    number: int
    """From 1. Of JSON lines: the line, so that empty lines count."""
    line: int
    """Where it begins; of Parquet, which has no lines, the number again."""
    value: Any


def raw_rows(path: Path, name: str, most_bytes: int) -> Iterator[RawRow | BadRow]:
    """name: what the rows' places are called. most_bytes: a row that is longer than this is not read.

    Raises StageError when the file is not there, or cannot be read on.
    """
    if path.suffix == ".parquet":
        yield from _parquet(path, name)
        return
    try:
        with open(path, "rb") as file:
            if path.suffix == ".json" and _is_array(file):
                yield from _array(file, path, name, most_bytes)
            else:
                yield from _lines(file, name, most_bytes)
    except OSError as e:
        raise StageError(f"{path}: expected a corpus file, found {e.strerror or e}") from e


def _is_array(file: BinaryIO) -> bool:
    while (piece := file.read(CHUNK_BYTES)) and not (text := piece.removeprefix(codecs.BOM_UTF8).lstrip()):
        pass
    file.seek(0)
    return bool(piece) and text.startswith(b"[")


def _lines(file: BinaryIO, name: str, most_bytes: int) -> Iterator[RawRow | BadRow]:
    """Only a line feed ends a line: inside a JSON text, characters like U+2028 may stand as they are."""
    number = 0
    while line := file.readline(most_bytes + 1):
        number += 1
        if len(line) > most_bytes:
            while line and not line.endswith(b"\n"):
                line = file.readline(CHUNK_BYTES)
            yield BadRow(name, number, Fault.OVER_LONG, f"the line has more than {most_bytes:,} bytes")
            continue
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield _of_line(line, name, number)


def _of_line(line: bytes, name: str, number: int) -> RawRow | BadRow:
    try:
        return RawRow(number, number, json.loads(line.decode("utf-8")))
    except UnicodeDecodeError as e:
        return BadRow(name, number, Fault.NOT_UTF8, f"byte 0x{line[e.start]:02x} at place {e.start + 1} of the line")
    except ValueError as e:
        where = f"{e.msg} at place {e.pos + 1} of the line" if isinstance(e, json.JSONDecodeError) else str(e)
        return BadRow(name, number, Fault.NOT_JSON, where)
    except RecursionError:
        return BadRow(name, number, Fault.NOT_JSON, "too many brackets inside each other")


class _Buffer:
    """The part of a text file that is looked at, and how far it has come."""

    def __init__(self, file: BinaryIO):
        self._file = file
        # what is not UTF-8 becomes half surrogates, which make the row bad, and not the file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self.text, self.at, self.line, self.is_whole = "", 0, 1, False

    def more(self) -> None:
        size = max(CHUNK_BYTES, len(self.text) - self.at)  # twice as much each time: a long row is not parsed often
        piece = self._file.read(size)
        self.text = self.text[self.at :] + self._decoder.decode(piece, final=not piece)
        self.at, self.is_whole = 0, not piece

    def skip(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.at = to

    def next(self) -> str:
        """The next character that is no space, which stays; empty at the end."""
        while True:
            to = self.at
            while to < len(self.text) and self.text[to] in " \t\r\n":
                to += 1
            self.skip(to)
            if self.at < len(self.text):
                return self.text[self.at]
            if self.is_whole:
                return ""
            self.more()


def _array(file: BinaryIO, path: Path, name: str, most_bytes: int) -> Iterator[RawRow | BadRow]:
    buffer = _Buffer(file)
    buffer.next()
    buffer.skip(buffer.at + 1)
    number = 0
    while (found := buffer.next()) != "]":
        if number:
            if found != ",":
                raise _torn(path, buffer, f"expected a comma or the end of the array, found {found or 'the end'}")
            buffer.skip(buffer.at + 1)
            buffer.next()
        number += 1
        line = buffer.line
        value = _element(buffer, path, most_bytes)
        if isinstance(value, UnicodeEncodeError):
            yield BadRow(name, line, Fault.NOT_UTF8, f"byte 0x{ord(value.object[value.start]) - 0xDC00:02x}")
        else:
            yield RawRow(number, line, value)
    buffer.skip(buffer.at + 1)
    if found := buffer.next():
        raise _torn(path, buffer, f"expected nothing after the array, found {found}")


def _element(buffer: _Buffer, path: Path, most_bytes: int) -> Any:
    """What stands at the buffer's place; or the UnicodeEncodeError that says which of its bytes are no text."""
    decoder = json.JSONDecoder()
    while True:
        try:
            value, end = decoder.raw_decode(buffer.text, buffer.at)
        except (ValueError, RecursionError) as e:
            if buffer.is_whole or len(buffer.text) - buffer.at > most_bytes:
                what = e.msg if isinstance(e, json.JSONDecodeError) else e
                raise _torn(path, buffer, f"this element of the array cannot be read: {what}") from None
        else:
            if end < len(buffer.text) or buffer.is_whole:  # a number may go on in the next piece
                try:
                    buffer.text[buffer.at : end].encode()
                except UnicodeEncodeError as e:
                    value = e
                buffer.skip(end)
                return value
        buffer.more()


def _torn(path: Path, buffer: _Buffer, what: str) -> StageError:
    return StageError(
        f"{path}:{buffer.line}: {what}; what follows cannot be read. Mend the file, or write it as JSON lines, of "
        f"which one bad line spoils no other"
    )


def _parquet(path: Path, name: str) -> Iterator[RawRow | BadRow]:
    """A batch of rows at a time, of one row group at a time."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as e:
        raise StageError(f"{path}: reading Parquet needs pyarrow; pip install 'codem[corpus]'") from e
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                for value in _of_batch(batch):
                    number += 1
                    if isinstance(value, UnicodeDecodeError):
                        yield BadRow(name, number, Fault.NOT_UTF8, f"byte 0x{value.object[value.start]:02x} in a text")
                    else:
                        yield RawRow(number, number, value)
    except (pyarrow.ArrowException, OSError) as e:
        raise StageError(f"{path}: expected a Parquet file, found {' '.join(str(e).split())}") from e


def _of_batch(batch: Any) -> list[Any]:
    """A dict for each row, or why its texts cannot be decoded: Parquet does not check them."""
    try:
        return batch.to_pylist()
    except UnicodeDecodeError:
        pass
    rows: list[Any] = []
    for at in range(batch.num_rows):
        try:
            rows += batch.slice(at, 1).to_pylist()
        except UnicodeDecodeError as e:
            rows.append(e)
    return rows
