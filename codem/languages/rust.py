"""Rust: one rustc call for many programs, each a module of its own in one crate; a run picks its program by number.

A program that could act on its neighbours there (an `impl` of a trait, an exported macro, a path from the crate's
root) is built alone, and so is every program in which the compiler finds an error.

The harness is a crate of its own, so that the answer cannot reach what it keeps: only `main` holds the token that
`end` asks for. The tests come before the answer in the text and bring their own `assert_eq!` and `vec!`, because a
macro holds for the text after it; and they compare types of the standard library alone, because an own type may be
equal to everything. The benchmark's imports are a glob import, which the answer's own imports may repeat.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts
from codem.languages._rust_sources import HARNESS, MD5, TEST_MACROS
from codem.records import Outcome, Problem
from codem.runtime import (
    Built,
    Canary,
    Program,
    Toolchain,
    broke,
    build_with_fallback,
    first_line,
    folders_for,
    run_build,
    which,
    write,
)
from codem.sandbox import HarnessError, Result, Sandbox

OPTIONS = ("--edition=2021", "-Awarnings", "-Copt-level=0", "-Cdebug-assertions=on", "-Ccodegen-units=1")
FLAGS = f"rustc {' '.join(OPTIONS)} (crates: std, md5)"
MEMORY_SIGNS = ("memory allocation of",)

CANARY = Canary(
    signature="fn twice(n: i32) -> i32 {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="fn twice(n: i32) -> i32 {\n    2 * n\n}\n",
    wrong="fn twice(n: i32) -> i32 {\n    n\n}\n",
    endless="fn twice(mut n: i32) -> i32 {\n    while n < 1_000_000 {\n        n &= 1;\n    }\n    n\n}\n",
    leaving="fn twice(n: i32) -> i32 {\n    std::process::exit(0);\n}\n",
)
BATCH = 48

USE = re.compile(r"^[ \t]*(?:pub[ \t]+)?use\s+((?:::)?(\w+)[^;]*;)[ \t]*\n?", re.M)
TEST_MODULE = re.compile(r"\s*#\[cfg\(test\)\]\s*mod\s+\w+\s*\{(.*)\}\s*", re.S)
TEST_FUNCTION = re.compile(r"#\[test\]\s*(?://[^\n]*\s*)*(?:pub\s+)?fn\s+(\w+)")
ROOT = re.compile(r"\bcrate\s*::")
REFUSED = re.compile(
    r"\b(?:no_mangle|export_name|link_section|global_allocator|(?:global_|naked_)?asm\s*!|include(?:_str|_bytes)?\s*!)"
    r"|#\s*!?\s*\[[^\]]*\bpath\s*="
)
"""What acts before `main` or on other code than its own (symbols and allocators hold for the whole program), and files
read by the compiler. An answer is one function and has none of them in good faith."""
ALONE = re.compile(r"\bcrate\b|\bmacro_export\b|\bimpl\b[^{;]*\bfor\b|\bmacro_use\b|\bpanic_handler\b|\blang\s*=|#\s*!")
NAMED = re.compile(r"^\s*(?:-->|:::) (?:\./)?(\w{16})/\w+\.rs:\d+", re.M)


def toolchain() -> Toolchain:
    found, linker = which("rustc"), which("cc") or which("gcc")
    rustc = found if found is None or found.startswith("/usr/") else _behind(found)
    paths = {name: path for name, path in (("rustc", rustc), ("cc", linker)) if path}
    return Toolchain(
        found=len(paths) == 2,
        paths=paths,
        with_root="apt-get install rustc gcc libc6-dev",
        without_root="rustup in your home folder (it needs the network), or your cluster's (module load rust)",
        missing=tuple(name for name in ("rustc", "cc") if name not in paths),
        version_commands={name: (path, "--version") for name, path in paths.items()},
        folders=folders_for(paths.values()),
    )


@functools.lru_cache(maxsize=8)
def _behind(found: str) -> str | None:
    """The compiler itself: rustup's stand-in looks for it under a home that the sandbox does not show."""
    command = (str(Path(found).parent / "rustc"), "--print", "sysroot")  # `rustup` knows by its name what to be
    try:
        real = Path(first_line(command)) / "bin" / "rustc"
    except HarnessError:
        return None
    return str(real) if real.exists() else None


def assemble(problem: Problem, code: str) -> dict[str, str]:
    rest, imports = USE.sub("", problem.prelude), []
    for line, crate in USE.findall(problem.prelude):
        # crates that are not here are left out: most programs do not use them
        if crate in ("std", "core", "alloc") or (crate == "md5" and re.search(r"\bmd5\b", code + problem.tests)):
            imports.append(f"    pub use {line}\n")
    answer = (
        '#[path = "codem_tests.rs"] pub(crate) mod codem_tests;\n'
        f"mod codem_prelude {{\n{''.join(imports)}}}\nuse codem_prelude::*;\n"
        f"{rest}\n{ROOT.sub('crate::answer::', code)}\n"
    )
    tests, names = _tests(problem)
    calls = "".join(f"    let () = {name}();\n" for name in names)
    return {
        "answer.rs": answer,
        "codem_tests.rs": f"{TEST_MACROS}{tests}\npub(crate) fn codem_run() {{\n{calls}}}\n",
    }


def _tests(problem: Problem) -> tuple[str, list[str]]:
    """The tests' module without its frame, and the functions to call."""
    if problem.style == "statements":
        statements = re.sub(r"\bcodem_check\(", "codem_check!(", problem.tests)
        return f"use super::*;\nfn codem_statements() {{\n{statements}\n}}\n", ["codem_statements"]
    if problem.tests and not re.sub(r"//[^\n]*|/\*.*?\*/", "", problem.tests, flags=re.S).strip():
        return "", []  # the benchmark has commented its tests out: as published, whatever compiles passes
    module = TEST_MODULE.fullmatch(problem.tests)
    names = TEST_FUNCTION.findall(module[1]) if module else []
    if module is None or not names or len(names) != module[1].count("#[test]") or "#[should_panic" in module[1]:
        raise HarnessError(
            f"{problem.id}: expected tests as `#[cfg(test)] mod tests {{ ... }}` with functions marked #[test], "
            f"found {problem.tests.strip()[:80]!r}; leave the problem out of the benchmark"
        )
    return module[1].replace("#[test]", ""), names


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    tools, limits = toolchain(), facts.limits
    start = [tools.paths["rustc"], *OPTIONS, f"-Clinker={tools.paths['cc']}", "-L."]
    refused = {p.key: found[0] for p in programs if (found := REFUSED.search(_code(p)))}
    builds = 0

    def crate(name: str, text: str) -> None:
        (folder / f"{name}.rs").write_text(text, encoding="utf-8")
        command = [*start, "--crate-type=rlib", f"--crate-name={name}", f"{name}.rs"]
        result = run_build(command, folder, tools, sandbox, limits, count=1)
        if result.exit_code != 0:
            raise HarnessError(f"rustc: expected the harness to compile, found: {result.stderr[-600:] or result}")

    def together(some: Sequence[Program]) -> dict[str, Built] | Result:
        nonlocal builds
        builds += 1
        own = folder / f"build-{builds}"
        own.mkdir()
        own.chmod(0o777)
        names = ["answer" if _alone(p) else f"p_{p.key[:16]}" for p in some]
        modules = [f'#[path = "{p.key[:16]}/answer.rs"] mod {name};' for p, name in zip(some, names, strict=True)]
        arms = "".join(f"{i} => {name}::codem_tests::codem_run(), " for i, name in enumerate(names))
        main = f"let (token, number) = codem::begin(); match number {{ {arms}_ => return }} codem::end(token)"
        (folder / "main.rs").write_text("\n".join([*modules, f"fn main() {{ {main} }}"]), encoding="utf-8")
        target = own / "program"
        externs = ["--extern=codem", *(["--extern=md5"] if any(map(_needs_md5, some)) else [])]
        command = [*start, *externs, "-Cstrip=symbols", "main.rs", "-o", str(target)]
        result = run_build(command, folder, tools, sandbox, limits, count=len(some))
        if broke(result):
            return result
        if result.exit_code == 0 and target.exists():
            return {p.key: Built(p.key, (str(target), str(i)), own) for i, p in enumerate(some)}
        if result.exit_code in (126, 127):
            raise HarnessError(f"{tools.paths['rustc']} did not start: {result.stderr[-400:]}")
        if len(some) == 1:
            return {some[0].key: Built(some[0].key, failure=Outcome.COMPILE_ERROR, message=result.stderr[-4000:])}
        named = set(NAMED.findall(result.stderr))
        if not named:
            return result
        rest = [p for p in some if p.key[:16] not in named]
        return built_each([rest, *([p] for p in some if p.key[:16] in named)])

    def built_each(groups: list[list[Program]]) -> dict[str, Built]:
        return {built.key: built for group in groups if group for built in build_with_fallback(group, together)}

    for item in programs:
        write(item, folder)
    crate("codem", HARNESS)
    if any(map(_needs_md5, programs)):
        crate("md5", MD5)
    wanted = [p for p in programs if p.key not in refused]
    done = built_each([[p for p in wanted if not _alone(p)], *([p] for p in wanted if _alone(p))])
    for key, what in refused.items():
        message = f"error: `{what}` is refused: it acts outside of the answer"
        done[key] = Built(key, failure=Outcome.COMPILE_ERROR, message=message)
    return [done[p.key] for p in programs]


def _code(item: Program) -> str:
    """The answer and the benchmark's prelude, without our own first line."""
    return item.files["answer.rs"].split("\n", 1)[1]


def _alone(item: Program) -> bool:
    return ALONE.search(_code(item)) is not None


def _needs_md5(item: Program) -> bool:
    return re.search(r"\bmd5\b", _code(item)) is not None
