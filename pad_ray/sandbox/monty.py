"""The Monty tier: one jailed worker, a fresh session a program, several programs in flight.

The worker answers in order, so what is first in flight is what it is running. When it dies, hangs or talks
nonsense, the first in flight is at fault; the rest run again on a new worker. Nothing is ever answered from
another's reply: every session has a random number that its events must carry.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from . import monty_wire as wire
from .errors import SandboxUnavailable
from .execution import Status
from .limits import Layer, Limits
from .monty_wire import Event, Malformed
from .warden import START_SECONDS, Warden, Worker

# Deep enough that neither side waits for the other, and wakes it up, for each program.
IN_FLIGHT = 128
IN_FLIGHT_BYTES = 131_072
MAX_FRAME = 1 << 20
# How long past its own limit a silent worker is waited for: it checks the time only between instructions.
GRACE_SECONDS = 0.3
# How much longer, when it got no processor: then it is the machine that stands still.
STANDSTILL_SECONDS = 1.5
# Monty counts the time that passes, not what the processor gave. A program that ran out of it having used
# less of the processor than this share was not slow: it waited. Its second chance lasts longer, and only its
# use counts.
BUSY_SHARE = 0.5
SECOND_CHANCE = 4.0
# A worker is replaced, with nothing in flight, after so many programs.
PROGRAMS_PER_WORKER = 50_000
ADDRESS_SPACE = 1 << 30
# The worker's allocator ends it with this code when memory runs out.
_OUT_OF_MEMORY_EXIT = 65

_DONE = b"R\x00"
_OUT_OF_TIME = b"feed time limit exceeded"


@dataclass(slots=True)
class Task:
    """Source texts to feed to one fresh session, in order."""

    feeds: tuple[bytes, ...]


@dataclass(slots=True)
class Answer:
    """What a session gave: the event that ended its last feed, or why there is none."""

    event: Event | None = None
    status: Status | None = None
    message: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class _Flight:
    place: int
    identity: int
    size: int
    turns: int
    turn: int = 0
    printed: int = 0
    event: Event | None = None


class _Fault(Exception):
    """The worker cannot go on; the first in flight is the cause."""

    def __init__(self, answer: Answer, *, again: bool) -> None:
        self.answer = answer
        self.again = again


@dataclass(slots=True)
class _Round:
    """One pass over tasks: what waits, what is in flight, what is answered."""

    tasks: Sequence[Task]
    answers: list[Answer | None]
    waiting: deque[int]
    session: wire.Session
    seconds: float
    flights: deque[_Flight] = field(default_factory=deque)
    outgoing: bytearray = field(default_factory=bytearray)
    bytes_in_flight: int = 0
    again: list[int] = field(default_factory=list)


class MontyLane:
    """One worker. Not thread-safe: the pool lends it to one thread at a time."""

    def __init__(self, warden: Warden, limits: Limits, layers: Iterable[Layer], binary: str) -> None:
        self._warden = warden
        self._limits = limits
        self._layers = frozenset(layers)
        self._binary = binary
        self._session = wire.Session(limits, limits.monty_seconds)
        self._patient_session = wire.Session(limits, SECOND_CHANCE * limits.monty_seconds)
        self._identities = wire.identities()
        self._worker: Worker | None = None
        self._poll = select.poll()
        self._incoming = bytearray()
        self._served = 0
        self._waits_to_send = False
        self._cpu_mark = 0.0
        self.restarts = 0

    @property
    def protections(self) -> tuple[str, ...]:
        """What confines the worker; empty before it is started."""
        return self._worker.protections if self._worker else ()

    def start(self) -> None:
        """Starts the worker, unless it runs, and sees that it answers.

        Raises:
            SandboxUnavailable: no worker could be confined.
        """
        if self._worker is not None:
            return
        worker = self._warden.spawn("monty", self._layers, binary=self._binary, address_space=ADDRESS_SPACE)
        worker.channel.setblocking(False)
        self._poll = select.poll()
        self._poll.register(worker.channel, select.POLLIN)
        self._waits_to_send = False
        self._worker, self._served = worker, 0
        self._incoming.clear()
        self._greet(worker)
        # The answer proved that the C library is loaded and the thread runs: both doors can close.
        self._warden.seal(worker)

    def _greet(self, worker: Worker) -> None:
        greeting = _Round([Task((b"6 * 7",))], [None], deque([0]), self._session, START_SECONDS)
        try:
            self._serve(greeting)
        except _Fault as fault:
            self.stop()
            raise SandboxUnavailable(f"the Monty worker did not answer: {fault.answer.message}") from None

    def stop(self) -> int:
        """Kills the worker and returns its wait status."""
        worker, self._worker = self._worker, None
        return self._warden.bury(worker) if worker else 0

    def run(self, tasks: Sequence[Task]) -> list[Answer]:
        """Runs tasks and returns their answers in order.

        Raises:
            SandboxUnavailable: a worker was lost and no new one could be confined.
        """
        if self._served >= PROGRAMS_PER_WORKER:
            self.stop()
        answers: list[Answer | None] = [None] * len(tasks)
        seconds = self._limits.monty_seconds
        first = _Round(tasks, answers, deque(range(len(tasks))), self._session, seconds)
        try:
            self._fly(first)
            for place in first.again:
                # Alone on a worker, so that nothing else can be the cause.
                self._fly(_Round(tasks, answers, deque([place]), self._patient_session, SECOND_CHANCE * seconds))
        except BaseException:
            # Interrupted: what is still in flight must not meet the next caller.
            self.stop()
            raise
        return [answer or Answer(status=Status.CRASH, message="no answer") for answer in answers]

    def _fly(self, round: _Round) -> None:
        while round.waiting or round.flights:
            self.start()
            try:
                self._serve(round)
            except _Fault as fault:
                self._ground(round, fault)

    def _ground(self, round: _Round, fault: _Fault) -> None:
        """Buries the worker, answers or repeats the flight at fault, and queues the others again."""
        if round.flights:
            culprit = round.flights.popleft()
            status = self.stop()
            if fault.answer.status is Status.CRASH and status >> 8 == _OUT_OF_MEMORY_EXIT:
                fault.answer.status, fault.again = Status.OUT_OF_MEMORY, False
            known = round.answers[culprit.place]
            round.answers[culprit.place] = fault.answer
            if fault.again and known is None:
                round.again.append(culprit.place)
            elif fault.again and fault.answer.status is Status.TIMEOUT:
                fault.answer.status, fault.answer.message = Status.OVERLOAD, "the machine stood still, twice"
        else:
            self.stop()
        round.waiting.extendleft(flight.place for flight in reversed(round.flights))
        round.flights.clear()
        round.outgoing.clear()
        round.bytes_in_flight = 0
        self.restarts += 1

    def _serve(self, round: _Round) -> None:
        patience = round.seconds + GRACE_SECONDS
        worker = self._worker
        assert worker is not None
        self._cpu_mark = worker.cpu_clock()
        deadline, waited = time.monotonic() + patience, False
        while round.waiting or round.flights:
            self._launch(round)
            self._send(worker, round)
            if self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000) and self._receive(worker, round):
                deadline, waited = time.monotonic() + patience, False
            elif time.monotonic() >= deadline:
                if waited or not self._stood_still():
                    raise _Fault(Answer(status=Status.TIMEOUT, message="no word from the worker"), again=waited)
                deadline, waited = time.monotonic() + STANDSTILL_SECONDS, True

    def _launch(self, round: _Round) -> None:
        while round.waiting and len(round.flights) < IN_FLIGHT and round.bytes_in_flight < IN_FLIGHT_BYTES:
            place = round.waiting.popleft()
            identity = next(self._identities)
            feeds = round.tasks[place].feeds
            request = b"".join((round.session.configure(identity), *map(wire.feed, feeds), wire.RESET))
            round.flights.append(_Flight(place, identity, len(request), len(feeds) + 2))
            round.outgoing += request
            round.bytes_in_flight += len(request)

    def _send(self, worker: Worker, round: _Round) -> None:
        if not round.outgoing:
            return
        try:
            sent = worker.channel.send(round.outgoing)
        except BlockingIOError:
            sent = 0
        except OSError:
            raise _Fault(Answer(status=Status.CRASH, message="the worker died"), again=True) from None
        del round.outgoing[:sent]
        if self._waits_to_send != bool(round.outgoing):
            self._waits_to_send = bool(round.outgoing)
            self._poll.modify(worker.channel, select.POLLIN | (select.POLLOUT if round.outgoing else 0))

    def _receive(self, worker: Worker, round: _Round) -> bool:
        """Takes what has arrived; True when a turn ended."""
        try:
            part = worker.channel.recv(262_144)
        except BlockingIOError:
            return False
        except OSError:
            part = b""
        if not part:
            raise _Fault(Answer(status=Status.CRASH, message="the worker died"), again=True)
        self._incoming += part
        try:
            return self._take_frames(round)
        except Malformed as error:
            raise _Fault(
                Answer(status=Status.CRASH, message=f"the worker answered nonsense: {error}"), again=True
            ) from None

    def _take_frames(self, round: _Round) -> bool:
        data, at, ended = self._incoming, 0, False
        while len(data) - at >= 5:
            size = int.from_bytes(data[at : at + 4], "little")
            if size > MAX_FRAME or size == 0:
                raise _flood(data[at + 4] >> 3)
            if len(data) - at - 4 < size:
                break
            frame = bytes(data[at + 4 : at + 4 + size])
            at += 4 + size
            if frame[0] >> 3 == wire.PRINT:
                self._count_print(round, size)
            else:
                self._turn(round, frame)
                ended = True
        del data[:at]
        return ended

    def _count_print(self, round: _Round, size: int) -> None:
        if not round.flights:
            raise Malformed("output of no program")
        round.flights[0].printed += size
        if round.flights[0].printed > self._limits.output_kb << 10:
            raise _flood(wire.PRINT)

    def _turn(self, round: _Round, frame: bytes) -> None:
        if not round.flights:
            raise Malformed("an answer to nothing")
        flight = round.flights[0]
        flight.turn += 1
        if flight.turn in (1, flight.turns):
            if frame != _DONE:
                raise Malformed("a session that did not open or close")
            if flight.turn == flight.turns:
                self._land(round, flight)
            return
        event = wire.event(frame)
        if event.identity != flight.identity:
            raise Malformed("another program's answer")
        flight.event = event

    def _land(self, round: _Round, flight: _Flight) -> None:
        round.flights.popleft()
        round.bytes_in_flight -= flight.size
        self._served += 1
        event = flight.event
        assert event is not None
        answer = Answer(event, seconds=event.seconds)
        if event.kind == wire.ERROR and _ran_out_of_time(event) and self._stood_still():
            if round.answers[flight.place] is None:
                round.again.append(flight.place)
            answer = Answer(status=Status.OVERLOAD, message="the machine stood still, twice", seconds=event.seconds)
        round.answers[flight.place] = answer

    def _stood_still(self) -> bool:
        """Whether the worker got less of a processor than a program that used up its time must have had."""
        if self._worker is None:
            return False
        now = self._worker.cpu_clock()
        used, self._cpu_mark = now - self._cpu_mark, now
        return used < BUSY_SHARE * self._limits.monty_seconds


def _ran_out_of_time(event: Event) -> bool:
    """Whether the limit ended the program, and not an error of the program's own that says so."""
    return _OUT_OF_TIME in event.body[:64] and not wire.raised(event.body, 0).framed


def _flood(kind: int) -> _Fault:
    if kind == wire.PRINT:
        return _Fault(Answer(status=Status.ERROR, message="printed more than the limit"), again=False)
    if kind == wire.COMPLETE:
        return _Fault(Answer(status=Status.BAD_VALUE, message="the result is too large"), again=False)
    if kind == wire.ERROR:
        return _Fault(Answer(status=Status.ERROR, message="an exception too large to carry"), again=False)
    return _Fault(Answer(status=Status.CRASH, message="the worker answered nonsense: a frame too large"), again=True)
