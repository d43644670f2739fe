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
        begun: time of the first unit, so that the start of an engine does not spoil the rate.
        recorded: when the last record was made.
    """

    title: str
    total: int
    unit: str = "rows"
    good: str = ""
    started: float = field(default_factory=time.monotonic)
    begun: float | None = None
    at_begin: float = 0
    tokens_at_begin: float = 0
    recorded: float = -math.inf

    def line(self, counts: Counts, bar: bool = True) -> str:
        """The line for these counts, now; with a bar of what is done, or without."""
        now, done = time.monotonic(), counts.get(self.unit, 0)
        if done and self.begun is None:
            self.begun, self.at_begin, self.tokens_at_begin = now, done, counts.get("tokens", 0)
        drawn = f"{_bar(done / self.total if self.total else 1)} " if bar else ""
        parts = [f"{self.title:<16} {drawn}{done:,.0f}/{self.total:,} {self.unit}"]
        if self.good and done:
            parts.append(f"yield {100 * counts.get(self.good, 0) / done:.1f} %")
        if "loss" in counts:
            parts.append(f"loss {counts['loss']:.3f}")
        elapsed = now - (self.begun or now)
        tokens = counts.get("tokens", 0) - self.tokens_at_begin
        if elapsed > 1 and tokens > 0:
            parts.append(f"{tokens / elapsed:,.0f} tokens/s")
        parts.append(self._time(now, done))
        return " · ".join(parts)

    def _time(self, now: float, done: float) -> str:
        if self.begun is None:
            return f"starting, {duration(now - self.started)}"
        if done >= self.total:
            return f"took {duration(now - self.started)}"
        rate = (done - self.at_begin) / (now - self.begun) if now > self.begun else 0
        return f"{duration((self.total - done) / rate)} left" if rate else "…"


Record = Callable[[Mapping[str, Any]], None]
_record: Record | None = None


@contextmanager
def recorded(record: Record) -> Iterator[None]:
    """Gives what every meter within the body shows to `record` too, every few seconds.

    It gets `title`, `unit`, `done`, `total`, `line` (as without a terminal) and `time` (seconds since 1970).
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
    facts = {"title": meter.title, "unit": meter.unit, "done": counts.get(meter.unit, 0), "total": meter.total}
    _record({**facts, "line": meter.line(counts, bar=False), "time": time.time()})


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
