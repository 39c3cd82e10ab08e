"""The filter of system calls that programs run under, as the kernel's own instructions.

What no honest answer needs and what kernel faults have been reached through: tracing, mounting, namespaces, keys, BPF,
io_uring, and sockets that are not AF_UNIX. All else is allowed, so that every language's runtime goes on working.
"""

from __future__ import annotations

import platform
import struct

_SAME_EVERYWHERE = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
}
_X86_64 = {
    "ptrace": 101,
    "syslog": 103,
    "personality": 135,
    "pivot_root": 155,
    "chroot": 161,
    "acct": 163,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64 = {
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "chroot": 51,
    "quotactl": 60,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
_MACHINES = {  # the kernel's name for it, the calls to deny, clone, socket
    "x86_64": (0xC000003E, _X86_64, 56, 41),
    "aarch64": (0xC00000B7, _AARCH64, 220, 198),
}
_CLONE3, _X32_CALLS, _AF_UNIX = 435, 0x40000000, 1
_NEW_NAMESPACES = 0x7E020000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENT_AT = 0, 4, 16
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EAFNOSUPPORT = 1, 38, 97


Step = tuple[int, int, int, int]
"""Instruction, jump if true, jump if false, value."""


def program() -> bytes:
    """Empty on a machine whose system calls are not listed here."""
    if platform.machine() not in _MACHINES:
        return b""
    machine, denied, clone, socket = _MACHINES[platform.machine()]
    actions = {number: [_error(_EPERM)] for number in {**_SAME_EVERYWHERE, **denied}.values()}
    actions[_CLONE3] = [_error(_ENOSYS)]  # its flags lie in memory, out of sight: the C library then takes clone
    argument = (_LOAD, 0, 0, _ARGUMENT_AT)
    actions[clone] = [argument, (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _error(_EPERM), _allow()]
    actions[socket] = [argument, (_EQUAL, 1, 0, _AF_UNIX), _error(_EAFNOSUPPORT), _allow()]
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, machine),  # a 32-bit program has other numbers
        _error(_ENOSYS),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32_CALLS),
        _error(_ENOSYS),
        *_search(sorted(actions.items())),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _search(actions: list[tuple[int, list[Step]]]) -> list[Step]:
    """By halves: when a filter is set, the kernel goes through it once for every system call that there is, and a plain
    list would take longer than starting a program does."""
    if len(actions) > 2:
        middle = len(actions) // 2
        low = _search(actions[:middle])
        return [(_AT_LEAST, len(low), 0, actions[middle][0]), *low, *_search(actions[middle:])]
    steps: list[Step] = []
    for number, action in actions:
        steps += [(_EQUAL, 0, len(action), number), *action]
    return [*steps, _allow()]


def _error(number: int) -> Step:
    return (_RETURN, 0, 0, _ERROR | number)


def _allow() -> Step:
    return (_RETURN, 0, 0, _ALLOW)
