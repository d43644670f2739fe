"""The CPython tier: a zygote that forks one confined process a program, spoken to one program at a time."""

from __future__ import annotations

import json
import secrets
import select
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .execution import Program, Status
from .jail import wire
from .limits import Layer, Limits
from .monty_wire import Malformed
from .values import parse_outcome
from .warden import Warden, Worker

# A program's process that used less than this share of its CPU time by its deadline did not run: it waited.
BUSY_SHARE = 0.5
PROGRAMS_PER_ZYGOTE = 20_000
_MAX_REPLY = wire.REPLY.size + wire.MAX_RECORDS_BYTES
# How long past a program's own deadline a silent zygote is waited for.
STALL_SECONDS = 10.0


@dataclass(slots=True)
class Outcome:
    """What one program's process came to. `fields` is what it wrote, parsed but not yet believed."""

    status: Status | None
    message: str = ""
    fields: dict[str, Any] | None = None
    alarms: tuple[str, ...] = ()
    cpu_s: float = 0.0
    wall_s: float = 0.0


class ZygoteLane:
    """One zygote, light or heavy. Not thread-safe: the pool lends it to one thread at a time."""

    def __init__(self, warden: Warden, limits: Limits, layers: Iterable[Layer], kind: str) -> None:
        self._warden = warden
        self._limits = limits
        self._layers = frozenset(layers)
        self.kind = kind
        self._worker: Worker | None = None
        self._served = 0
        self.restarts = 0

    @property
    def protections(self) -> tuple[str, ...]:
        """What confines the programs; empty before the zygote is started."""
        return self._worker.protections if self._worker else ()

    @property
    def interpreter(self) -> str:
        """The interpreter's name and version; empty before the zygote is started."""
        return self._worker.interpreter if self._worker else ""

    def start(self) -> None:
        """Starts the zygote, unless it runs.

        Raises:
            SandboxUnavailable: no zygote could be confined.
        """
        if self._worker is None:
            self._worker = self._warden.spawn(self.kind, self._layers)
            self._worker.channel.setblocking(False)
            self._served = 0

    def stop(self) -> None:
        """Kills the zygote and the program it is running."""
        worker, self._worker = self._worker, None
        if worker:
            self._warden.bury(worker)

    def run(self, program: Program, token: str | None = None) -> Outcome:
        """Runs one program; once more if its process got no processor or was lost.

        Args:
            program: the program.
            token: for a look at its variables: flat code gives them all, and a function that returns
                `(token, variables)` gives those.

        Raises:
            SandboxUnavailable: the zygote was lost and no new one could be confined.
        """
        outcome, again = self._run(program, token)
        if again:
            outcome, again = self._run(program, token)
            if again and outcome.status is Status.TIMEOUT:
                outcome.status, outcome.message = Status.OVERLOAD, "the machine stood still, twice"
        return outcome

    def _run(self, program: Program, token: str | None) -> tuple[Outcome, bool]:
        if self._served >= PROGRAMS_PER_ZYGOTE:
            self.stop()
        self.start()
        worker = self._worker
        assert worker is not None
        self._served += 1
        identity = secrets.token_bytes(wire.ID_BYTES)
        wall = 2 * self._limits.cpu_seconds + 0.5
        request = self._request(program, token, identity, wall)
        try:
            self._exchange_send(worker, request, time.monotonic() + STALL_SECONDS)
            reply = self._exchange_receive(worker, time.monotonic() + wall + STALL_SECONDS)
            return self._outcome(reply, identity)
        except (OSError, Malformed) as error:
            self.stop()
            self.restarts += 1
            status = Status.OVERLOAD if isinstance(error, TimeoutError) else Status.CRASH
            return Outcome(status, f"the zygote was lost: {error}"), True
        except BaseException:
            # Interrupted: the answer that is still to come must not meet the next caller.
            self.stop()
            raise

    def _request(self, program: Program, token: str | None, identity: bytes, wall: float) -> bytes:
        limits = self._limits
        fields = {
            "id": identity.hex(),
            "code": program.code,
            "entry": program.entry,
            "names": program.result_names,
            "token": token,
            "cpu": limits.cpu_seconds,
            "wall": wall,
            "memory": limits.memory_mb,
            "output": limits.output_kb << 10,
        }
        return wire.frame(json.dumps(fields).encode())

    def _exchange_send(self, worker: Worker, data: bytes, deadline: float) -> None:
        while data:
            _wait(worker, select.POLLOUT, deadline)
            data = data[worker.channel.send(data) :]

    def _exchange_receive(self, worker: Worker, deadline: float) -> bytes:
        (size,) = wire.LENGTH.unpack(self._exactly(worker, wire.LENGTH.size, deadline))
        if not wire.REPLY.size <= size <= _MAX_REPLY:
            raise Malformed(f"a reply of {size} bytes")
        return self._exactly(worker, size, deadline)

    def _exactly(self, worker: Worker, size: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            _wait(worker, select.POLLIN, deadline)
            part = worker.channel.recv(size - len(parts))
            if not part:
                raise ConnectionError("it ended")
            parts += part
        return bytes(parts)

    def _outcome(self, reply: bytes, identity: bytes) -> tuple[Outcome, bool]:
        echoed, how, cpu, wall = wire.REPLY.unpack_from(reply)
        if echoed != identity:
            raise Malformed("another program's answer")
        outcome, again = self._read(how, reply[wire.REPLY.size :], identity, cpu / 1e6)
        outcome.cpu_s, outcome.wall_s = cpu / 1e6, wall / 1e6
        return outcome, again

    def _read(self, how: int, written: bytes, identity: bytes, cpu_s: float) -> tuple[Outcome, bool]:
        if how == wire.KILLED_CPU:
            return Outcome(Status.TIMEOUT, "used up its CPU time"), False
        if how == wire.KILLED_WALL:
            # A confined process has nothing to wait for, so it was the machine that kept it waiting.
            return Outcome(Status.TIMEOUT, "too slow"), cpu_s < BUSY_SHARE * self._limits.cpu_seconds
        if how == wire.NOT_STARTED:
            return Outcome(Status.OVERLOAD, written.decode("utf-8", "replace")[:200]), False
        if how == wire.OVERFLOWED:
            return Outcome(Status.CRASH, "wrote more than a result", alarms=("result channel",)), False
        return _records(written, identity), False


def _records(written: bytes, identity: bytes) -> Outcome:
    """Reads what an untrusted process wrote: alarms, then one result that carries the request's id."""
    alarms: list[str] = []
    at = 0
    try:
        while at + wire.RECORD.size <= len(written):
            kind, size = wire.RECORD.unpack_from(written, at)
            body = written[at + wire.RECORD.size : at + wire.RECORD.size + size]
            at += wire.RECORD.size + size
            if kind == wire.ALARM and len(body) == size:
                alarms.append(body.decode("utf-8", "replace"))
                continue
            whole = kind == wire.RESULT and len(body) == size and at == len(written)
            if not whole or body[: wire.ID_BYTES] != identity:
                raise Malformed("a result that is not its own")
            return Outcome(None, fields=parse_outcome(body[wire.ID_BYTES :]), alarms=tuple(alarms))
    except Malformed as error:
        return Outcome(Status.CRASH, str(error), alarms=(*alarms, "result channel"))
    return Outcome(Status.CRASH, "ended without a result", alarms=tuple(alarms))


def _wait(worker: Worker, events: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(worker.channel, events)
    if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError("no answer")
