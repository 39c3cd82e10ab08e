"""Inside one sandbox, start many programs, one after another, each in a smaller sandbox of its own.

`python -I -S -B spawner.py <settings as JSON> <descriptor>`, with the judge at the other end of the socket that it is.
An order is a JSON object and the program's stdin, stdout and stderr; the answer says how it ended. Three processes:
this one; process 1 of the program's namespaces, which makes its view of the file system, reaps, and takes everything
with it when it ends; and the program. Whoever made this sandbox has left us CAP_SYS_ADMIN in it; programs have nothing.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import importlib.machinery
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import types
from typing import Any

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from codem.inside import kernel, seccomp, usage  # noqa: E402  (an isolated Python does not look there)

_FD = struct.Struct("i")
LARGEST_ORDER = 1 << 18
LOOK_AFTER_MS, LOOK_EVERY_MS = 250, 100
"""When the memory of a program with children is first looked at, and how often then."""
HELPERS = 3
"""Processes of ours under the program's user id, when it has none of its own: they count in the limit."""
FRAMES = 2 if sys.version_info < (3, 12) else 1
"""How much deeper a script's own code lies here than when Python itself starts it."""
PRELOADED = (
    "bisect", "collections", "copy", "datetime", "decimal", "fractions", "functools", "hashlib", "heapq", "itertools",
    "math", "operator", "random", "re", "statistics", "string", "sys", "time", "types",
)  # fmt: skip
FORGOTTEN = ("typing", "collections.abc", "importlib.machinery")
"""Loaded here, and to be loaded anew: a script that forgot to import a package's part must not find it all the same.
(`typing` brings `collections.abc` with it.)"""


class Spawner:
    def __init__(self, settings: dict[str, Any], control: int) -> None:
        self.programs: str = settings["programs"]
        self.shown: list[str] = settings["shown"]
        self.control = socket.socket(fileno=control)
        self.control.set_inheritable(False)
        self.filter = seccomp.program()
        self.namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self.preloaded = False

    def serve(self) -> dict[str, Any] | None:
        """Until the judge goes. Returns in a program's own process, too, with the order to become its script."""
        self.control.send(b'{"ready": true}')
        while True:
            room = socket.CMSG_SPACE(3 * _FD.size)
            data, ancillary, _, _ = self.control.recvmsg(LARGEST_ORDER, room, socket.MSG_CMSG_CLOEXEC)
            fds = [fd for _, _, sent in ancillary for (fd,) in _FD.iter_unpack(sent)]
            if not data:
                return None
            if data == b"kill":
                continue  # it crossed our answer
            order = json.loads(data)
            if order["fork"] and not self.preloaded:
                self._preload()
            if self._run(order, fds):
                return order

    def _preload(self) -> None:
        for name in PRELOADED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()
        self.preloaded = True

    def _run(self, order: dict[str, Any], fds: list[int]) -> bool:
        told, tell = os.pipe2(os.O_CLOEXEC)
        kernel.unshare(kernel.NEWPID)  # for the next child
        first = os.fork()
        if first == 0:
            return self._first_process(order, fds, tell)
        kernel.enter(self.namespace, kernel.NEWPID)
        for fd in (*fds, tell):
            os.close(fd)
        said, memory = self._wait(first, told, order["group_memory"])
        os.close(told)
        _, _, used = os.wait4(first, 0)  # returns when all of its namespace is gone
        answer: dict[str, Any] = {"started": said.startswith("S"), "error": "", "status": None, "memory": memory}
        answer["cpu_s"] = used.ru_utime + used.ru_stime
        for line in said.splitlines():
            if line[0] == "E":
                _, status, cpu_s = line.split()
                answer.update(status=int(status), cpu_s=float(cpu_s))
            elif line[0] == "X":
                answer.update(started=False, error=line[1:])
        self.control.send(json.dumps(answer).encode())
        return False

    def _wait(self, first: int, told: int, most_memory: int) -> tuple[str, bool]:
        """What the program's processes said until the last of them was gone, and whether memory was the reason."""
        poll = select.poll()
        poll.register(told, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        said, memory, patience = b"", False, LOOK_AFTER_MS
        while True:
            ready = dict(poll.poll(patience))
            if told in ready:
                block = os.read(told, 4096)
                if not block:
                    return said.decode(errors="replace"), memory
                said += block
            elif not ready and not memory and usage.anonymous_memory(os.getpid()) > most_memory:
                memory = True
                os.kill(first, signal.SIGKILL)
            elif self.control.fileno() in ready:
                os.kill(first, signal.SIGKILL)
                if self.control.recv(16) != b"kill":
                    os._exit(1)  # the judge is gone
            patience = LOOK_EVERY_MS if not ready else patience

    def _first_process(self, order: dict[str, Any], fds: list[int], tell: int) -> bool:
        """Returns in the program's process alone, when that is to become a script."""
        try:
            self._make_view(order["folder"], order["tmp_mb"])
            if order["fork"]:
                program = os.fork()
                if program == 0:
                    for number, fd in enumerate(fds):
                        os.dup2(fd, number)
                    os.setsid()
                    self._confine(order, own=0)
                    kernel.hide_memory(False)
                    os.write(tell, b"S\n")
                    self.control.detach()
                    os.closerange(3, 256)
                    return True
            else:
                self._confine(order, own=1)
                program = self._execute(order, fds)
                os.write(tell, b"S\n")
            for fd in (0, 1, 2, *fds):
                os.close(fd)  # the judge shall see the end of what the program prints
            while True:
                ended, status = os.wait()
                if ended == program:
                    used = resource.getrusage(resource.RUSAGE_CHILDREN)
                    os.write(tell, f"E {status} {used.ru_utime + used.ru_stime:.6f}\n".encode())
                    break
        except BaseException as error:
            os.write(tell, f"X{error}\n".encode())
        os._exit(0)

    def _make_view(self, own: str, tmp_mb: int) -> None:
        """Fresh places to write, a fresh /proc, and of all programs' folders the program's own alone."""
        kernel.unshare(kernel.NEWNS | kernel.NEWIPC)
        os.chdir("/")
        places = {path: os.open(path, os.O_PATH) for path in (*self.shown, own)}
        flags = kernel.NOSUID | kernel.NODEV
        kernel.mount("tmpfs", "/tmp", "tmpfs", flags, f"mode=1777,size={tmp_mb << 20},nr_inodes={tmp_mb << 8}")
        kernel.mount("tmpfs", "/dev/shm", "tmpfs", flags, "mode=1777,size=1m,nr_inodes=256")
        hide = not self.programs.startswith(("/tmp/", "/dev/shm/"))
        if hide:
            kernel.mount("tmpfs", self.programs, "tmpfs", flags, "mode=755,size=64k,nr_inodes=64")
        for path, place in places.items():
            os.makedirs(path, exist_ok=True)
            kernel.mount(f"/proc/self/fd/{place}", path, None, kernel.BIND)  # read-only, as the place itself is
            os.close(place)
        if hide:
            flags |= kernel.REMOUNT | kernel.BIND | kernel.RDONLY
            kernel.mount("none", self.programs, None, flags)
        kernel.mount("proc", "/proc", "proc", kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)

    def _confine(self, order: dict[str, Any], own: int) -> None:
        """From here on the process has no rights. own: how many of ours run under the program's user id even if it has
        one of its own: they count in its limit. Process 1 itself is out of its reach: what is in a namespace cannot
        signal its process 1, and this one's memory is hidden."""
        os.chdir("/tmp")
        own += 0 if order["uid"] is not None else HELPERS
        kernel.set_limits({**order["limits"], "nproc": order["processes"] + own})
        if order["uid"] is not None:
            kernel.become(order["uid"])
        kernel.drop_capabilities()
        kernel.hide_memory(True)
        kernel.no_new_privileges()
        if self.filter:
            kernel.filter_calls(self.filter)

    def _execute(self, order: dict[str, Any], fds: list[int]) -> int:
        """Unlike a fork, this copies nothing of Python's memory."""
        return os.posix_spawnp(
            order["command"][0],
            order["command"],
            order["env"],
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(fds)],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and what it starts would too
        )


def settle() -> None:
    """Have process namespaces that are ours to leave and enter: bubblewrap's, for an ordinary user, are not."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.enter(own, kernel.NEWPID)
        return
    except PermissionError:
        kernel.new_user_namespace(kernel.NEWNS | kernel.NEWPID)
    finally:
        os.close(own)
    inner = os.fork()
    if inner != 0:
        os.closerange(3, 256)  # the judge shall see the end of the one that serves
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
    kernel.die_with_parent()
    kernel.mount("proc", "/proc", "proc", kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)


def become(order: dict[str, Any]) -> str:
    """Everything that a script can see of its interpreter, as if Python had just been started with it."""
    command = order["command"]
    script = command[-1]
    loader = importlib.machinery.SourceFileLoader("__main__", script)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv[:] = [script]
    sys.orig_argv[:] = command
    sys.path.remove(ROOT)
    sys.path_importer_cache.clear()
    for name in [n for n in sys.modules if n.split(".")[0] == "codem" or n in FORGOTTEN]:
        del sys.modules[name]
        package, _, part = name.rpartition(".")
        if package in sys.modules and hasattr(sys.modules[package], part):
            delattr(sys.modules[package], part)
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __file__=script, __cached__=None, __annotations__={})
    main.__loader__ = loader
    sys.modules["__main__"] = main
    random = sys.modules["random"]
    random.seed()
    sys.excepthook = _without_our_frame
    sys.setrecursionlimit(sys.getrecursionlimit() + FRAMES)
    return script


def _without_our_frame(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    inner = trace.tb_next if trace else None
    sys.__excepthook__(kind, error.with_traceback(inner), inner)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 must not have a handler that a program could reach
    os.umask(0o022)
    settle()
    kernel.hide_memory(True)
    _order = Spawner(json.loads(sys.argv[1]), int(sys.argv[2])).serve()
    if _order is not None:
        _script = become(_order)
        with open(_script, "rb") as _file:
            _source = _file.read()
        exec(compile(_source, _script, "exec", dont_inherit=True), vars(sys.modules["__main__"]))
