"""A real Slurm cluster on this machine, for tests and for playing: one controller, several nodes, fake GPUs.

    python tests/slurm/cluster.py install              get Slurm's programs, where apt has them
    eval "$(python tests/slurm/cluster.py start /tmp/cluster --nodes 3)"
    python -m codem.train -m lang=python,go,html launcher=slurm
    python tests/slurm/cluster.py stop /tmp/cluster

It runs as the user who starts it, root or not, without munge, systemd, a database or control groups. Whoever is on the
machine can submit in that user's name, so it listens on 127.0.0.1 alone, and is nothing to leave running.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import configuration
import slurm_packages
from processes import Process, with_variable

START_S = 20.0
DRAIN_S = 20.0
"""Time for jobs to end when the cluster is stopped; what is left is killed."""
DAEMONS = ("slurmctld", "slurmd", "slurmstepd")


class ClusterError(Exception):
    pass


class QueuedJob(NamedTuple):
    id: str
    """`12_3` of an array."""
    number: str
    """By which Slurm counts it, and its processes know it: SLURM_JOB_ID."""
    name: str
    state: str
    reason: str
    node: str


@dataclass
class Cluster:
    folder: Path
    """All of it: configuration, state, logs. Removed and made anew by each start."""
    nodes: int = 3
    cpus: int = 16
    """Of each node; so too memory and GPUs."""
    memory_mb: int = 256_000
    gpus: int = 4
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further lines of slurm.conf, or other values for those above."""
    ends_with: int | None = None
    """Number of the process whose end, of whatever kind, ends the cluster too. None: it runs until it is stopped."""
    hidden: Sequence[Path] = ()
    """Folders that the nodes do not share with this machine: there they see an empty one. Only root can do that."""

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.programs = slurm_packages.find()

    @property
    def configuration(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What a user's commands need in theirs."""
        return {"SLURM_CONF": str(self.configuration), **self.programs.environment}

    @property
    def names(self) -> list[str]:
        return [f"n{number}" for number in range(1, self.nodes + 1)]

    def start(self) -> None:
        """Returns when all nodes are ready. Raises ClusterError."""
        if self._daemons():
            raise ClusterError(f"{self.folder}: a cluster is running here; stop it first")
        for attempt in range(3):  # a port that was free may be taken a moment later
            shutil.rmtree(self.folder, ignore_errors=True)
            for name in ("state", "log", "run"):
                (self.folder / name).mkdir(parents=True)
            self._configure(Path(tempfile.mkdtemp(prefix="slurmd-")))
            self.controller_up()
            for node in self.names:
                self.slurmd_up(node)
            if self.ends_with is not None:
                watch = ["stop", "--after", str(self.ends_with), str(self.folder)]
                self._spawn("watch", [sys.executable, __file__, *watch])
            if _until(lambda: len(self._idle()) == self.nodes, START_S / (3 - attempt)):
                return
            said = self.logs()
            self.stop()
        raise ClusterError(f"{self.folder}: the nodes did not come up:\n{said}")

    def stop(self) -> None:
        """Nothing of it is left: no daemon, no job."""
        self._end("watch")
        if "slurmctld" in self._daemons():
            # First the jobs: a slurmd that is ended while a step ends stays behind.
            self.command("scancel", "-u", self._user(), check=False)
            _until(lambda: not self.squeue(), DRAIN_S)
        for end in (signal.SIGTERM, signal.SIGKILL):
            daemons = [process for process in self._daemons().values() if process.pid != os.getpid()]
            for process in daemons:
                process.send(end)
            if _until(lambda: not any(process.lives() for process in daemons), DRAIN_S):  # noqa: B023
                break
        for process in self.processes():
            process.send(signal.SIGKILL)
        if not _until(lambda: not self.processes(), DRAIN_S):
            raise ClusterError(f"{self.folder}: still there: {self.processes()}")
        if self.configuration.exists():
            shutil.rmtree(Path(self._setting("SlurmdSpoolDir")).parent, ignore_errors=True)

    def processes(self) -> list[Process]:
        """Daemons, and all that belongs to jobs; not what users run beside them."""
        mine = with_variable("SLURM_CONF", str(self.configuration))
        return [p for p in mine if p.name in DAEMONS or "SLURM_JOB_ID" in p.environment]

    def command(self, *words: str, check: bool = True) -> str:
        """What one of Slurm's commands prints."""
        path = self.programs.environment.get("PATH", os.environ.get("PATH", ""))
        done = subprocess.run(
            [str(shutil.which(words[0], path=path)), *words[1:]],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        if check and done.returncode:
            raise ClusterError(f"{shlex.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def squeue(self, *options: str) -> list[QueuedJob]:
        """Jobs, and tasks of arrays, that are not over."""
        rows = self.command("squeue", "-h", "-r", *options, "-o", "%i|%A|%j|%T|%r|%N").splitlines()
        return [QueuedJob(*row.split("|")) for row in rows]

    def restarts(self, job: str) -> int:
        words = self.command("scontrol", "show", "job", job).split()
        return next(int(word.removeprefix("Restarts=")) for word in words if word.startswith("Restarts="))

    def controller_up(self) -> None:
        """Returns when it can be asked: Slurm's commands wait a second before they ask again."""
        self._spawn("slurmctld", [self.programs.slurmctld, "-D"])
        _until(lambda: _listens(self._port()), START_S)

    def controller_down(self) -> None:
        """As an administrator stops it; jobs go on. Raises ClusterError when it was not there, or something still
        answers in its place."""
        if not self._end("slurmctld") or not _until(lambda: not _listens(self._port()), START_S):
            raise ClusterError(f"{self.folder}: expected a controller to stop, and found another or none")

    def slurmd_up(self, node: str) -> None:
        command = [*self.programs.slurmd, "-D", "-N", node]
        if self.hidden:
            covers = " && ".join(f"mount -t tmpfs none {shlex.quote(str(folder))}" for folder in self.hidden)
            command = ["unshare", "--mount", "sh", "-c", f"{covers} && exec {shlex.join(command)}"]
        self._spawn(f"slurmd.{node}", command)

    def slurmd_down(self, node: str) -> None:
        """The daemon alone, as when it is upgraded; its jobs go on."""
        if not self._end(f"slurmd.{node}"):
            raise ClusterError(f"{node} has no daemon to stop")

    def node_down(self, node: str) -> None:
        """As an administrator, or a node that does not answer: its jobs are killed, and go back into the queue."""
        self.command("scontrol", "update", f"nodename={node}", "state=down", "reason=test")

    def node_up(self, node: str) -> None:
        """Slurm does not take it back while it is still ending the node's jobs."""

        def resumed() -> bool:
            self.command("scontrol", "update", f"nodename={node}", "state=resume", check=False)
            return not {"down", "down*"} & set(self.command("sinfo", "-h", "-n", node, "-o", "%t").split())

        if not _until(resumed, START_S):
            raise ClusterError(f"{node} does not come back: {self.command('scontrol', 'show', 'node', node)}")

    def reconfigure(self, **settings: str) -> None:
        """Other settings while it runs; an empty one is none."""
        kept = [x for x in self.configuration.read_text().splitlines() if x.split("=")[0] not in settings]
        kept += [f"{name}={value}" for name, value in settings.items() if value]
        self.configuration.write_text("\n".join(kept) + "\n")
        self.command("scontrol", "reconfigure")

    def logs(self) -> str:
        """The ends of what the daemons say."""
        found = sorted(self.folder.glob("log/*"))
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-4000:]}" for path in found)

    def _configure(self, spool: Path) -> None:
        for name in self.names:
            (spool / name).mkdir()
        nodes = [configuration.Node(name, self.cpus, self.memory_mb, self.gpus) for name in self.names]
        settings = dict(self.settings)
        if self.programs.plugins:
            settings["PluginDir"] = str(self.programs.plugins)
        self.configuration.write_text(configuration.slurm_conf(self.folder, spool, self._user(), nodes, settings))
        (self.folder / "gres.conf").write_text(configuration.gres_conf(self.gpus))

    def _idle(self) -> list[str]:
        return self.command("sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).split()

    def _user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        with open(self.folder / "log" / f"{name}.out", "ab") as out:
            started = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.folder,
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        process = Process.of(started.pid)
        (self.folder / "run" / f"{name}.json").write_text(json.dumps([started.pid, process.began if process else 0]))

    def _daemons(self) -> dict[str, Process]:
        """Those that live, by the names of `_spawn`."""
        found = {}
        for path in self.folder.glob("run/*.json"):
            pid, began = json.loads(path.read_text())
            process = Process.of(pid)
            if process and process.began == began:
                found[path.stem] = process
        return found

    def _end(self, name: str) -> bool:
        """Whether it was there."""
        process = self._daemons().get(name)
        if process is None or process.pid == os.getpid():
            return False
        process.send(signal.SIGTERM)
        if not _until(lambda: not process.lives(), START_S):
            raise ClusterError(f"{name} does not end")
        return True

    def _port(self) -> int:
        return int(self._setting("SlurmctldPort"))

    def _setting(self, name: str) -> str:
        lines = self.configuration.read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))


def _until(condition: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="get Slurm's programs, where apt has them")
    starting = commands.add_parser("start", help="prints what a shell has to evaluate")
    starting.add_argument("--nodes", type=int, default=3)
    stopping = commands.add_parser("stop", help="ends its jobs and all of its processes")
    stopping.add_argument("--after", type=int, metavar="PID", help="first wait for the end of this process")
    for one in (starting, stopping):
        one.add_argument("folder", type=Path, help="holds all of the cluster")
    arguments = parser.parse_args()
    try:
        if arguments.command == "install":
            slurm_packages.install()
        elif arguments.command == "start":
            cluster = Cluster(arguments.folder, arguments.nodes)
            cluster.start()
            for name, value in cluster.environment.items():
                print(f"export {name}={shlex.quote(value)}")
        else:
            if arguments.after and (process := Process.of(arguments.after)):
                while process.lives():
                    time.sleep(1)
            Cluster(arguments.folder).stop()
    except (ClusterError, slurm_packages.NoSlurm) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
