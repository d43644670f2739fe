"""Live progress of long work: rows done, yield so far, tokens per second, time left.

With a terminal one line with a bar is redrawn; without one a plain line is printed now and then, and nothing flickers.
`recorded` has the lines kept for those who look from elsewhere.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pad_ray.screen import screen

Counts = Mapping[str, float]
_PLAIN_SECONDS = 15.0  # between two lines without a terminal
_RECORD_SECONDS = 5.0  # between two records


@dataclass
class Meter:
    """Turns counts into one line of text.

    Attributes:
        title: what is being done.
        total: how many of `unit` there will be.
        unit: name of the count that measures progress, and the word for it.
        good: name of the count that makes the yield, if there is one.
        beside: name of a count that is told too, and moves while no unit is done.
        tags: of the metrics that are told of it, such as `stage`.
        begun: time of the first unit, so that the start of an engine does not spoil the rate.
        recorded: when the last record was made.
    """

    title: str
    total: int
    unit: str = "rows"
    good: str = ""
    beside: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    begun: float | None = None
    at_begin: float = 0
    tokens_at_begin: float = 0
    recorded: float = -math.inf

    def line(self, counts: Counts, bar: bool = True) -> str:
        """The line for these counts, now; with a bar of what is done, or without."""
        now, done = time.monotonic(), counts.get(self.unit, 0)
        self._begin(now, counts)
        drawn = f"{_bar(done / self.total if self.total else 1)} " if bar else ""
        parts = [f"{self.title:<16} {drawn}{done:,.0f}/{self.total:,} {self.unit}"]
        if self.good and done:
            parts.append(f"yield {100 * counts.get(self.good, 0) / done:.1f} %")
        if beside := counts.get(self.beside):
            parts.append(f"{beside:,.0f} {self.beside}")
        if "loss" in counts:
            parts.append(f"loss {counts['loss']:.3f}")
        if tokens := self._tokens_per_second(now, counts):
            parts.append(f"{tokens:,.0f} tokens/s")
        parts.append(self._time(now, done, at_work=bool(beside)))
        return " · ".join(parts)

    def facts(self, counts: Counts) -> dict[str, Any]:
        """What the line says, as figures: without those that are not known yet."""
        now, done = time.monotonic(), counts.get(self.unit, 0)
        self._begin(now, counts)
        known = {
            "yield": counts.get(self.good, 0) / done if self.good and done else None,
            "loss": counts.get("loss"),
            "tokens_per_second": self._tokens_per_second(now, counts),
            "seconds_left": self._left(now, done),
            "restarts": counts.get("restarts"),
            "tags": dict(self.tags) or None,
        }
        place = {"title": self.title, "unit": self.unit, "done": done, "total": self.total}
        return place | {name: value for name, value in known.items() if value is not None}

    def _begin(self, now: float, counts: Counts) -> None:
        if (done := counts.get(self.unit, 0)) and self.begun is None:
            self.begun, self.at_begin, self.tokens_at_begin = now, done, counts.get("tokens", 0)

    def _tokens_per_second(self, now: float, counts: Counts) -> float | None:
        elapsed = now - (self.begun or now)
        tokens = counts.get("tokens", 0) - self.tokens_at_begin
        return tokens / elapsed if elapsed > 1 and tokens > 0 else None

    def _left(self, now: float, done: float) -> float | None:
        if done >= self.total:
            return 0.0
        if self.begun is None or now <= self.begun or done <= self.at_begin:
            return None
        return (self.total - done) * (now - self.begun) / (done - self.at_begin)

    def _time(self, now: float, done: float, at_work: bool) -> str:
        if self.begun is None:
            return f"{'' if at_work else 'starting, '}{duration(now - self.started)}"
        if done >= self.total:
            return f"took {duration(now - self.started)}"
        left = self._left(now, done)
        return "…" if left is None else f"{duration(left)} left"


Record = Callable[[Mapping[str, Any]], None]
_record: Record | None = None


@contextmanager
def recorded(record: Record) -> Iterator[None]:
    """Gives what every meter within the body shows to `record` too, every few seconds.

    It gets the facts of `Meter.facts`, `line` (as without a terminal) and `time` (seconds since 1970).
    """
    global _record
    before, _record = _record, record
    try:
        yield
    finally:
        _record = before


@contextmanager
def shown(meter: Meter, read: Callable[[], Counts]) -> Iterator[None]:
    """Shows a meter while the body runs, from a thread of its own; prints the last state at the end.

    When `read` fails the display ends, the body goes on: if its end matters, the body says so itself.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_show, args=(meter, read, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _show(meter: Meter, read: Callable[[], Counts], stop: threading.Event) -> None:
    terminal = screen().isatty()
    pause, last, told = 0.5, "", time.monotonic()
    with suppress(Exception):
        while not stop.wait(pause):
            counts = read()
            now = time.monotonic()
            due = terminal or now - told >= _PLAIN_SECONDS
            last, told = (_print(meter.line(counts, terminal), last, terminal), now) if due else (last, told)
            _tell(meter, counts)
        counts = read()
        _print(meter.line(counts, terminal), last, terminal)
        _tell(meter, counts, due=True)
    if terminal:
        print(file=screen(), flush=True)


def _tell(meter: Meter, counts: Counts, due: bool = False) -> None:
    now = time.monotonic()
    if _record is None or not (due or now - meter.recorded >= _RECORD_SECONDS):
        return
    meter.recorded = now
    _record({**meter.facts(counts), "line": meter.line(counts, bar=False), "time": time.time()})


def _print(line: str, last: str, terminal: bool) -> str:
    if terminal:
        print(f"\r\x1b[2K{line[: _width()]}", end="", file=screen(), flush=True)
    elif line != last:
        print(line, file=screen(), flush=True)
    return line


def _width() -> int:
    """Columns of the terminal but one: a line that is wrapped cannot be drawn again."""
    try:
        return (os.get_terminal_size(screen().fileno()).columns or 121) - 1  # 0 where nobody said
    except (OSError, ValueError):
        return 200


def _bar(share: float, width: int = 20) -> str:
    full = round(min(max(share, 0), 1) * width)
    return "█" * full + "░" * (width - full)


def duration(seconds: float) -> str:
    """`48s`, `7m30s`, `2h05m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
