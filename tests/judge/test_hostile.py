"""Hostile answers in every language, judged as root and as an ordinary user: what they try stays inside.

hostile/<language>/<attack> is an answer to the small problem that does its mischief and then returns the right value.
Its first line says what it may be told. C++ takes those of C, TypeScript those of JavaScript.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dialects
import pytest

HOSTILE = Path(__file__).parent / "hostile"
ROOT = Path(__file__).resolve().parents[2]
FAMILY = {"cpp": "c", "typescript": "javascript"}
USERS = ("root", "user") if os.geteuid() == 0 else ("user",)
HEADERS = """errno fcntl glob netinet/in sched signal stddef stdio stdlib string sys/ptrace sys/socket sys/syscall
sys/types sys/un unistd"""
PRELUDES = {
    "c": "#define _GNU_SOURCE\n" + "".join(f"#include <{name}.h>\n" for name in HEADERS.split()),
    "cpp": "".join(f"#include <{name}.h>\n" for name in HEADERS.split()),
    "go": 'import (\n\t"fmt"\n\t"net"\n\t"os"\n\t"os/exec"\n\t"os/signal"\n\t"path/filepath"\n\t"strings"\n'
    '\t"syscall"\n\t"time"\n)\n',
}
LIMITS = {"run_cpu_s": 2, "run_wall_s": 8, "output_kb": 256}
LIMITS_OF = {
    **{lang: {"run_cpu_s": 4} for lang in ("java", "javascript", "typescript", "go")},
    **{lang: {"memory_mb": 256} for lang in ("python", "c", "cpp", "rust")},
}
"""The other runtimes themselves need more memory."""
SIGN_OF_SUCCESS = re.compile(r"\b(CONNECTED|WROTE|GOT|READ|REMOVED)\b")


def attacks(lang: str) -> dict[str, tuple[str, set[str]]]:
    """Name -> the answer, and the outcomes it may have."""
    found = {}
    for path in sorted((HOSTILE / FAMILY.get(lang, lang)).iterdir()):
        text = path.read_text()
        first = re.match(r"(?://|#) expect: ([a-z_ ]+)\n", text)
        assert first, f"{path}: expected a first line `expect: <outcomes>`"
        if lang == "typescript":
            text = text.replace(dialects.SIGNATURES["javascript"], dialects.SIGNATURES["typescript"])
        found[path.stem] = (text, set(first[1].split()))
    return found


CASES = [(lang, user, attack) for lang in dialects.LANGUAGES for user in USERS for attack in attacks(lang)]

PAIRS = sorted({(lang, user) for lang, user, _ in CASES})


@dataclass
class Host:
    """What the answers try to reach: files, a variable, listeners; with names that nothing else here has."""

    folder: Path
    secret: str = field(default_factory=lambda: f"hunter{os.urandom(8).hex()}")
    mark: str = field(default_factory=lambda: f"mark{os.urandom(8).hex()}")
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self.folder.chmod(0o777)
        for name in ("home", "tmp"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o777)
        (self.folder / "home" / "secret").write_text(self.secret)

    def fill(self, text: str) -> str:
        values = {"HOME": self.folder / "home", "TMP": self.folder / "tmp", "PORT": self.port, "MARK": self.mark}
        values["NAME"] = self.mark
        return re.sub(r"@(HOME|TMP|PORT|MARK|NAME)@", lambda found: str(values[found[1]]), text)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Whoever connects waits in the queue and is counted at the end."""
        with socket.create_server(("127.0.0.1", 0), backlog=64) as tcp, socket.socket(socket.AF_UNIX) as local:
            self.port = tcp.getsockname()[1]
            local.bind(f"\0{self.mark}")
            local.listen(64)
            yield
            with socket.create_connection(("127.0.0.1", self.port)), socket.socket(socket.AF_UNIX) as last:
                last.connect(f"\0{self.mark}")
                self.connections = _queued(tcp) + _queued(local) - 2  # our own show that it works

    def survivors(self) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                said = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
                if path.name != str(os.getpid()) and (str(self.folder).encode() in said or self.mark.encode() in said):
                    found.append(f"{path.name} {(path / 'cmdline').read_bytes()!r}")
        return found


def _queued(server: socket.socket) -> int:
    server.setblocking(False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


@dataclass
class Judged:
    host: Host
    verdicts: dict[str, dict]
    neighbours: list[dict]
    survivors: list[str]
    left: list[str]
    used_mb: float


def interpreter(user: str) -> tuple[list[str], str]:
    """How that user starts this Python or one like it, and where the packages are."""
    packages = str(Path(pytest.__file__).parent.parent)
    if user == "root" or os.geteuid() != 0:
        return [sys.executable], packages
    become = ["setpriv", "--reuid=20477", "--regid=20477", "--clear-groups"]
    why = ""
    for python in (os.path.realpath(sys.executable), f"/usr/bin/python3.{sys.version_info[1]}"):
        command = [
            *become,
            python,
            "-c",
            "import os, sys, yaml, codem.judge; open(os.path.realpath(sys.executable), 'rb')",
        ]
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{packages}"}
        try:
            done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True)
        except OSError as error:
            done = subprocess.CompletedProcess(command, 1, "", str(error))
        if done.returncode == 0:
            return [*become, python], packages
        why = done.stderr.strip()[-300:]
    pytest.skip(f"another user cannot use this checkout or its Python: {why}")


@pytest.fixture(scope="session")
def judged():
    made: dict[tuple[str, str], Judged | str] = {}
    folders: list[str] = []

    def get(lang: str, user: str) -> Judged:
        if (lang, user) not in made:
            folders.append(tempfile.mkdtemp(prefix="codem-hostile-"))  # pytest's own folders are closed to other users
            made[lang, user] = _judge(lang, user, Host(Path(folders[-1])))
        found = made[lang, user]
        if isinstance(found, str):
            pytest.skip(found)
        return found

    yield get
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(lang: str, user: str, host: Host) -> Judged | str:
    start, packages = interpreter(user)
    names = list(attacks(lang))
    comment = "#" if lang == "python" else "//"
    wrong = dialects.body(lang, "", result="n")
    with host.listening():
        hostile = [host.fill(attacks(lang)[name][0]) for name in names]
        # "distinctive" is what the answers look for in others' folders
        good = [f"{comment} distinctive {i}\n{dialects.SIGNATURES[lang]}{dialects.body(lang, '')}" for i in range(2)]
        bad = [f"{comment} distinctive\n{dialects.SIGNATURES[lang]}{wrong}"]
        request = {
            "lang": lang,
            "answers": [*good, *hostile, *bad],
            "prelude": PRELUDES.get(lang, ""),
            "limits": {**LIMITS, **LIMITS_OF.get(lang, {})},
        }
        env = {
            "PATH": f"{os.environ['PATH']}:{Path.home()}/.cargo/bin",
            "PYTHONPATH": f"{ROOT}:{ROOT}/tests/judge:{packages}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(host.folder / "home"),
            "TMPDIR": str(host.folder / "tmp"),
            "CODEM_TEST_TOKEN": host.secret,
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        }
        before = shutil.disk_usage(host.folder).free
        command = [*start, str(ROOT / "tests" / "judge" / "hostile_judge.py")]
        done = subprocess.run(
            command, input=json.dumps(request), env=env, cwd="/", capture_output=True, text=True, timeout=280
        )
        used_mb = (before - shutil.disk_usage(host.folder).free) / (1 << 20)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    if "missing" in answer:
        return f"{user}: {answer['missing']}"
    verdicts = answer["verdicts"]
    assert len(verdicts) == len(request["answers"])
    return Judged(
        host,
        dict(zip(names, verdicts[2:-1], strict=True)),
        [*verdicts[:2], verdicts[-1]],
        host.survivors(),
        sorted(str(p) for place in ("home", "tmp") for p in (host.folder / place).iterdir()),
        used_mb,
    )


@pytest.mark.parametrize(("lang", "user", "attack"), CASES, ids=["-".join(case) for case in CASES])
def test_it_stays_inside_and_is_told_the_truth(judged, lang, user, attack):
    found = judged(lang, user)
    verdict, allowed = found.verdicts[attack], attacks(lang)[attack][1]
    tail = verdict["output_tail"]
    assert verdict["outcome"] in allowed, verdict
    assert "tried" in tail or verdict["outcome"] != "passed", "it passed without doing what it is for"
    assert found.host.secret not in tail
    assert not SIGN_OF_SUCCESS.search(tail), tail


@pytest.mark.parametrize(("lang", "user"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_the_host_and_the_neighbours_are_unharmed(judged, lang, user):
    found = judged(lang, user)
    assert [v["outcome"] for v in found.neighbours] == ["passed", "passed", "wrong"], found.neighbours
    assert found.survivors == []
    assert found.host.connections == 0
    assert found.left == [str(found.host.folder / "home" / "secret")]
    assert found.used_mb < 1000
