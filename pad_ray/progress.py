"""Live progress of long work: rows done, yield so far, tokens per second, time left.

With a terminal one line is redrawn; without one a plain line is printed now and then, and nothing flickers.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Counts = Mapping[str, float]


@dataclass
class Meter:
    """Turns counts into one line of text.

    Attributes:
        title: what is being done.
        total: how many of `unit` there will be.
        unit: name of the count that measures progress, and the word for it.
        good: name of the count that makes the yield, if there is one.
        begun: time of the first unit, so that the start of an engine does not spoil the rate.
    """

    title: str
    total: int
    unit: str = "rows"
    good: str = ""
    started: float = field(default_factory=time.monotonic)
    begun: float | None = None
    at_begin: float = 0
    tokens_at_begin: float = 0

    def line(self, counts: Counts) -> str:
        """The line for these counts, now."""
        now, done = time.monotonic(), counts.get(self.unit, 0)
        if done and self.begun is None:
            self.begun, self.at_begin, self.tokens_at_begin = now, done, counts.get("tokens", 0)
        parts = [
            f"{self.title:<16} {_bar(done / self.total if self.total else 1)} {done:,.0f}/{self.total:,} {self.unit}"
        ]
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
            return f"starting, {_duration(now - self.started)}"
        if done >= self.total:
            return f"took {_duration(now - self.started)}"
        rate = (done - self.at_begin) / (now - self.begun) if now > self.begun else 0
        return f"{_duration((self.total - done) / rate)} left" if rate else "…"


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
    terminal = sys.stdout.isatty()
    pause, last = (0.5, "") if terminal else (15.0, "")
    with suppress(Exception):
        while not stop.wait(pause):
            last = _print(meter.line(read()), last, terminal)
        _print(meter.line(read()), last, terminal)
    if terminal:
        print(flush=True)


def _print(line: str, last: str, terminal: bool) -> str:
    if terminal:
        print(f"\r\x1b[2K{line}", end="", flush=True)
    elif line != last:
        print(line, flush=True)
    return line


def _bar(share: float, width: int = 20) -> str:
    full = round(min(max(share, 0), 1) * width)
    return "█" * full + "░" * (width - full)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m{rest:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"
