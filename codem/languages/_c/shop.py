"""What compiles C and C++: the tools, and many compiler calls in one sandbox."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from codem.language_facts import Limits
from codem.runtime import Toolchain, folders_for, run_build, which
from codem.sandbox import HarnessError, Sandbox

INCLUDE = Path(__file__).parent.parent / "include"
GROUP_CPU_S = 5
"""Processor seconds of a unit of many programs, and a quarter more for each: about five times what it takes."""
READ = 4 << 20
"""Bytes of a compiler's messages that are looked at."""


@dataclass(frozen=True)
class Dialect:
    compiler: str
    flags: tuple[str, ...]
    extension: str
    package: str
    libraries: tuple[str, ...] = ("-lm",)

    @property
    def is_cpp(self) -> bool:
        return self.extension == "cpp"

    @property
    def summary(self) -> str:
        return (
            f"{self.compiler} {' '.join((*self.flags, *self.libraries))}; the tests compiled apart; "
            "own openssl/md5.h and boost/any.hpp"
        )


@dataclass
class Job:
    """One compiler call: a line of shell, and what came of it."""

    line: str
    count: int = 1
    """How many programs are in it."""
    code: int | None = None
    said: str = ""


@dataclass
class Shop:
    """One build call's folder and tools."""

    dialect: Dialect
    tools: Toolchain
    folder: Path
    sandbox: Sandbox
    limits: Limits
    count: int = 0
    include: Path = field(init=False)

    def __post_init__(self) -> None:
        self.include = self.place("include")
        for header in sorted(INCLUDE.rglob("*.h*")):
            target = self.include / header.relative_to(INCLUDE)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(header.read_bytes())

    @property
    def linking(self) -> tuple[str, ...]:
        """gold where it lies beside the compiler: the same result in half the time."""
        beside = Path(self.tools.paths[self.dialect.compiler]).with_name("ld.gold")
        return ("-fuse-ld=gold" if beside.exists() else "", *self.dialect.libraries)

    def place(self, name: str = "") -> Path:
        """A folder of its own; an unguessable name where what is in it is not for other answers to include."""
        path = self.folder / (name or secrets.token_hex(8))
        path.mkdir()
        path.chmod(0o777)  # the build may run under another user id; the folder above is private
        return path

    def compiler(self, *arguments: str | Path) -> str:
        tool = self.tools.paths[self.dialect.compiler]
        flags = " ".join(self.dialect.flags)
        return f"{tool} {flags} -w -fdiagnostics-color=never -I{self.include} " + " ".join(str(a) for a in arguments)

    def shared(self, source: Path, target: Path, *more: str, count: int = 1) -> Job:
        """A shared object that needs nothing but libraries and shows nothing but the doors."""
        script = self.include / "doors"
        script.write_text("{ global: codem_entry*; local: *; };\n")
        link = ("-shared", "-fPIC", "-Wl,-z,defs", f"-Wl,--version-script={script}", *self.linking)
        return Job(self.compiler(*more, source, "-o", target, *link), count)

    def _limit(self, count: int) -> str:
        """A bomb among many must not hold them up for long: they can still be built one by one."""
        wall_s = round(self.limits.build_s + self.limits.build_each_s * (count - 1))
        cpu_s = f"ulimit -t {GROUP_CPU_S + count // 4}; " if count > 1 else ""
        return f"{cpu_s}exec timeout -k 1 {max(1, wall_s)}"

    def run(self, jobs: Sequence[Job]) -> None:
        """Many compiler calls in one sandbox: its start costs as much as a small compilation."""
        left = list(jobs)
        while left:
            self.count += 1
            log = self.place(f"log{self.count}")
            lines = [
                f"({self._limit(job.count)} {job.line}) >{log}/{i}.said 2>&1 </dev/null; echo $? >{log}/{i}.code"
                for i, job in enumerate(left)
            ]
            script = log / "build.sh"
            script.write_text("\n".join(lines) + "\n", encoding="utf-8")
            result = run_build(
                ["/bin/sh", str(script)],
                self.folder,
                self.tools,
                self.sandbox,
                self.limits,
                count=sum(job.count for job in left),
            )
            for i, job in enumerate(left):
                said, code = log / f"{i}.said", log / f"{i}.code"
                if said.exists():
                    with open(said, "rb") as f:
                        job.said = f.read(READ).decode("utf-8", "replace")
                    word = code.read_text().strip() if code.exists() else ""
                    job.code = int(word) if word else 137  # 137: the whole call was stopped in the middle of this
                if job.code in (126, 127):
                    raise HarnessError(f"{self.dialect.compiler} did not start: {job.said[-400:]}")
            if left[0].code is None:
                raise HarnessError(f"{self.dialect.compiler}: expected it to start, found: {result.stderr[-400:]}")
            left = [job for job in left if job.code is None]


def toolchain_of(dialect: Dialect) -> Toolchain:
    found = which(dialect.compiler)
    return Toolchain(
        found=found is not None,
        paths={dialect.compiler: found} if found else {},
        with_root=f"apt-get install {dialect.package}",
        without_root="the compiler of your cluster (module load gcc)",
        missing=() if found else (dialect.compiler,),
        version_commands={dialect.compiler: (found or dialect.compiler, "--version")},
        folders=folders_for([found] if found else []),
    )
