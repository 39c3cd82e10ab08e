"""Where the files of a language's corpus are: a file, a folder, a glob, or a hub data set.

In a folder and in a hub data set, a file belongs to the language that it is named for: `go.jsonl`, or the parts
`go-00000-of-00002.parquet`; in the paper's public set some names are short (`js`). A file, and a glob of files that are
named for no language, are one language's corpus: that of the row which trains on them.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from codem.corpus.raw_rows import SUFFIXES
from codem.errors import StageError

EMBEDDED = "mini"

WRITTEN = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


class Kind(StrEnum):
    EMBEDDED = "embedded"
    FOLDER = "folder"
    FILE = "file"
    GLOB = "glob"
    HUB = "hub"


@dataclass(frozen=True)
class File:
    path: Path
    name: str
    """What its rows are called by: the file's name, with as many folders as make it unique among those read along."""


@dataclass(frozen=True)
class Found:
    files: list[File]
    unread: tuple[str, ...] = ()
    """Named for the language too; read they would be the same items twice, or others."""


def kind(source: str) -> Kind:
    """What is nothing that is here counts as a hub data set's id."""
    if source == EMBEDDED:
        return Kind.EMBEDDED
    path = Path(source).expanduser()
    if path.is_dir():
        return Kind.FOLDER
    if path.is_file():
        return Kind.FILE
    return Kind.GLOB if glob.has_magic(source) else Kind.HUB


def files(source: str, name: str = "", short: str = "") -> list[File]:
    """Those of a language, in the order in which they are read; at least one. Fetches them from the hub.

    name: of the conf/lang/ file; empty: of any language. short: its name in the paper's public set. Raises StageError.
    """
    return found(source, name, short).files


def found(source: str, name: str = "", short: str = "") -> Found:
    """`files`, and those that could have been meant as well. Raises StageError."""
    what, stems = kind(source), tuple(dict.fromkeys(s for s in (name, short) if s))
    path = Path(source).expanduser()
    if what is Kind.FILE:
        return Found(_named([path]))
    if what is Kind.GLOB:
        return Found(_named([Path(f) for f in _of_glob(_matching(source), stems)]))
    if what is Kind.FOLDER:
        mine, unread = _of_language([p.name for p in path.iterdir() if p.is_file()], stems, source)
        return Found(_named([path / f for f in mine]), unread)
    if what is Kind.EMBEDDED:
        raise ValueError("the embedded corpus has no files")
    mine, unread = _of_language(_on_the_hub(source, stems), stems, source)
    return Found(_fetched(source, mine), unread)


def named_for(file: str, stems: Iterable[str]) -> bool:
    """Whether a file is one of these languages', by its own name or, of a path, by the name of its folder."""
    path = PurePosixPath(file)
    return _is_whole(path, stems) or _is_part(path, stems) or path.parent.name in stems


def matching(source: str) -> list[str]:
    """The files of a glob, sorted; none where it matches nothing."""
    found = glob.glob(str(Path(source).expanduser()), recursive=True)
    return sorted(f for f in found if Path(f).suffix in SUFFIXES and Path(f).is_file())


def _matching(source: str) -> list[str]:
    if found := matching(source):
        return found
    raise StageError(f"corpus {source}: no file here is named so and ends in {WRITTEN}")


def _of_glob(have: list[str], stems: tuple[str, ...]) -> list[str]:
    return [f for f in have if named_for(f, stems)] or have


def _of_language(have: Iterable[str], stems: tuple[str, ...], source: str) -> tuple[list[str], tuple[str, ...]]:
    """The file that is named for the language, or its parts; and what else is. Raises StageError when there is none."""
    have = sorted(have)
    known = [PurePosixPath(f) for f in have if PurePosixPath(f).suffix in SUFFIXES]
    if not stems and known:
        return [str(f) for f in known], ()
    whole = [str(f) for f in known if _is_whole(f, stems)]
    parts = [str(f) for f in known if _is_part(f, stems)]
    if whole:
        return whole[:1], (*whole[1:], *parts)
    if parts:
        return parts, ()
    raise StageError(f"corpus {source}: no {' or '.join(stems) or 'file'} with {WRITTEN}; it has {', '.join(have)}")


def _is_whole(path: PurePosixPath, stems: Iterable[str]) -> bool:
    return path.stem in stems


def _is_part(path: PurePosixPath, stems: Iterable[str]) -> bool:
    """`go-00000-of-00002`, `go_1`, `go.part2`"""
    return any(re.fullmatch(rf"{re.escape(stem)}[-_.](part|shard)?[-_.]?\d+(-of-\d+)?", path.stem) for stem in stems)


def _named(paths: list[Path]) -> list[File]:
    if len({p.name for p in paths}) == len(paths):
        return [File(p, p.name) for p in paths]
    whole = [p.absolute() for p in paths]
    shared = next(folder for folder in whole[0].parents if all(p.is_relative_to(folder) for p in whole))
    return [File(p, w.relative_to(shared).as_posix()) for p, w in zip(paths, whole, strict=True)]


def _on_the_hub(source: str, stems: tuple[str, ...]) -> list[str]:
    from huggingface_hub import HfApi

    try:
        return HfApi().list_repo_files(source, repo_type="dataset")
    except Exception as e:
        raise StageError(
            f"corpus {source}: no such file or folder here, and the hub does not answer ({type(e).__name__}); "
            f"give corpus.source=<folder with {next(iter(stems), 'python')}.jsonl>"
        ) from e


def _fetched(source: str, found: list[str]) -> list[File]:
    from huggingface_hub import hf_hub_download

    try:
        return [File(Path(hf_hub_download(source, f, repo_type="dataset")), PurePosixPath(f).name) for f in found]
    except Exception as e:
        raise StageError(f"corpus {source}: {found[0]} cannot be fetched from the hub ({type(e).__name__})") from e
