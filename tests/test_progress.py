"""Progress lines: what they say, and that they never get in the way of the work."""

from __future__ import annotations

import io
import threading

import pytest

from pad_ray.progress import Meter, shown
from pad_ray.tally import Tally


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pad_ray.progress.time.monotonic", clock)
    return clock


def test_nothing_done_yet_says_how_long_it_has_been_starting(clock: Clock) -> None:
    meter = Meter("sample", 200, started=clock.now)
    clock.now += 65
    assert meter.line({}) == f"sample           {'░' * 20} 0/200 rows · starting, 1m05s"


def test_yield_and_loss_are_shown(clock: Clock) -> None:
    assert " 8/10 rows · yield 25.0 % · " in Meter("sample", 10, good="ok").line({"rows": 8, "ok": 2})
    assert " 1,000/2,000 steps · loss 0.123 · " in Meter("train", 2000, unit="steps").line(
        {"steps": 1000, "loss": 0.1234}
    )


def test_time_left_is_reckoned_from_the_first_unit(clock: Clock) -> None:
    meter = Meter("sample", 110)
    clock.now += 60  # the engine starts
    meter.line({"rows": 10})
    clock.now += 10
    assert meter.line({"rows": 60}).endswith("60/110 rows · 10s left")


def test_tokens_a_second_are_reckoned_from_the_first_unit(clock: Clock) -> None:
    meter = Meter("sample", 100)
    clock.now += 60
    meter.line({"rows": 10, "tokens": 500})
    clock.now += 10
    assert " · 100 tokens/s · " in meter.line({"rows": 20, "tokens": 1500})


def test_what_moves_while_no_unit_is_done_is_told_beside(clock: Clock) -> None:
    meter = Meter("rehearse", 100, unit="examples", beside="texts", started=clock.now)
    clock.now += 65
    assert meter.line({"texts": 0}, bar=False).endswith(" 0/100 examples · starting, 1m05s")
    assert meter.line({"texts": 83}, bar=False).endswith(" 0/100 examples · 83 texts · 1m05s")


def test_facts_are_what_the_line_says_as_figures(clock: Clock) -> None:
    meter = Meter("sample", 110, good="ok", tags={"stage": "samples"})
    meter.line({"rows": 10, "tokens": 500, "ok": 5})
    clock.now += 10
    place = {"title": "sample", "unit": "rows", "done": 60, "total": 110, "tags": {"stage": "samples"}}
    figures = {"yield": 0.5, "tokens_per_second": 100, "seconds_left": 10}
    assert meter.facts({"rows": 60, "tokens": 1500, "ok": 30}) == place | figures


def test_facts_leave_out_what_is_not_known_yet(clock: Clock) -> None:
    assert Meter("sample", 5).facts({}) == {"title": "sample", "unit": "rows", "done": 0, "total": 5}


def test_the_end_says_how_long_it_took(clock: Clock) -> None:
    meter = Meter("sample", 10, started=clock.now)
    clock.now += 3700
    assert meter.line({"rows": 10}) == f"sample           {'█' * 20} 10/10 rows · took 1h01m"


def test_more_than_expected_does_not_overflow_the_bar(clock: Clock) -> None:
    assert f" {'█' * 20} 11/10 " in Meter("sample", 10).line({"rows": 11})


def test_no_work_at_all_has_a_line(clock: Clock) -> None:
    assert "0/0 rows" in Meter("sample", 0).line({})


def test_the_last_state_is_printed_also_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"rows": 7.0}
    with pytest.raises(RuntimeError, match="work"), shown(Meter("sample", 10), lambda: counts):
        raise RuntimeError("work")
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "7/10 rows" in out


def test_a_terminal_gets_one_line_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    drawn = threading.Event()

    def read() -> dict[str, float]:
        drawn.set()
        return {"rows": 3}

    with shown(Meter("sample", 10), read):
        assert drawn.wait(60)
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().count("\r\x1b[2Ksample") >= 2


def test_a_reader_that_fails_neither_ends_the_work_nor_prints_a_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def read() -> dict[str, float]:
        raise ConnectionError("the counter died")

    with shown(Meter("sample", 10), read):
        worked = True
    assert worked
    assert capfd.readouterr() == ("", "")


def test_a_tally_sums_and_replaces() -> None:
    tally = Tally()
    tally.add({"ok": 2, "tokens": 10})
    tally.add({"ok": 1, "timeout": 1})
    tally.put({"loss": 0.5, "tokens": 3})
    assert tally.read() == {"ok": 3, "timeout": 1, "tokens": 3, "loss": 0.5}


def test_a_tally_keeps_records_in_order() -> None:
    tally, record = Tally(), {"step": 1.0}
    tally.log(record)
    record["step"] = 2.0
    tally.log(record)
    assert tally.logged() == [{"step": 1.0}, {"step": 2.0}]
