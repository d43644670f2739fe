"""Loss, rate, speed and memory of every step, streamed into the run folder while a training goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from pad_ray.metrics import gauge
from pad_ray.storage import Storage

FILE = "metrics.jsonl"
_SEGMENT = 1000  # steps of a file: what has to be written again for a new one, since objects cannot be appended to
_SECONDS = 10.0

_GAUGES = {
    "step": "training_step",
    "loss": "training_loss",
    "validation_loss": "training_validation_loss",
    "learning_rate": "training_learning_rate",
    "grad_norm": "training_gradient_norm",
    "tokens_per_second": "training_tokens_per_second",
    "memory_gib": "training_memory_gib",
}

Sink = Callable[[dict[str, float]], None]


class MetricsLog:
    """Records by step, in files of so many steps. A step that is done again after a kill replaces what it said before.

    Args:
        place: folder of the files.
        sinks: called with each new record: trackers.
    """

    def __init__(self, place: Storage, sinks: Sequence[Sink] = ()) -> None:
        self._place = place
        self._sinks = sinks
        self._records: dict[int, dict[str, float]] = {}
        for name in place.names():
            if name.endswith(".jsonl"):
                for line in (place.read_text(name) or "").splitlines():
                    record = json.loads(line)
                    self._records[int(record["step"])] = record

    def add(self, records: Sequence[dict[str, float]]) -> None:
        """Takes records in and writes the files that they belong to."""
        for record in records:
            self._records[int(record["step"])] = record
            for sink in self._sinks:
                sink(record)
        for segment in sorted({(int(record["step"]) - 1) // _SEGMENT for record in records}):
            steps = range(segment * _SEGMENT + 1, (segment + 1) * _SEGMENT + 1)
            rows = [self._records[step] for step in steps if step in self._records]
            self._place.write_text(f"{steps[0]:08d}.jsonl", _lines(rows))

    def text(self) -> str:
        """All records in order of steps, as JSON Lines."""
        return _lines([self._records[step] for step in sorted(self._records)])

    @contextmanager
    def following(self, tally: Any) -> Iterator[None]:
        """Takes in what the tally logs, every few seconds and once more at the end of the body."""
        ended = Event()
        thread = Thread(target=self._follow, args=(tally, ended), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _follow(self, tally: Any, ended: Event) -> None:
        import ray

        seen, last = 0, False
        # A tally that died took its records with it: the training tells of that, if it matters.
        with suppress(ray.exceptions.RayError):
            while not last:
                last = ended.wait(_SECONDS)
                new = ray.get(tally.logged.remote(seen))
                seen += len(new)
                if new:
                    self.add(new)


def tell(record: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """The sink that sets the gauges of a training.

    Args:
        tags: `stage` and `model`.
    """
    for name, key in _GAUGES.items():
        gauge(key, record.get(name), **tags)


def _lines(records: Sequence[dict[str, float]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)
