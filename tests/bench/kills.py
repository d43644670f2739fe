"""Replicas that die, come and go under load, in this process's own Ray: who asks loses nothing.

`make bench-serving ARGS=--kill` prints what came of it.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import httpx2
import psutil

from tests.bench.load import Asked, Client

VICTIMS = ("model", "decoder", "sandbox", "sandbox worker")
_DEPLOYMENTS = {"model": "Model", "decoder": "Decoder", "sandbox": "Sandbox"}
_COUNTERS = ("ray_pad_ray_serve_replays_total", "ray_pad_ray_serve_retries_total")
_BACK = 900.0  # seconds in which a replica must be there again
_LOOK = 0.25


@dataclass(frozen=True)
class Kill:
    """What came of one kill under load.

    Attributes:
        victim: one of `VICTIMS`.
        asked: all requests that were sent while it was dead, or before and after it.
        back: seconds from the kill until there are as many as before.
    """

    victim: str
    asked: list[Asked]
    back: float

    @property
    def lost(self) -> list[Asked]:
        """Neither answered nor, of a stream, told by an event that there is no answer."""
        return [one for one in self.asked if one.lost and not one.told]


def running(what: str) -> list[int]:
    """Processes of the replicas that serve, by Serve's own account; of a sandbox's workers, by the system's."""
    from ray.serve.context import _get_global_client

    if what == "sandbox worker":
        family = [child for pid in running("sandbox") for child in psutil.Process(pid).children(recursive=True)]
        return [child.pid for child in family if child.name() == "monty"]
    client = _get_global_client()
    assert client
    [application] = client.get_serve_details()["applications"].values()
    named = [one for name, one in application["deployments"].items() if name.startswith(_DEPLOYMENTS[what])]
    replicas = [replica for one in named for replica in one["replicas"]]
    return [replica["pid"] for replica in replicas if replica["state"] == "RUNNING" and replica["pid"]]


async def kill(client: Client, questions: Sequence[str], connections: int, victim: str, seed: int = 0) -> Kill:
    """Kills one replica while questions are asked, which goes on until there is another one."""
    before = await asyncio.to_thread(running, victim)
    chosen = random.Random(seed).choice(sorted(before))

    async def disturb() -> float:
        os.kill(chosen, signal.SIGKILL)
        begun = time.monotonic()
        await _until(lambda: chosen not in (now := running(victim)) and len(now) >= len(before))
        return time.monotonic() - begun

    asked, back = await loaded(client, questions, connections, disturb)
    return Kill(victim, asked, back)


async def loaded(
    client: Client, questions: Sequence[str], connections: int, body: Callable[[], Awaitable[float]]
) -> tuple[list[Asked], float]:
    """All that was asked while the body ran, which begins at the first answer; and what the body gave."""
    asked: list[Asked] = []
    begun, ended = asyncio.Event(), asyncio.Event()

    def hears(one: Asked) -> None:
        asked.append(one)
        begun.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(client.until(ended, questions, connections, hears))
        await begun.wait()
        try:
            given = await body()
        finally:
            ended.set()
    return asked, given


@dataclass(frozen=True)
class Moment:
    """How many replicas there were from then on.

    Attributes:
        seconds: since the load began.
        connections: of the load.
        replicas: by deployment.
    """

    seconds: float
    connections: int
    replicas: Mapping[str, int]


async def scaled(client: Client, questions: Sequence[str], connections: int) -> tuple[list[Asked], list[Moment]]:
    """Much load until there are two of each, then one connection until there is one again."""
    told: list[Moment] = []
    began = time.monotonic()

    def all_are(count: int, asking: int) -> bool:
        replicas = {what: len(running(what)) for what in ("decoder", "sandbox")}
        if not told or told[-1].replicas != replicas:
            told.append(Moment(time.monotonic() - began, asking, replicas))
        return set(replicas.values()) == {count}

    asked: list[Asked] = []
    for count, asking in ((2, connections), (1, 1)):

        async def wait(count: int = count, asking: int = asking) -> float:
            await _until(lambda: all_are(count, asking))
            return 0.0

        asked += (await loaded(client, questions, asking, wait))[0]
    return asked, told


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_BACK):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(_LOOK)


def replayed_and_retried() -> tuple[float, float]:
    """Requests given to another decoder, and calls made again, since Ray began; as Ray's nodes last told."""
    import ray
    from prometheus_client.parser import text_string_to_metric_families

    found = dict.fromkeys(_COUNTERS, 0.0)
    for node in ray.nodes():
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        for family in text_string_to_metric_families(httpx2.get(url, timeout=30, trust_env=False).text):
            for sample in family.samples:
                if sample.name in found:
                    found[sample.name] += sample.value
    return found[_COUNTERS[0]], found[_COUNTERS[1]]


def as_markdown(kills: Iterable[tuple[Kill, float, float]]) -> str:
    """A row a kill, each with replays and retries."""
    heads = (
        "Victim",
        "Requests",
        "Answered",
        "Replayed",
        "Calls retried",
        "Answered after a 503",
        "Lost",
        "Streams that ended with an error event",
        "Seconds until it was back",
    )
    rows = [heads, ("---",) * len(heads)]
    for one, replayed, retried in kills:
        answered = [asked for asked in one.asked if not asked.lost]
        told = sum(asked.told for asked in one.asked)
        after = sum(asked.refused > 0 for asked in answered)
        counts = (len(one.asked), len(answered), f"{replayed:g}", f"{retried:g}", after, len(one.lost), told)
        rows.append((one.victim, *map(str, counts), f"{one.back:.1f}"))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def moments_as_markdown(moments: Sequence[Moment]) -> str:
    """A row a change."""
    rows = [["Seconds", "Connections", "Decoders", "Sandboxes"], ["---"] * 4]
    for one in moments:
        rows.append([f"{one.seconds:.0f}", str(one.connections), *map(str, one.replicas.values())])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
