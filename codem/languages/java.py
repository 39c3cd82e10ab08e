"""Java: one warm javac for many programs, each with folders of its own; then a fresh JVM per program.

The answer is the members of `class Solution`; the tests run in a class that extends it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from codem.language_facts import LanguageFacts, Limits
from codem.records import Outcome, Problem
from codem.runtime import TOOLCHAINS, Built, Canary, Program, Toolchain, broke, folders_for, run_build, which, write
from codem.sandbox import HarnessError, Result, Sandbox

JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:ActiveProcessorCount=2", "-Xmx512m", "-XX:-UsePerfData")
RUN_FLAGS = (*JVM, "-XX:+ExitOnOutOfMemoryError")
FLAGS = f"javac -proc:none -nowarn -XDstringConcat=inline; java {' '.join(RUN_FLAGS)}"
MEMORY_SIGNS = ("java.lang.OutOfMemoryError", "insufficient memory", "Cannot allocate memory")

CANARY = Canary(
    signature="static int twice(int n) {\n",
    tests="codem_check(twice(21) == 42);\n",
    right="static int twice(int n) {\n    return 2 * n;\n}\n",
    wrong="static int twice(int n) {\n    return n;\n}\n",
    endless="static int twice(int n) {\n    while (n < 1000000) { n = n & 1; } return n;\n}\n",
    leaving="static int twice(int n) {\n    System.exit(0); return n;\n}\n",
)
BATCH = 32

BUILDER = r"""
import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import javax.tools.*;

public class CodemBuilder {
    public static void main(String[] args) throws Exception {
        long limit = Long.parseLong(args[0]);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);
        files.setLocation(StandardLocation.CLASS_PATH, List.of());
        ExecutorService one = Executors.newSingleThreadExecutor();
        for (int i = 1; i < args.length; i++) {
            Path own = Path.of(args[i]);
            StringWriter said = new StringWriter();
            files.setLocation(StandardLocation.CLASS_OUTPUT, List.of(own.toFile()));
            var sources = files.getJavaFileObjects(own.resolve("Solution.java"), own.resolve("CodemMain.java"));
            String status;
            Future<Boolean> done = one.submit(() -> compiler.getTask(
                said, files, null, List.of("-proc:none", "-nowarn", "-XDstringConcat=inline"), null, sources).call());
            try {
                status = done.get(limit, TimeUnit.SECONDS) ? "ok" : "error";
            } catch (ExecutionException e) {
                status = "error";
                said.write("the compiler failed: " + e.getCause());
            } catch (TimeoutException e) {
                status = "stopped";
            }
            System.out.println("\u0002" + own.getFileName() + " " + status + " "
                + said.toString().replace("\\", "\\\\").replace("\n", "\\n"));
            System.out.flush();
            if (status.equals("stopped")) Runtime.getRuntime().halt(3);
        }
        Runtime.getRuntime().halt(0);
    }
}
"""

# No lambda and no `+` on strings: the first of either costs a fresh JVM 20 ms.
MAIN = r"""
final class CodemMain {
    public static void main(String[] args) throws Throwable {
        byte[] mark = System.in.readAllBytes();
        CodemSay say = new CodemSay(mark, new java.io.FileOutputStream(java.io.FileDescriptor.out));
        new CodemTests(say).codem_tests();
        say.say(" end\n", 0);
    }
}

final class CodemSay {
    private final byte[] mark;
    private final java.io.FileOutputStream out;
    CodemSay(byte[] mark, java.io.FileOutputStream out) { this.mark = mark; this.out = out; }
    void say(String status, int code) {
        try {
            System.out.flush();
            java.io.ByteArrayOutputStream line = new java.io.ByteArrayOutputStream();
            line.write('\n');
            line.write(mark);
            line.write(status.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            out.write(line.toByteArray());
        } catch (Throwable error) {
            code = 1;
        }
        Runtime.getRuntime().halt(code);
    }
}

final class CodemTests extends Solution {
    private final CodemSay say;
    CodemTests(CodemSay say) { this.say = say; }
    void codem_check(boolean ok) { if (!ok) say.say(" wrong\n", 1); }
    void codem_tests() throws Throwable {
"""


def _jdk_folders() -> list[Path]:
    return sorted((TOOLCHAINS / "usr" / "lib" / "jvm").glob("*/bin"))


def toolchain() -> Toolchain:
    found = {name: which(name, *_jdk_folders()) for name in ("javac", "java")}
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


def assemble(problem: Problem, code: str) -> dict[str, str]:
    imports, rest = [], []
    for line in f"{problem.prelude}\n{code}".split("\n"):
        if re.match(r"\s*import\s+[\w.*\s]+;\s*$", line):
            imports.append(line.strip())
        elif not re.match(r"\s*package\s+[\w.]+;\s*$", line):
            rest.append(line)
    members = "\n".join(rest)
    # the tests stand in another class, so the entry point itself must not be private
    members = re.sub(rf"\bprivate\s+(?=[\w<>\[\], ?]*\b{re.escape(problem.entry_point)}\s*\()", "", members)
    head = "\n".join(dict.fromkeys(imports))
    prelude = "\n".join(line.strip() for line in problem.prelude.split("\n") if line.strip().startswith("import "))
    return {
        "Solution.java": f"{head}\n\nclass Solution {{\n{members}\n}}\n",
        "CodemMain.java": f"{prelude}\n{MAIN}{problem.tests}\n    }}\n}}\n",
    }


def build(programs: Sequence[Program], folder: Path, sandbox: Sandbox, facts: LanguageFacts) -> list[Built]:
    limits = facts.limits
    tools = toolchain()
    (folder / "CodemBuilder.java").write_text(BUILDER, encoding="utf-8")
    own = {p.key: write(p, folder) for p in programs}
    built: dict[str, Built] = {}
    left = list(programs)
    while left:
        result = _compile(left, folder, tools, sandbox, limits)
        reports = _reports(result, own)
        for item in left:
            if item.key in reports:
                status, message = reports[item.key]
                command = (tools.paths["java"], *RUN_FLAGS, "-cp", str(own[item.key]), "CodemMain")
                failure = None if status == "ok" else Outcome.COMPILE_ERROR
                built[item.key] = Built(item.key, () if failure else command, own[item.key], failure, message)
        rest = [p for p in left if p.key not in built]
        if rest and broke(result):  # the compiler broke on the first one without a report
            why = f"the compiler was stopped ({result.timed_out or result.signal or 'output'})\n{result.stderr[-1000:]}"
            built[rest[0].key] = Built(rest[0].key, failure=Outcome.COMPILE_ERROR, message=why)
            rest = rest[1:]
        elif len(rest) == len(left):
            if len(left) > 1 and result.exit_code not in (126, 127) and "OutOfMemoryError" in result.stderr:
                built[rest[0].key] = Built(
                    rest[0].key, failure=Outcome.COMPILE_ERROR, message="the compiler ran out of memory"
                )
                rest = rest[1:]
            else:
                raise HarnessError(
                    f"javac: expected reports on {len(left)} programs, found none: {result.stderr[-600:]}"
                )
        left = rest
    return [built[p.key] for p in programs]


def _compile(left: Sequence[Program], folder: Path, tools: Toolchain, sandbox: Sandbox, limits: Limits) -> Result:
    names = [p.key[:16] for p in left]
    command = [tools.paths["java"], *JVM, "CodemBuilder.java", str(int(limits.build_s)), *names]
    return run_build(command, folder, tools, sandbox, limits, count=len(names))


def _reports(result: Result, own: dict[str, Path]) -> dict[str, tuple[str, str]]:
    keys = {folder.name: key for key, folder in own.items()}
    reports = {}
    for line in result.stdout.split("\n"):
        if line.startswith("\x02"):
            name, status, message = line[1:].split(" ", 2)
            if name in keys:
                reports[keys[name]] = (status, message.replace("\\n", "\n").replace("\\\\", "\\"))
    return reports
