"""Hostile programs: what the sandbox holds, whoever starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from codem import sandbox as module
from codem.languages import python
from codem.sandbox import Fence, HarnessError, Result, open_sandbox


def run(sandbox, source: str, **fence) -> Result:
    tools = python.toolchain()
    command = [tools.paths["python"], "-I", "-S", "-c", source]
    return sandbox.run(command, fence=Fence(**{"wall_s": 20, "cpu_s": 3, **fence}), readonly=tools.folders)


@pytest.fixture(scope="module", params=["bwrap", "userns"])
def sandbox(request):
    """Both makers of sandboxes keep the same promises."""
    try:
        return open_sandbox(request.param)
    except HarnessError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=["bwrap", "userns", "unsafe"])
def any_level(request):
    try:
        return open_sandbox(request.param)
    except HarnessError as error:
        pytest.skip(str(error))


def test_what_came_out(any_level):
    result = run(any_level, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (result.started, result.exit_code, result.signal, result.timed_out) == (True, 3, None, "")
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_wall_limit(any_level):
    result = run(any_level, "import time; time.sleep(60)", wall_s=1)
    assert result.timed_out == "wall" and result.seconds < 5 and result.exit_code is None


def test_processor_limit_cannot_be_ignored(any_level):
    source = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"
    result = run(any_level, source, cpu_s=1)
    assert result.timed_out == "cpu" and result.seconds < 15


def test_signals_are_told_from_exit_codes(any_level):
    result = run(any_level, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert result.exit_code is None and result.signal == 11


def test_output_is_capped_and_its_end_kept(any_level):
    result = run(any_level, "print('start')\nwhile True: print('y' * 5000)", output_kb=256, keep_kb=2)
    assert result.output_exceeded and result.started
    assert len(result.stdout) < 3 << 10 and result.stdout.rstrip().endswith("yyy")
    assert run(any_level, "print('x' * 100_000)", output_kb=256).exit_code == 0


def test_memory(any_level):
    result = run(any_level, "x = []\nwhile True: x.append(bytearray(1 << 24))", memory_mb=200)
    assert result.exit_code == 1 and "MemoryError" in result.stderr


def test_shared_memory_does_not_evade_the_limit(sandbox):
    source = "import mmap\nm = mmap.mmap(-1, 3 << 30)\nfor i in range(0, 3 << 30, 4096): m[i] = 1\nprint('taken')"
    assert "taken" not in run(sandbox, source, memory_mb=200, address_mb=1024).stdout


def test_fork_bomb(sandbox):
    source = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(30); os._exit(0)\n"
    source += "        n += 1\nexcept OSError: print(n)"
    before = len(os.listdir("/proc"))
    result = run(sandbox, source, processes=24)
    assert 0 < int(result.stdout) < 24
    assert len([p for p in os.listdir("/proc") if p.isdigit()]) < before + 20


def test_daemons_die_with_it(any_level):
    marker = f"codem-test-{os.getpid()}-{time.monotonic_ns()}"
    source = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        for fd in (0, 1, 2): os.close(fd)\n"
        "        sleep = [sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)']\n"
        f"        os.execv(sys.executable, [*sleep, '{marker}'])\n"
        "    os._exit(0)\ntime.sleep(0.3)\nprint('left')"
    )
    result = run(any_level, source)
    assert result.stdout == "left\n"
    time.sleep(0.2)
    alive = [
        p
        for p in Path("/proc").glob("[0-9]*/cmdline")
        if marker.encode() in _read(p) and p.parent.name != str(os.getpid())
    ]
    assert alive == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_no_sight_of_secrets(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv("CODEM_TEST_TOKEN", "hunter2-in-env")
    secret = tmp_path / "secret"
    secret.write_text("hunter2-in-file")
    secret.chmod(0o644)
    home = Path.home()
    source = (
        "import os, glob\nprint(dict(os.environ))\n"
        "for p in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: print(open(p).read())\n    except OSError: pass\n"
        f"for p in [{str(secret)!r}, '/etc/passwd', '/etc/shadow']:\n"
        "    try: print('READ', open(p).read())\n    except OSError: pass\n"
        f"for p in [{str(home)!r}, '/home', '/root', '/work', '/var', '/run', '/mnt', '/sys']:\n"
        "    try: print('SEEN', p, os.listdir(p))\n    except OSError: pass\n"
    )
    result = run(sandbox, source)
    assert result.exit_code == 0, result
    assert "hunter2" not in result.stdout
    assert "\nREAD" not in result.stdout
    # only the way to the interpreter may be seen
    shown = [str(f) for f in python.toolchain().folders]
    for line in result.stdout.splitlines():
        if line.startswith("SEEN"):
            place = line.split()[1]
            assert any(s.startswith(place + "/") for s in shown), line


def test_writes_stay_inside(sandbox, tmp_path):
    outside = tmp_path / "here"
    outside.mkdir()
    outside.chmod(0o777)
    source = (
        f"for p in [{str(outside)!r} + '/x', '/etc/x', '/usr/x', '/x', '/dev/x', '/home/x', '/var/tmp/x']:\n"
        "    try:\n        open(p, 'w').write('x'); print('WROTE', p)\n    except OSError: pass\n"
        "open('/tmp/mine', 'w').write('x'); print('private')"
    )
    result = run(sandbox, source)
    assert result.stdout == "private\n", result
    assert not Path("/tmp/mine").exists() and list(outside.iterdir()) == []


def test_the_disk_cannot_be_filled(sandbox):
    source = (
        "n = 0\ntry:\n    for i in range(1000):\n        with open(f'/tmp/{i}', 'wb') as f: f.write(bytes(1 << 20))\n"
        "        n += 1\nexcept OSError: pass\nprint(n)"
    )
    assert int(run(sandbox, source, tmp_mb=16).stdout) <= 16


def test_no_network(sandbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        got: list[bool] = []
        listener = threading.Thread(target=lambda: got.append(_accepts(server)))
        listener.start()
        port = server.getsockname()[1]
        source = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)\nprint('connected')"
        result = run(sandbox, source)
        with socket.create_connection(("127.0.0.1", port)):  # ends the listener's wait, and shows that it listens
            listener.join()
    assert "connected" not in result.stdout and "Error" in result.stderr
    assert got == [True]


def _accepts(server: socket.socket) -> bool:
    server.accept()
    return True


def test_killing_everybody_kills_itself_only(sandbox):
    result = run(sandbox, "import os\nos.kill(-1, 9)\nos.kill(1, 9)\nprint('alive')")
    assert result.started  # and so are we


def test_no_privileges_inside(sandbox):
    source = (
        "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('CapEff', 'CapPrm', 'NoNewPrivs'))])"
    )
    assert run(sandbox, source).stdout.count("0000000000000000") == 2
    assert "'1'" in run(sandbox, source).stdout
    assert run(sandbox, "import os; print(os.getuid())").stdout != "0\n"


def test_calls_into_the_kernel_are_filtered(sandbox):
    source = (
        "import ctypes, os, socket, subprocess, threading\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "def error(name, *arguments):\n"
        "    ctypes.set_errno(0); getattr(libc, name)(*arguments); return ctypes.get_errno()\n"
        "print(error('ptrace', 0, 0, 0, 0), error('unshare', 0x10000000), error('mount', 0, 0, 0, 0, 0))\n"
        "for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_UNIX):\n"
        "    try: socket.socket(family).close(); print('open')\n"
        "    except OSError as e: print(e.errno)\n"
        "threading.Thread(target=lambda: print('thread')).start()\n"
        "print(subprocess.run(['/bin/echo', 'child'], capture_output=True).stdout)"
    )
    result = run(sandbox, source)
    if "no filter" in sandbox.name:
        pytest.skip(sandbox.name)
    assert result.stdout == "1 1 1\n97\n97\n97\nopen\nthread\nb'child\\n'\n", result


def test_a_killed_judge_leaves_no_process(sandbox):
    """kill -9, in the midst of a program that runs alone and of one in a session."""
    marker = f"codem-test-{os.getpid()}-{time.monotonic_ns()}"
    command = ["/bin/sh", "-c", "while :; do :; done", marker]
    code = (
        "import pathlib, sys, tempfile, threading\nfrom codem.sandbox import Fence, open_sandbox\n"
        f"sandbox, fence = open_sandbox({sandbox.level!r}), Fence(cpu_s=60, wall_s=60)\n"
        f"folder = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1]))\n"
        "def in_session():\n"
        "    with sandbox.session(folder=folder) as session:\n"
        f"        session.run({command!r}, fence=fence, folder=folder)\n"
        "threading.Thread(target=in_session).start()\n"
        f"sandbox.run({command!r}, fence=fence)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        judge = subprocess.Popen([sys.executable, "-c", code, folder])
        try:
            deadline = time.monotonic() + 30
            while len(_running(marker, "/bin/sh")) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert len(_running(marker, "/bin/sh")) >= 2
        finally:
            judge.kill()
            judge.wait()
        deadline = time.monotonic() + 10
        while _running(marker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _running(marker) == []


def _running(marker: str, first: str = "") -> list[str]:
    found = [_read(p) for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.name != str(os.getpid())]
    return [c.decode() for c in found if c.startswith(first.encode()) and marker.encode() in c]


def test_a_tool_that_is_not_there_is_our_error(sandbox):
    with pytest.raises(HarnessError, match="cannot start"):
        module.Sandbox("bwrap", "x", ("/nowhere/bwrap",)).run(["true"], fence=Fence())
    assert not sandbox.run(["true"], fence=Fence(), readonly=[Path("/nowhere/at/all")]).started


def test_without_bubblewrap_it_makes_namespaces_itself(monkeypatch, sandbox):
    monkeypatch.setattr(module.bwrap, "find", lambda: None)
    assert open_sandbox("auto").level == "userns"
    with pytest.raises(HarnessError, match="apt-get install bubblewrap"):
        open_sandbox("bwrap")


def test_refusal_says_what_it_takes(monkeypatch):
    def no_namespaces(self, *command, **options):
        return Result(False, 1, None, "", False, False, "", "unshare: Operation not permitted", 0.1)

    monkeypatch.setattr(module.Sandbox, "run", no_namespaces)
    with pytest.raises(
        HarnessError, match=r"unshare: Operation not permitted[\s\S]*max_user_name[\s\S]*sandbox=unsafe"
    ):
        open_sandbox("auto")
    works, said = module.available()
    assert not works and "sandbox=unsafe" in said
