"""What a language plug-in and the judge say to each other, and the few things that all plug-ins need.

A plug-in `codem/languages/<name>.py` is a module with these functions and constants, and no work at import:

    FLAGS: str                                     how programs are compiled and started, for the record
    MEMORY_SIGNS: tuple[str, ...]                  what the runtime prints when memory runs out
    CANARY: Canary                                 small answers whose verdicts are known
    BATCH: int                                     how many programs one call of `build` gets at most
    toolchain() -> Toolchain                       looked up by path alone: cheap
    assemble(problem, code) -> dict[name, source]  prelude, answer, tests and harness as files
    build(programs, folder, sandbox, facts) -> list[Built]       many at once, in the order given

The harness of every language keeps one protocol. It reads a random word from stdin before the answer's code runs
(after that stdin is empty); the word is in no file, so equal programs build equally and a program that leaves early
cannot say it. Then it prints a line of that word and a status:
`end` after the last test, `wrong` at the first `codem_check(false)`, `syntax` where the source cannot be read.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codem.language_facts import Limits
from codem.records import Outcome
from codem.sandbox import Fence, HarnessError, Result, Sandbox

TOOLCHAINS = Path(__file__).resolve().parent.parent / ".toolchains"
BUILD_OUTPUT_KB = 16 << 10


@dataclass(frozen=True)
class Toolchain:
    found: bool
    paths: dict[str, str]
    """Tool -> absolute path."""
    with_root: str
    """One line: the command that gets it."""
    without_root: str
    missing: tuple[str, ...] = ()
    version_commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Everything whose version can change a verdict, by name."""
    folders: tuple[Path, ...] = ()
    """What the sandbox must show besides the system's own folders."""
    binds: tuple[tuple[Path, str], ...] = ()
    """Folders that the tools expect at another place than where they lie."""

    @property
    def version(self) -> str:
        """One line, asked from the tools themselves; empty when they are not found."""
        if not self.found:
            return ""
        said = {name: first_line(command) for name, command in self.version_commands.items()}
        return "; ".join(line if name in line.lower() else f"{name} {line}" for name, line in said.items())

    def how_to_get(self) -> str:
        return f"{', '.join(self.missing)} not found; with root: {self.with_root}; without root: {self.without_root}"


@dataclass(frozen=True)
class Canary:
    """Answers to one problem, `twice(n)`: what judging must say of them wherever it works."""

    signature: str
    tests: str
    right: str
    wrong: str
    endless: str
    leaving: str
    """Exits with code 0 before the tests are done."""


@dataclass(frozen=True)
class Program:
    key: str
    """Hash of the files: equal programs are built and run once."""
    files: dict[str, str]
    cpu_s: float
    """Processor seconds that its run may take."""


@dataclass(frozen=True)
class Built:
    key: str
    command: tuple[str, ...] = ()
    """How to start it; empty when the build failed."""
    folder: Path | None = None
    """The one folder of its own that a run may see."""
    failure: Outcome | None = None
    message: str = ""
    env: dict[str, str] = field(default_factory=dict)
    fork: bool = False
    """The command is `<the Python that runs codem> -I -S -B <script>`: an interpreter that was started already may
    fork and run the script."""


def program(files: dict[str, str], cpu_s: float) -> Program:
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name, files[name]):
            data = part.encode("utf-8", "surrogatepass")
            digest.update(f"{len(data)}:".encode() + data)
    return Program(digest.hexdigest(), dict(files), cpu_s)


def which(name: str, *extra: Path, script: bool = False) -> str | None:
    """A tool's path: from PATH, the running environment, or `.toolchains/`. Start scripts only if wanted:
    version managers put scripts on PATH that find nothing inside the sandbox."""
    places = [*os.environ.get("PATH", "").split(os.pathsep), f"{sys.prefix}/bin", *extra, TOOLCHAINS / "usr" / "bin"]
    for place in places:
        found = shutil.which(name, path=str(place)) if str(place) else None
        if found is None or not (script or _is_binary(found)):
            continue
        if found.startswith("/usr/"):
            return found  # in the sandbox as it is here, links included
        return os.path.realpath(found)
    return None


def in_package(package: str, file: str) -> str | None:
    """A tool that came as a Python package into the running environment."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        if _is_binary(os.path.join(place, file)):
            return os.path.realpath(os.path.join(place, file))
    return None


def _is_binary(path: str) -> bool:
    try:
        with open(path, "rb") as f:
            return f.read(4) == b"\x7fELF"
    except OSError:
        return False


def folders_for(paths: Iterable[str]) -> tuple[Path, ...]:
    """The installation folders of tools outside /usr. Never home itself, nor a folder above it."""
    home, shown = Path.home().resolve(), []
    for path in paths:
        folder = Path(path).parent.parent if Path(path).parent.name == "bin" else Path(path).parent
        if path.startswith("/usr/") or folder in shown:
            continue
        if folder == home or folder in home.parents:
            raise HarnessError(
                f"{path}: the sandbox would have to show {folder}, which holds your files; "
                "install it in a folder of its own"
            )
        shown.append(folder)
    return tuple(shown)


@functools.lru_cache(maxsize=64)
def first_line(command: tuple[str, ...]) -> str:
    """What a tool of ours says of itself, such as its version. Raises HarnessError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"{command[0]}: expected one line, found {error}") from error
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode != 0 or not lines:
        raise HarnessError(
            f"{' '.join(command)}: expected one line, found exit code {done.returncode}: {done.stderr[-300:]}"
        )
    return lines[0].strip()


def write(item: Program, folder: Path, names: Iterable[str] | None = None) -> Path:
    """Put a program's files into a folder of its own, named by its key."""
    own = folder / item.key[:16]
    own.mkdir(exist_ok=True)
    own.chmod(0o777)  # the build may run under another user id; the folder above is private
    for name in names if names is not None else item.files:
        target = own / name
        target.write_text(item.files[name], encoding="utf-8", errors="replace")
        target.chmod(0o644)
    return own


def run_build(
    command: Sequence[str],
    folder: Path,
    tools: Toolchain,
    sandbox: Sandbox,
    limits: Limits,
    *,
    count: int,
    env: dict[str, str] | None = None,
    writable: Iterable[Path] = (),
) -> Result:
    """One compiler call, in the sandbox, with the larger limits that compilers need."""
    wall_s = limits.build_s + limits.build_each_s * count
    fence = Fence(
        wall_s=wall_s,
        cpu_s=wall_s,
        memory_mb=limits.build_memory_mb,
        address_mb=max(limits.address_mb, 4 * limits.build_memory_mb),
        output_kb=BUILD_OUTPUT_KB,
        keep_kb=BUILD_OUTPUT_KB,
        processes=512,
        file_mb=512,
        tmp_mb=512,
    )
    for attempt in (1, 2):
        result = sandbox.run(
            command,
            fence=fence,
            readonly=tools.folders,
            binds=tools.binds,
            writable=[folder, *writable],
            cwd=folder,
            env=env,
        )
        if result.started:
            return result
        if attempt == 2:
            raise HarnessError(f"sandbox: did not reach {command[0]}: {result.stderr[-400:]}")
    raise AssertionError


def broke(result: Result) -> bool:
    """The compiler did not come to an end of its own: its output says nothing about single programs."""
    return bool(result.timed_out) or result.output_exceeded or result.signal is not None


STOPPED = "the compiler was stopped"
"""How the message of a build begins that did not come to its own end: a busier or idler machine might say otherwise."""


def stopped(result: Result) -> str:
    return f"{STOPPED} ({result.timed_out or result.signal or 'output'})\n{result.stderr[-1000:]}"


def build_with_fallback(
    programs: Sequence[Program], build_together: Callable[[Sequence[Program]], dict[str, Built] | Result]
) -> list[Built]:
    """`build_together` gives a Built per key, or the Result of a compiler that broke: then by halves."""

    def attempt(some: Sequence[Program]) -> dict[str, Built]:
        if not some:
            return {}
        got = build_together(some)
        if isinstance(got, dict):
            return got
        if len(some) == 1:
            why = stopped(got)
            return {some[0].key: Built(some[0].key, failure=Outcome.COMPILE_ERROR, message=why)}
        half = len(some) // 2
        return {**attempt(some[:half]), **attempt(some[half:])}

    built = attempt(programs)
    return [built[p.key] for p in programs]
