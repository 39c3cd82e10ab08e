"""What slurm.conf and gres.conf say for a cluster on one machine."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PORTS = range(20_000, 32_000)
"""Below those that systems hand out by themselves."""

_SLURM_CONF = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
# A job that goes back into the queue waits this long before it can start again; 5 is the least.
AuthInfo=cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
FirstJobId={first_job}
StateSaveLocation={folder}/state
SlurmdSpoolDir={spool}/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# Nodes may claim more than the machine has.
SlurmdParameters=config_overrides
GresTypes=gpu
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
ReturnToService=2
JobRequeue=1
KillWait=2
SlurmctldTimeout=30
SlurmdTimeout=30
AccountingStorageType=accounting_storage/none
# Kills what takes more memory than it asked for, without control groups.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
"""


@dataclass(frozen=True)
class Node:
    name: str
    cpus: int
    memory_mb: int
    gpus: int


def slurm_conf(folder: Path, spool: Path, user: str, nodes: Sequence[Node], settings: Mapping[str, str]) -> str:
    """settings: further lines, or other values for those above. spool: has a short path, for sockets are made below
    it, whose paths may have 108 characters."""
    host = socket.gethostname().split(".")[0]
    controller, *ports = _free_ports(1 + len(nodes))
    text = _SLURM_CONF.format(
        name="laptop", host=host, port=controller, user=user, folder=folder, spool=spool, first_job=_first_job()
    )
    lines = [line for line in text.splitlines() if line.split("=")[0] not in settings]
    lines += [f"{name}={value}" for name, value in settings.items()]
    for node, port in zip(nodes, ports, strict=True):
        lines.append(
            f"NodeName={node.name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={node.cpus} "
            f"RealMemory={node.memory_mb} Gres=gpu:{node.gpus} State=UNKNOWN"
        )
    names = ",".join(node.name for node in nodes)
    lines.append(f"PartitionName=debug Nodes={names} Default=YES MaxTime=INFINITE State=UP")
    return "\n".join(lines) + "\n"


def gres_conf(gpus: int) -> str:
    """A GPU must be a character device; the flag makes CUDA_VISIBLE_DEVICES appear in jobs."""
    devices = [f"/dev/tty{n}" for n in range(gpus)]
    if not all(map(os.path.exists, devices)):  # containers may have no consoles
        devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"][:gpus]
    return "".join(f"Name=gpu File={device} Flags=nvidia_gpu_env\n" for device in devices)


def _first_job() -> int:
    """Job ids of a cluster that was set up anew must not be those of an earlier one, whose files may still be there:
    five a second, for 139 days."""
    return 10_000 + int(time.time() * 5) % 60_000_000


def _free_ports(count: int) -> list[int]:
    """In a block of their own."""
    while True:
        first = secrets.choice(_PORTS[: -count - 1])  # nobody's seed: clusters are started at once
        if all(_is_free(port) for port in range(first, first + count)):
            return list(range(first, first + count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
