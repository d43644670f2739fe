"""A run as a job on a Ray cluster: checked, sent, followed, left and joined again.

Only the cluster's dashboard is spoken to (`http://HEAD:8265`), so this works from a machine outside of it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pad_ray
from pad_ray.autoscaling import starts_nodes
from pad_ray.config import RunConfig
from pad_ray.errors import InputError, PlacementError, StageError
from pad_ray.parcel import RUN_YAML, pack
from pad_ray.placement import Node, check, described

# From where the code and its data files are taken; a job shall run the version that was asked to submit it.
_CODE = Path(pad_ray.__file__).parent
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_PAUSE_SECONDS = 2.0
# Loggers of Ray that tell of uploads and closed connections.
_TALKATIVE = ("dashboard.modules.dashboard_sdk", "dashboard.modules.job.sdk", "_private.runtime_env.packaging")
_TOKEN_MEND = "Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH, as the cluster has them"


@dataclass(frozen=True)
class Job:
    """A job on a cluster.

    Attributes:
        id: its submission id, by which it is followed.
        address: of the cluster's dashboard.
        status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        exit_code: of its command, once it has ended.
        message: what Ray says of it.
    """

    id: str
    address: str
    status: str
    exit_code: int | None = None
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether it is over, one way or another."""
        return self.status in _ENDED


class Cluster:
    """A Ray cluster, by its dashboard.

    Args:
        address: `http://HEAD:8265`, or `http://127.0.0.1:8265` through a tunnel.

    Raises:
        PlacementError: no Ray dashboard answers there.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        mend = "Give the dashboard of a cluster's head, such as http://HEAD:8265"
        if not re.fullmatch(r"https?://[^\s/:]+(:\d+)?", self.address):
            raise PlacementError(f"`{address}` is no address of a dashboard", mend)
        from ray.job_submission import JobSubmissionClient

        for name in _TALKATIVE:
            logging.getLogger(f"ray.{name}").setLevel(logging.ERROR)
        try:
            self._client = JobSubmissionClient(self.address)
        except Exception as error:  # whatever else listens there answers in ways of its own
            reason = " ".join(str(error).split())[:200].rstrip(".")
            if "authentication" in reason.lower():
                raise PlacementError(f"the Ray at {self.address} wants a token that it knows", _TOKEN_MEND) from None
            raise PlacementError(f"no Ray dashboard answers at {self.address}: {reason}", mend) from None

    def nodes(self) -> list[Node]:
        """The nodes that are alive, with all that they have."""
        from ray.util.state import list_nodes

        found = list_nodes(self.address, limit=10_000, raise_on_missing_output=False)
        alive = [node for node in found if node.state == "ALIVE"]
        return [Node.of(node.node_id, node.resources_total or {}) for node in alive]

    def may_grow(self) -> bool:
        """Whether nodes may be started that are not there yet; False where there is no autoscaler for certain.

        Without one Ray's monitor calls each node a type of its own; KubeRay's autoscaler tells the dashboard nothing.
        """
        with suppress(Exception):
            answer = self._client._do_request("GET", "/api/cluster_status").json()
            kinds = answer["data"]["clusterStatus"]["autoscalerReport"]["nodeTypeMapping"]
            return starts_nodes(kinds)
        return True

    def check(self, config: RunConfig) -> str:
        """Refuses a run that can never be placed, and says in a line what there is for it.

        Raises:
            PlacementError: the nodes can never hold what a stage needs at once; the message says what is missing.
        """
        nodes = self.nodes()
        try:
            check(config.resources, nodes)
        except PlacementError:
            if not self.may_grow():
                raise
            return f"{described(nodes)}; too few for this run, but more may be started: the job itself will see"
        return described(nodes)

    def submit(self, config: RunConfig, until: str, runtime_env: Mapping[str, Any], id: str | None = None) -> Job:
        """Sends a run.

        Args:
            config: its settings; the files that they name are sent along.
            until: the last thing to make.
            runtime_env: further keys of the job's runtime environment, such as `env_vars`.
            id: the submission id; made from the run's name and the time by default.

        Raises:
            ConfigError, InputError: as `pad_ray.parcel.pack`, or a job of that id is there already.
            StageError: the cluster refused it.
        """
        id = id or f"{config.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        with tempfile.TemporaryDirectory() as folder:
            pack(config, Path(folder))
            environment = {**runtime_env, "working_dir": folder, "py_modules": [str(_CODE)]}
            try:
                self._client.submit_job(
                    entrypoint=f"python -m pad_ray.cli run {RUN_YAML} --until {until}",
                    submission_id=id,
                    runtime_env=environment,
                    metadata={"run": config.name, "runs": config.runs},
                )
            except Exception as error:
                reason = " ".join(str(error).split())
                if "already exists" in reason:
                    mend = f"Join it with `pad-ray submit --follow {id} --address {self.address}`, or give another --id"
                    raise InputError(f"there is a job `{id}` on {self.address} already", mend) from None
                raise StageError(f"{self.address} refused the job: {reason[:500]}") from error
        return self.job(id)

    def job(self, id: str) -> Job:
        """A job's state now.

        Raises:
            InputError: there is no such job; the message names the latest ones.
        """
        try:
            info = self._client.get_job_info(id)
        except Exception as error:
            if "404" not in str(error):
                raise
            known = [job.submission_id for job in self._client.list_jobs() if job.submission_id]
            there = f"There are: {', '.join(sorted(known)[-5:])}" if known else "There are none"
            raise InputError(f"there is no job `{id}` on {self.address}", there) from None
        return Job(id, self.address, str(info.status.value), info.driver_exit_code, info.message or "")

    def follow(self, id: str, write: Callable[[str], None]) -> Job:
        """Writes a job's log as it grows, from its beginning, until it ends. A lost connection is made again.

        Raises:
            InputError: there is no such job.
        """
        written = 0
        while True:
            job = self.job(id)
            written = asyncio.run(self._tail(id, written, write)) if job.status != "PENDING" else written
            if job.ended:
                return job
            time.sleep(_PAUSE_SECONDS)

    async def _tail(self, id: str, written: int, write: Callable[[str], None]) -> int:
        """Writes what comes after the first `written` characters; returns how many there are now."""
        seen = 0
        with suppress(RuntimeError, OSError):  # the connection broke: the next look goes on where this one stopped
            async for text in self._client.tail_job_logs(id):
                seen += len(text)
                if seen > written:
                    write(text[-(seen - written) :])
                    written = seen
        return written
