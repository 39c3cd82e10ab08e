"""The JDK, and what of ours is compiled once and kept: the builder, and the classes that every run needs."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import Limits
from codem.runtime import TOOLCHAINS, Toolchain, folders_for, run_build, which
from codem.sandbox import HarnessError, Sandbox

SOURCES = ("Builder.java", "Copy.java", "Harness.java")
IN_EVERY_RUN = ("codem/Copy.class", "codem/Harness.class")


def toolchain() -> Toolchain:
    folders = sorted((TOOLCHAINS / "usr" / "lib" / "jvm").glob("*/bin"))
    found = {name: which(name, *folders) for name in ("javac", "java")}
    paths = {name: path for name, path in found.items() if path}
    ours = (
        sorted((TOOLCHAINS / "etc").glob("java-*")) if any(str(TOOLCHAINS) in path for path in paths.values()) else []
    )
    system = [folder for folder in sorted(Path("/etc").glob("java*")) if folder.is_dir()]
    return Toolchain(
        found=len(paths) == 2,
        paths=paths,
        with_root="apt-get install default-jdk-headless",
        without_root="python -m codem.toolchains install",
        missing=tuple(name for name, path in found.items() if not path),
        version_commands={"javac": (paths.get("javac", "javac"), "-version")},
        folders=folders_for(paths.values()),
        # the JDK of a distribution keeps its settings in /etc
        binds=tuple((folder, f"/etc/{folder.name}") for folder in (ours or system)),
    )


def kit(tools: Toolchain, flags: Sequence[str], folder: Path, sandbox: Sandbox, limits: Limits) -> Path:
    """A jar with our own classes. Compiled once for each compiler and user, where it can be kept; else in `folder`."""
    sources = {name: (Path(__file__).parent / "_java" / name).read_text(encoding="utf-8") for name in SOURCES}
    javac = os.path.realpath(tools.paths["javac"])
    said = repr((sources, javac, os.stat(javac).st_mtime_ns, tuple(flags)))
    name = f"kit-{hashlib.sha256(said.encode()).hexdigest()[:16]}.jar"
    kept = TOOLCHAINS / "cache" / f"java-{os.geteuid()}" / name
    if kept.exists():
        return kept
    made = _compiled(sources, tools, flags, folder, sandbox, limits)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f"{name}.{os.getpid()}-{folder.name}")
        partial.write_bytes(made.read_bytes())
        os.replace(partial, kept)  # another process may do the same at the same time
    except OSError:
        return made
    return kept


def _compiled(
    sources: dict[str, str], tools: Toolchain, flags: Sequence[str], folder: Path, sandbox: Sandbox, limits: Limits
) -> Path:
    own = folder / "kit"
    own.mkdir()
    own.chmod(0o777)  # the build may run under another user id; the folder above is private
    for name, source in sources.items():
        (own / name).write_text(source, encoding="utf-8")
    command = [tools.paths["javac"], *(f"-J{flag}" for flag in flags), "-proc:none", "-encoding", "UTF-8", "-d", "."]
    result = run_build([*command, *sources], own, tools, sandbox, limits, count=1)
    if result.exit_code != 0:
        raise HarnessError(f"javac: expected our own classes to compile, found {result.stderr[-600:]}")
    jar = folder / "kit-made.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        for file in sorted(own.rglob("*.class")):
            archive.write(file, file.relative_to(own).as_posix())
    return jar


def put_into(folder: Path, jar: Path) -> None:
    """What every run needs of ours, beside the classes of the program."""
    with zipfile.ZipFile(jar) as archive:
        for name in IN_EVERY_RUN:
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(archive.read(name))
