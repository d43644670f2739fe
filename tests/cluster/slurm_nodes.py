"""A SLURM of several nodes on this machine: Debian's slurm-wlm, each node in namespaces of its own.

python -m tests.cluster.slurm_nodes --nodes 2 --cpus 4 -- sbatch --wait SCRIPT

Nodes have their own network, processes, host name and `/tmp/ray`, as machines have, so that `ray stop` at the end of a
job ends that node's Ray and no other of this machine. They share the file system. All ends with the command, whose
exit code is given back.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

_SECONDS = 60
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo", "ip", "unshare")
_NAMESPACES = ("--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--net")
_INSIDE = "--inside"
_CONTROLLER = "10.77.0.1"
_NODE = """
read -r && hostname "$1" && ip link set lo up && ip link set eth0 up && ip address add "$2/24" dev eth0 &&
mkdir -p /tmp/ray "$3" && mount --bind "$3" /tmp/ray && exec slurmd -D -N "$1"
"""


def missing() -> str:
    """What keeps SLURM from being started here, in words; empty where nothing does."""
    absent = [name for name in _PROGRAMS if not shutil.which(name, path=_path())]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: slurm-wlm, iproute2)"
    return "" if os.geteuid() == 0 else "namespaces and slurmd want root"


def on_slurm(nodes: int, cpus: int, *command: str) -> list[str]:
    """The command that runs `command` where it finds a SLURM of so many nodes with so many CPUs each."""
    module = (sys.executable, "-m", "tests.cluster.slurm_nodes", _INSIDE)
    return ["unshare", *_NAMESPACES, *module, f"--nodes={nodes}", f"--cpus={cpus}", "--", *command]


@contextmanager
def _slurm(nodes: int, cpus: int) -> Iterator[Mapping[str, str]]:
    """Yields the environment in which `sbatch` and its like find it. To be called within namespaces of its own."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
    for words in ("link set lo up", "link add br0 type bridge", f"address add {_CONTROLLER}/24 dev br0"):
        _ip(words)
    _ip("link set br0 up")
    (folder / "slurm.conf").write_text(_conf(folder, nodes, cpus))
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o600)
    files = [f"--{name}-file={folder}/munged.{name}" for name in ("log", "pid", "seed")]
    munged = ("munged", "--foreground", "--force", f"--key-file={folder}/munge.key", f"--socket={folder}/munge", *files)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.enter_context(_daemon("munged", munged, environment, folder))
        stack.enter_context(_daemon("slurmctld", ("slurmctld", "-D", "-c"), environment, folder))
        for number in range(1, nodes + 1):
            _start_node(stack, number, environment, folder)
        _await_idle(nodes, environment, folder)
        yield environment


def _start_node(stack: ExitStack, number: int, environment: Mapping[str, str], folder: Path) -> None:
    name, address, temporary = f"node{number}", _address(number), str(folder / f"ray{number}")
    command = ("unshare", *_NAMESPACES, "--uts", "bash", "-c", _NODE, "node", name, address, temporary)
    node = stack.enter_context(_daemon(name, command, environment, folder))
    until = time.monotonic() + _SECONDS  # for the namespace: the link can move there once it is another than ours
    while os.readlink(f"/proc/{node.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
        if time.monotonic() > until:
            raise RuntimeError(f"{name} got no network of its own")
        time.sleep(0.05)
    _ip(f"link add v{number} type veth peer name w{number}")
    _ip(f"link set v{number} master br0 up")
    _ip(f"link set w{number} netns {node.pid} name eth0")
    assert node.stdin
    node.stdin.write(b"go\n")
    node.stdin.flush()


def _conf(folder: Path, nodes: int, cpus: int) -> str:
    lines = [f"NodeName=node{n} NodeAddr={_address(n)} CPUs={cpus} State=UNKNOWN" for n in range(1, nodes + 1)]
    return "\n".join([*lines, *_SETTINGS.format(folder=folder, host=os.uname().nodename).splitlines()])


_SETTINGS = f"""
ClusterName=test
SlurmctldHost={{host}}({_CONTROLLER})
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={{folder}}/munge
CredType=cred/munge
StateSaveLocation={{folder}}/state
SlurmdSpoolDir={{folder}}/spool-%n
SlurmctldPidFile={{folder}}/slurmctld.pid
SlurmdPidFile={{folder}}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
KillWait=10
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def _daemon(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.out").open("wb") as said:
        daemon = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=said, stderr=said)
        try:
            yield daemon
        finally:
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _await_idle(nodes: int, environment: Mapping[str, str], folder: Path) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        said = subprocess.run(
            ["sinfo", "-h", "-t", "idle", "-o", "%D"], env=environment, capture_output=True, text=True
        )
        if said.stdout.strip() == str(nodes):
            return
        if time.monotonic() > until:
            logs = "\n".join(
                f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in folder.glob("*.out")
            )
            raise RuntimeError(f"SLURM did not come up: {said.stdout}{said.stderr}\n{logs}")
        time.sleep(0.5)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, env={**os.environ, "PATH": _path()})


def _address(number: int) -> str:
    return f"10.77.0.{10 + number}"


def _path() -> str:
    return f"{os.environ['PATH']}:/usr/sbin:/usr/bin:/sbin"


def main() -> int:
    """Runs the command on a SLURM of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--cpus", type=int, default=4, help="logical CPUs of each node")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    parser.add_argument(_INSIDE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    command = arguments.command[1:]
    if not arguments.inside:
        return subprocess.run(on_slurm(arguments.nodes, arguments.cpus, *command)).returncode
    with _slurm(arguments.nodes, arguments.cpus) as environment:
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
