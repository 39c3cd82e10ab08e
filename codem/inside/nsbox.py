"""What bubblewrap does, where there is none: `python -I -S -B nsbox.py <bwrap's options> -- command`.

Understands the options that codem/box/bwrap.py writes, and no others. Three processes: the first waits and hands on the
exit code; the second is process 1 of the new namespaces, reaps, and takes everything with it when it ends; the third
becomes the command. Needs user namespaces, as bubblewrap does, and Linux 5.12.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from codem.inside import kernel  # noqa: E402  (an isolated Python does not look in the script's own place)

STAGE = "/tmp"  # exists everywhere; covered while the new root is made
OLD, NEW = "/oldroot", "/newroot"
INODES_PER_MB = 256
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
NAMESPACES = {
    "--unshare-pid": kernel.NEWPID,
    "--unshare-net": kernel.NEWNET,
    "--unshare-ipc": kernel.NEWIPC,
    "--unshare-uts": kernel.NEWUTS,
    "--unshare-user": kernel.NEWUSER,
}


class Plan:
    """The options, read."""

    def __init__(self, arguments: list[str]) -> None:
        self.namespaces = kernel.NEWNS
        self.capabilities: list[int] = []
        self.env: dict[str, str] = {}
        self.steps: list[Callable[[], None]] = []
        self.folder, self.host_name, self.filter_fd = "/", "", -1
        self.command: list[str] = []
        mode, size = 0o755, 0
        words = iter(arguments)
        for word in words:
            if word == "--":
                self.command = list(words)
            elif word in NAMESPACES:
                self.namespaces |= NAMESPACES[word]
            elif word in ("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"):
                continue  # always so here, or of no use
            elif word == "--perms":
                mode = int(next(words), 8)
            elif word == "--size":
                size = int(next(words))
            elif not self._setting(word, words):
                self.steps.append(_step(word, words, mode, size))
                mode, size = 0o755, 0

    def _setting(self, word: str, words: Iterator[str]) -> bool:
        if word == "--cap-drop":
            next(words)  # all of them
        elif word == "--cap-add":
            self.capabilities.append(kernel.CAPABILITIES[next(words)])
        elif word == "--setenv":
            name = next(words)
            self.env[name] = next(words)
        elif word == "--hostname":
            self.host_name = next(words)
        elif word == "--chdir":
            self.folder = next(words)
        elif word == "--seccomp":
            self.filter_fd = int(next(words))
        else:
            return False
        return True


def _step(word: str, words: Iterator[str], mode: int, size: int) -> Callable[[], None]:
    if word in ("--ro-bind", "--ro-bind-try", "--bind"):
        source, target = os.path.realpath(next(words)), next(words)  # while the host's root is still ours
        return lambda: _bind(source, target, word != "--bind", word.endswith("-try"))
    if word == "--symlink":
        source, target = next(words), next(words)
        return lambda: os.symlink(source, NEW + target)
    target = next(words)
    if word == "--dir":
        return lambda: _folder(NEW + target, mode)
    if word == "--tmpfs":
        return lambda: _memory(target, mode, size)
    if word == "--proc":
        return lambda: _proc(target)
    if word == "--dev":
        return lambda: _devices(target)
    if word == "--remount-ro":
        return lambda: _remount_read_only(target)
    raise SystemExit(f"nsbox: unknown option {word}")


def _folder(path: str, mode: int = 0o755) -> None:
    os.makedirs(path, exist_ok=True)
    os.chmod(path, mode)


def _bind(source: str, target: str, read_only: bool, may_lack: bool) -> None:
    source, target = OLD + source, NEW + target
    if not os.path.exists(source):
        if may_lack:
            return
        raise FileNotFoundError(f"{source.removeprefix(OLD)} is not there")
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT, 0o444))
    kernel.mount(source, target, None, kernel.BIND | kernel.REC)
    if read_only:
        kernel.read_only(target)


def _memory(target: str, mode: int, size: int) -> None:
    os.makedirs(NEW + target, exist_ok=True)
    limits = f"mode={mode:o},size={size},nr_inodes={max(64, (size >> 20) * INODES_PER_MB)}"
    kernel.mount("tmpfs", NEW + target, "tmpfs", kernel.NOSUID | kernel.NODEV, limits)


def _proc(target: str) -> None:
    os.makedirs(NEW + target, exist_ok=True)
    kernel.mount("proc", NEW + target, "proc", kernel.NOSUID | kernel.NODEV | kernel.NOEXEC)


def _devices(target: str) -> None:
    _memory(target, 0o755, 1 << 20)
    for name in DEVICES:
        if os.path.exists(f"{OLD}/dev/{name}"):
            os.close(os.open(f"{NEW}{target}/{name}", os.O_CREAT, 0o666))
            kernel.mount(f"{OLD}/dev/{name}", f"{NEW}{target}/{name}", None, kernel.BIND)
    os.symlink("/proc/self/fd", f"{NEW}{target}/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{NEW}{target}/{name}")


def _remount_read_only(target: str) -> None:
    flags = kernel.REMOUNT | kernel.BIND | kernel.RDONLY | kernel.NOSUID | kernel.NODEV
    kernel.mount("none", NEW + target, None, flags)


def main(arguments: list[str]) -> int:
    plan = Plan(arguments)
    kernel.die_with_parent()
    alive, ours = os.pipe()
    if plan.namespaces & kernel.NEWUSER:
        kernel.new_user_namespace(plan.namespaces)
    else:
        kernel.unshare(plan.namespaces)
    first = os.fork()
    if first == 0:
        os.close(ours)
        os._exit(_first_process(plan, alive))
    os.close(alive)
    for fd in (0, 1, 2, plan.filter_fd):
        if fd >= 0:
            os.close(fd)  # the readers of our output shall see its end
    return _code(os.waitpid(first, 0)[1])


def _first_process(plan: Plan, alive: int) -> int:
    try:
        kernel.die_with_parent()
        if select.select([alive], [], [], 0)[0]:
            return 1  # the parent went before that took effect
        os.close(alive)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what has a handler could be sent from inside
        kernel.hide_memory(True)
        _make_root(plan)
        os.setsid()
        command = os.fork()
        if command == 0:
            _become_command(plan)
        os.closerange(0, 16)
        while True:
            ended, status = os.wait()
            if ended == command:
                return _code(status)
    except OSError as error:
        os.write(2, f"nsbox: {error}\n".encode())
        return 1


def _make_root(plan: Plan) -> None:
    if plan.host_name:
        kernel.set_host_name(plan.host_name)
    os.umask(0)
    kernel.mount("none", "/", None, kernel.REC | kernel.PRIVATE)
    flags = kernel.NOSUID | kernel.NODEV
    kernel.mount("tmpfs", STAGE, "tmpfs", flags, "mode=755,size=1m,nr_inodes=4096")
    os.mkdir(STAGE + OLD)
    os.mkdir(STAGE + NEW)
    kernel.mount("tmpfs", STAGE + NEW, "tmpfs", flags, "mode=755,size=1m,nr_inodes=4096")
    kernel.pivot_root(STAGE, STAGE + OLD)
    os.chdir("/")
    os.umask(0o022)
    for step in plan.steps:
        step()
    kernel.unmount(OLD, kernel.DETACH)
    os.chdir(NEW)
    kernel.pivot_root(".", ".")
    kernel.unmount(".", kernel.DETACH)
    os.chdir("/")


def _become_command(plan: Plan) -> None:
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what it starts would too
        os.chdir(plan.folder)
        kernel.keep_capabilities(plan.capabilities)
        kernel.no_new_privileges()
        if plan.filter_fd >= 0:
            program = os.read(plan.filter_fd, 1 << 16)
            os.close(plan.filter_fd)
            kernel.filter_calls(program)
        _execute(plan.command, plan.env)
    except OSError as error:
        os.write(2, f"nsbox: {plan.command[0]}: {error}\n".encode())
    os._exit(1)


def _execute(command: list[str], env: dict[str, str]) -> None:
    """os.execvpe would import something, and here Python's own files may be out of sight."""
    for folder in env.get("PATH", "/usr/bin:/bin").split(":"):
        path = os.path.join(folder, command[0])
        if os.path.exists(path):
            os.execve(path, command, env)
    raise FileNotFoundError("not found")


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        sys.exit(f"nsbox: {error}")
