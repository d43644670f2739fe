"""What the sandbox lives through: dead and silent workers, a dead warden, nonsense on the channel, no free worker."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pad_ray.sandbox import Execution, Limits, Program, Sandbox, SandboxUnavailable, Status, Tier, cpython, monty
from pad_ray.sandbox import monty_wire as wire
from pad_ray.sandbox.limits import ALL_LAYERS
from pad_ray.sandbox.monty import Answer, MontyLane, Task
from pad_ray.sandbox.pool import find_monty
from pad_ray.sandbox.slot import Slot
from pad_ray.sandbox.values import from_arena
from pad_ray.sandbox.warden import Warden, Worker

LIMITS = Limits(monty_seconds=0.1, cpu_seconds=0.2)
FAST = "def solution():\n    return 1\n"
SLOW = "import statistics\n" + FAST
ENDLESS = "while True: pass\n"


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that the test may hurt."""
    with Sandbox(LIMITS) as opened:
        opened.run([FAST, SLOW])
        yield opened


def _slot(sandbox: Sandbox) -> Slot:
    assert sandbox._pool is not None
    return sandbox._pool._slots[0]


def _worker(sandbox: Sandbox, kind: str) -> Worker:
    slot = _slot(sandbox)
    worker = (slot._monty if kind == "monty" else slot._light)._worker  # type: ignore[union-attr]
    assert worker is not None
    return worker


def _ended(pid: int, do: Callable[[], None]) -> None:
    """Does something to a process and waits until it has ended."""
    descriptor = os.pidfd_open(pid)
    do()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(10_000)
    os.close(descriptor)


def _stopped(pid: int) -> None:
    """Stops a process and waits until each of its threads stands: until then one of them may still answer."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while any(_state(thread) not in "TZ" for thread in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, "the process goes on"
        os.sched_yield()


def _state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize(("kind", "code"), [("monty", FAST), ("light", SLOW)])
def test_a_killed_worker_is_replaced(own: Sandbox, kind: str, code: str) -> None:
    pid = _worker(own, kind).pid
    _ended(pid, lambda: os.kill(pid, signal.SIGKILL))
    assert [execution.value for execution in own.run([code] * 20)] == [1] * 20
    assert own.statistics.restarts == 1


def test_programs_around_a_crash_have_their_own_answers(own: Sandbox) -> None:
    crash = "def solution():\n    x = 10 ** 9\n    for _ in range(60): x = x * x\n    return x\n"
    programs = [text for n in range(8) for text in (f"def solution(): return {n}\n", crash)]
    executions = own.run(programs)
    assert [execution.value for execution in executions[::2]] == list(range(8))
    assert not any(execution.ok for execution in executions[1::2])


@pytest.mark.parametrize(("kind", "code"), [("monty", FAST), ("light", SLOW)])
def test_a_silent_worker_is_replaced(own: Sandbox, kind: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpython, "STALL_SECONDS", 3.0)
    _stopped(_worker(own, kind).pid)
    assert own.run([code])[0].value == 1
    assert own.statistics.restarts == 1


class Paralysed(Warden):
    """A warden whose workers all stop as soon as they are sealed, as on a machine that stands still."""

    def seal(self, worker: Worker) -> None:
        super().seal(worker)
        _stopped(worker.pid)


def test_a_program_that_got_no_processor_is_not_called_slow() -> None:
    warden = Paralysed()
    slot = Slot(warden, LIMITS, ALL_LAYERS, frozenset({Tier.MONTY}), find_monty())
    try:
        (execution,) = slot.run([Program(FAST)])
    finally:
        slot.stop()
        warden.close()
    assert (execution.status, slot.statistics.restarts) == (Status.OVERLOAD, 2)


def test_a_killed_warden_is_replaced(own: Sandbox) -> None:
    assert own._pool is not None
    pid, worker = own._pool._warden.pid, _worker(own, "monty").pid
    descriptor = os.pidfd_open(worker)
    os.kill(pid, signal.SIGKILL)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(10_000), "a worker outlived its warden"
    os.close(descriptor)
    assert [execution.value for execution in own.run([FAST, SLOW])] == [1, 1]
    assert own._pool._warden.pid != pid


def test_a_warden_that_cannot_come_back_is_an_error_and_not_a_hang(
    own: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own._pool is not None
    monkeypatch.setattr(sys, "executable", "/nowhere")
    pid = _worker(own, "monty").pid
    _ended(pid, lambda: os.kill(own._pool._warden.pid, signal.SIGKILL))  # type: ignore[union-attr]
    with pytest.raises(SandboxUnavailable):
        own.run([FAST])


def test_no_free_worker_is_overload_and_not_a_slowProgram() -> None:
    with Sandbox(LIMITS, max_wait_s=0.05) as busy:
        assert busy._pool is not None
        with busy._pool.slot(1.0):
            executions = busy.run([FAST, FAST])
            verdicts = busy.check_steps("", ["a = 1\n"])
        assert [execution.status for execution in executions] == [Status.OVERLOAD] * 2
        assert verdicts[0].status is Status.OVERLOAD
        assert busy.run([FAST])[0].ok


def test_waiting_for_a_thread_counts_as_waiting() -> None:
    async def crowd(busy: Sandbox) -> list[Execution]:
        batches = await asyncio.gather(*(busy.run_async([ENDLESS]) for _ in range(8)))
        return [execution for batch in batches for execution in batch]

    with Sandbox(LIMITS, max_wait_s=0.15) as busy:
        statuses = {execution.status for execution in asyncio.run(crowd(busy))}
    assert Status.OVERLOAD in statuses


def test_closing_ends_every_process() -> None:
    with Sandbox(LIMITS, workers=2, warm=True) as opened:
        assert opened._pool is not None
        pids = [opened._pool._warden.pid, _worker(opened, "monty").pid, _worker(opened, "light").pid]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


HOSTILE_BYTES = [
    b"",
    b"\x00" * 64,
    b"\xff" * 64,
    b"\xff\xff\xff\xff" + b"x" * 100,
    b"\x02\x00\x00\x00R\x00" * 50,
    b"\x02\x00\x00\x002\x00",
    b"\x08\x00\x00\x00R\x00\xb0\x01\x01\xa0\x01\x01",
    b"\x04\x00\x00\x002\xff\xff\xff",
    b'{"s": "ok", "v": ["i", "0x63"]}',
    b"\x05\x00\x00\x00" + b"\x32\x7f\x00\x00\x00",
    bytes(range(256)) * 10,
]


class Impostor(Warden):
    """A warden whose workers answer with given bytes, whatever they are asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.workers = 0

    def spawn(self, kind: str, layers: object, **settings: object) -> Worker:
        self.workers += 1
        ours, theirs = socket.socketpair()

        def answer() -> None:
            with theirs:
                theirs.recv(1 << 16)
                theirs.sendall(self._answer)

        threading.Thread(target=answer, daemon=True).start()
        return Worker(os.getpid(), ours)

    def seal(self, worker: Worker) -> None:
        pass

    def bury(self, worker: Worker) -> int:
        worker.channel.close()
        return 0


class Trusting(MontyLane):
    """A lane that takes a worker for greeted, so that what follows meets a program's answer."""

    def _greet(self, worker: Worker) -> None:
        pass


@pytest.mark.parametrize("answer", HOSTILE_BYTES)
def test_nonsense_from_a_worker_is_a_crash_of_thatProgram(answer: bytes) -> None:
    impostor = Impostor(answer)
    lane = Trusting(impostor, LIMITS, ALL_LAYERS, "")
    answers: list[Answer] = lane.run([Task((b"1",)), Task((b"2",))])
    lane.stop()
    assert all(a.event is None and a.status is not None for a in answers)


@pytest.mark.parametrize("answer", HOSTILE_BYTES)
def test_nonsense_from_a_zygote_is_a_crash_of_thatProgram(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpython, "STALL_SECONDS", 0.1)
    lane = cpython.ZygoteLane(Impostor(answer), LIMITS, ALL_LAYERS, "light")
    outcome = lane.run(Program(FAST))
    lane.stop()
    assert outcome.status in (Status.CRASH, Status.OVERLOAD)


def test_an_answer_with_another_number_is_not_taken() -> None:
    number = wire._bytes(2, wire._number(1, 1) + wire._bytes(2, wire._number(5, 14)))
    event = wire._bytes(6, number) + wire._number(22, next(wire.identities()))
    assert from_arena(wire.event(event).body, trust_lists=True) == 7
    done = wire._framed(b"R\x00")
    stolen = done + wire._framed(event) + done
    lane = Trusting(Impostor(stolen), LIMITS, ALL_LAYERS, "")
    (answer,) = lane.run([Task((b"1",))])
    lane.stop()
    assert (answer.event, answer.status) == (None, Status.CRASH)
    assert "another program" in answer.message


def test_a_worker_is_replaced_only_with_nothing_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monty, "PROGRAMS_PER_WORKER", 3)
    monkeypatch.setattr(cpython, "PROGRAMS_PER_ZYGOTE", 2)
    with Sandbox(LIMITS) as opened:
        pids = set()
        for start in range(0, 40, 10):
            numbers = range(start, start + 10)
            programs = ["import statistics\n" * (n % 3 == 0) + f"def solution(): return {n}\n" for n in numbers]
            assert [execution.value for execution in opened.run(programs)] == list(numbers)
            pids.add(_worker(opened, "monty").pid)
        assert len(pids) == 4


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _long_run(batches: int, size: int, growth: int) -> list[Execution]:
    """Runs many programs in one pool; memory of host and workers must not grow with their number."""
    with Sandbox(LIMITS) as opened:
        programs = [f"def solution():\n    a = {n}\n    return a + 0.5\n" for n in range(size)]
        programs[7] = "import statistics\ndef solution(): return 7.5\n"
        programs[11] = "def solution(): return 'x' * 10 ** 9\n"
        last = opened.run(programs)
        pids = (os.getpid(), opened._pool._warden.pid, _worker(opened, "light").pid)  # type: ignore[union-attr]
        before = [_memory(pid) for pid in pids]
        for _ in range(batches):
            last = opened.run(programs)
        for pid, was in zip(pids, before, strict=True):
            assert _memory(pid) - was < growth
        assert _memory(_worker(opened, "monty").pid) < 200 << 20
    return last


def test_a_pool_keeps_its_size() -> None:
    executions = _long_run(batches=10, size=500, growth=16 << 20)
    assert [e.value for e in executions if e.ok] == [n + 0.5 for n in range(500) if n != 11]


@pytest.mark.slow
def test_two_hundred_thousand_programs_in_one_pool() -> None:
    _long_run(batches=100, size=2000, growth=32 << 20)
