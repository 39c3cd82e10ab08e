"""The kernel calls that the sandbox needs and Python does not offer, through ctypes.

Everything in this folder runs inside the sandbox or makes one: it may import the standard library and itself, no more.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import resource
from collections.abc import Iterable, Mapping

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
DETACH = 2
CAPABILITIES = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_SYS_ADMIN": 21}

_PDEATHSIG, _DUMPABLE, _SECCOMP, _CAPBSET_DROP, _NO_NEW_PRIVS, _AMBIENT = 1, 4, 22, 24, 38, 47
_CAPABILITY_VERSION = 0x20080522
_MOUNT_SETATTR = 442  # the same number on every architecture
_PIVOT_ROOT, _CAPSET = {"x86_64": (155, 126), "aarch64": (41, 91)}.get(platform.machine(), (-1, -1))


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    _done(_libc().unshare(flags), f"unshare({flags:#x})")


def new_user_namespace(others: int) -> None:
    """With one user in it, ourselves, who has every right there; and other namespaces that belong to it."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(NEWUSER | others)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as f:
            f.write(text)


def enter(namespace: int, kind: int) -> None:
    _done(_libc().setns(namespace, kind), "setns")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    done = _libc().mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _done(done, f"mount {kind or 'of ' + source} at {target}")


def unmount(target: str, flags: int) -> None:
    _done(_libc().umount2(os.fsencode(target), flags), f"umount {target}")


def read_only(target: str) -> None:
    """A mount and all that is mounted below it."""
    wanted = _MountAttributes(RDONLY | NOSUID | NODEV, 0, 0, 0)
    call = (ctypes.c_long(_MOUNT_SETATTR), -100, os.fsencode(target), 0x8000, ctypes.byref(wanted))
    _done(_libc().syscall(*call, ctypes.c_size_t(ctypes.sizeof(wanted))), f"mount_setattr {target}")


def pivot_root(new: str, old: str) -> None:
    _done(_libc().syscall(ctypes.c_long(_PIVOT_ROOT), os.fsencode(new), os.fsencode(old)), "pivot_root")


def set_host_name(name: str) -> None:
    _done(_libc().sethostname(name.encode(), len(name.encode())), "sethostname")


def _prctl(option: int, *values: int) -> None:
    padded = [ctypes.c_ulong(v) for v in (*values, 0, 0, 0, 0)[:4]]
    _done(_libc().prctl(option, *padded), f"prctl {option}")


def die_with_parent() -> None:
    _prctl(_PDEATHSIG, 9)


def hide_memory(hidden: bool) -> None:
    """From other processes of the same user."""
    _prctl(_DUMPABLE, int(not hidden))


def keep_capabilities(keep: Iterable[int]) -> None:
    """For this process and what it starts."""
    numbers = tuple(keep)
    for number in range(64):
        if number not in numbers:
            try:
                _prctl(_CAPBSET_DROP, number)
            except OSError:
                break  # past the last that the kernel knows
    _set_capabilities(numbers)
    for number in numbers:
        _prctl(_AMBIENT, 2, number)


def drop_capabilities() -> None:
    _prctl(_AMBIENT, 4)
    _set_capabilities(())


def _set_capabilities(numbers: Iterable[int]) -> None:
    low = sum(1 << n for n in numbers)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)(low, low, low, 0, 0, 0)
    _done(_libc().syscall(ctypes.c_long(_CAPSET), ctypes.byref(header), ctypes.byref(data)), "capset")


def no_new_privileges() -> None:
    _prctl(_NO_NEW_PRIVS, 1)


def filter_calls(program: bytes) -> None:
    """For this process and what it starts, for ever."""
    holder = _Program(len(program) // 8, program)
    call = (_SECCOMP, ctypes.c_ulong(2), ctypes.byref(holder), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _done(_libc().prctl(*call), "seccomp")


def become(uid: int) -> None:
    """Root turns into an ordinary user; its capabilities go with that."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def set_limits(limits: Mapping[str, int]) -> None:
    """`cpu`, `data` ... as in resource.RLIMIT_*. The soft processor limit gives a signal of its own; the hard one, a
    second later, cannot be ignored."""
    for name, value in limits.items():
        hard = value + 1 if name == "cpu" else value
        resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (value, hard))
