"""The pace of requests and tokens, by a clock that the test turns."""

from __future__ import annotations

from pad_ray.generation.http_guard import Pace


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _sent(pace: Pace, clock: Clock, tokens: list[int]) -> list[float]:
    """When requests of so many tokens are sent, each as soon as it may be."""
    times = []
    for taken in tokens:
        clock.now += max(0.0, pace.wait())
        pace.take(taken)
        times.append(round(clock.now - 100.0, 6))
    return times


def test_requests_are_evenly_spaced() -> None:
    clock = Clock()
    assert _sent(Pace(30, None, clock), clock, [0, 0, 0]) == [0, 2, 4]


def test_a_quiet_time_buys_no_burst() -> None:
    clock = Clock()
    pace = Pace(30, None, clock)
    clock.now += 60
    assert _sent(pace, clock, [0, 0]) == [60, 62]


def test_a_request_waits_for_the_tokens_of_those_before_it() -> None:
    clock = Clock()
    assert _sent(Pace(None, 600, clock), clock, [100, 20, 10]) == [0, 10, 12]


def test_the_slower_limit_holds() -> None:
    clock = Clock()
    assert _sent(Pace(60, 600, clock), clock, [5, 50, 0]) == [0, 1, 6]


def test_tokens_that_were_not_used_are_given_back() -> None:
    clock = Clock()
    pace = Pace(None, 600, clock)
    pace.take(100)
    pace.settle(taken=100, used=30)
    assert round(pace.wait(), 6) == 3


def test_tokens_used_beyond_those_taken_are_waited_for() -> None:
    clock = Clock()
    pace = Pace(None, 600, clock)
    pace.take(10)
    pace.settle(taken=10, used=40)
    assert round(pace.wait(), 6) == 4


def test_the_longest_of_pauses_holds() -> None:
    clock = Clock()
    pace = Pace(None, None, clock)
    pace.pause(9)
    pace.pause(2)
    assert pace.wait() == 9


def test_after_a_pause_requests_are_spaced_again() -> None:
    clock = Clock()
    pace = Pace(60, None, clock)
    pace.pause(10)
    assert _sent(pace, clock, [0, 0]) == [10, 11]


def test_without_limits_nothing_waits() -> None:
    clock = Clock()
    assert _sent(Pace(None, None, clock), clock, [10**9] * 3) == [0, 0, 0]
