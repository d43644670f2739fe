"""What a run tells Prometheus, by way of Ray's own metrics: one table of names, and the two verbs that fill it.

    with exported("nuts"):                       # once Ray is there
        count("rows", 12, stage="samples", model="vllm: qwen", verdict="ok")
        gauge("requests_left", 88, stage="samples", model="vllm: qwen")

Only the driver speaks. Judges and workers hand it sums by the batch, as they do for the progress line, so a row costs
nothing here, and no figure is lost with an actor that ends before its next export. Outside `exported` nothing is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]
PREFIX = "pad_ray_"
SCRAPED = "ray_"  # what Ray puts before the name of every metric, its own and others'

_OF_STAGE = ("stage", "model")


@dataclass(frozen=True)
class Metric:
    """A line of the table.

    Attributes:
        key: how the code calls it.
        kind: a counter only grows, from 0 in each driver or replica; a gauge is the latest value.
        tells: what it is, with its unit.
        tags: besides `run`, which all metrics of runs have.
    """

    key: str
    kind: Kind
    tells: str
    tags: tuple[str, ...] = _OF_STAGE

    @property
    def name(self) -> str:
        """Its name for Ray."""
        return f"{PREFIX}{self.key}" + ("_total" if self.kind == "counter" else "")

    @property
    def scraped(self) -> str:
        """Its name in Prometheus."""
        return SCRAPED + self.name


TABLE = (
    Metric("rows", "counter", "Answers judged, by verdict", (*_OF_STAGE, "verdict")),
    Metric("tokens", "counter", "Tokens that the model wrote"),
    Metric("tokens_per_second", "gauge", "Tokens written in a second, since the stage's first row"),
    Metric("yield", "gauge", "Rows that held, of the rows judged since the driver began: 0 to 1"),
    Metric("requests_left", "gauge", "Requests of the stage without an answer yet"),
    Metric("seconds_left", "gauge", "Seconds until the end of the stage, at its rate so far"),
    Metric("retries", "counter", "Requests sent again: by an endpoint's rules, or in a later attempt"),
    Metric("sandbox_programs", "counter", "Programs that were run", (*_OF_STAGE, "status", "tier")),
    Metric("sandbox_cpu_seconds", "counter", "CPU seconds that programs took", (*_OF_STAGE, "status", "tier")),
    Metric("judge_seconds", "counter", "Seconds that judges were at work, all judges together"),
    Metric("training_step", "gauge", "Steps of the training that are done"),
    Metric("training_steps", "gauge", "Steps that the training will have"),
    Metric("training_loss", "gauge", "Loss of the last step, in nats per unit of weight"),
    Metric("training_validation_loss", "gauge", "Loss on the examples held back, after the last epoch"),
    Metric("training_learning_rate", "gauge", "Learning rate of the last step"),
    Metric("training_gradient_norm", "gauge", "Norm of the gradient before clipping, where the optimiser says it"),
    Metric("training_tokens_per_second", "gauge", "Tokens learnt from in a second, over all workers"),
    Metric("training_memory_gib", "gauge", "GiB that the first worker holds, of its GPU where it has one"),
    Metric("evaluation_rows", "gauge", "Test answers judged since the driver began"),
    Metric("evaluation_accuracy", "gauge", "Right answers of these: 0 to 1"),
    Metric("round", "gauge", "Number of the round of refinement that is at work", ()),
    Metric("round_accuracy", "gauge", "Right answers to validation problems after a round: 0 to 1", ("round",)),
    Metric("nodes", "gauge", "Nodes of the cluster that are alive", ()),
    Metric("restarts", "gauge", "How often Ray started actors of the run anew, and the training that is at work", ()),
)
BY_KEY: Mapping[str, Metric] = {metric.key: metric for metric in TABLE}

_OF_REQUEST = ("route", "outcome", "status")
# Filled by the replicas of a served student, see `pad_ray.serving`.
SERVED = (
    Metric("serve_requests", "counter", "Requests to a served student, by how they ended", _OF_REQUEST),
    Metric("serve_replays", "counter", "Requests given to another decoder since theirs died", ("route",)),
    Metric("serve_retries", "counter", "Calls made again since a replica of that deployment died", ("deployment",)),
    Metric("serve_in_flight", "gauge", "Requests at work or waiting, of one replica", ()),
    Metric("serve_first_step_seconds", "histogram", "Seconds to the first step of an answer", ("route",)),
    Metric("serve_answer_seconds", "histogram", "Seconds to the whole answer", ("route",)),
    Metric("serve_steps", "histogram", "Statements of the chosen program", ("route",)),
    Metric("serve_sandbox_seconds", "histogram", "Seconds that an answer waited for the sandbox", ("route",)),
    Metric("serve_dropped_candidates", "counter", "Candidates that died, by cause", ("cause",)),
    Metric("serve_tokens", "counter", "Tokens read and generated", ("kind",)),
)


def as_markdown() -> str:
    """The table for people."""
    head = [("Name in Prometheus", "Kind", "Labels", "What it tells"), ("---",) * 4]
    rows = [(f"`{one.scraped}`", one.kind, ", ".join(("run", *one.tags)), one.tells) for one in TABLE]
    rows += [(f"`{one.scraped}`", one.kind, ", ".join(one.tags) or "–", one.tells) for one in SERVED]
    return "".join(f"| {' | '.join(row)} |\n" for row in head + rows)


def refresh_seconds() -> float:
    """How often a gauge is set again: Ray forgets one that is not set within two export intervals."""
    import ray

    return max(1.0, float(ray._config.metrics_report_interval_ms()) / 1000) / 2


class Exporter:
    """Fills the table for one run.

    A thread sets all gauges again, see `refresh_seconds`: the loss of a slow step stays in sight, and so does the
    accuracy of a stage that is over, until the run is.

    Args:
        run: name of the run.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._made: dict[str, Any] = {}
        self._gauges: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        self._lock = Lock()
        self._ended = Event()
        self._pause = refresh_seconds()
        self._thread = Thread(target=self._refresh, daemon=True, name="metrics")
        self._thread.start()

    def count(self, key: str, value: float, tags: Mapping[str, str]) -> None:
        """Adds to a counter."""
        if value > 0:
            with self._lock:
                self._of(key).inc(value, {"run": self._run, **tags})

    def gauge(self, key: str, value: float, tags: Mapping[str, str]) -> None:
        """Sets a gauge, until the run ends."""
        with self._lock:
            self._gauges[key, tuple(tags.items())] = value
            self._of(key).set(value, {"run": self._run, **tags})

    def close(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._thread.join()

    def _refresh(self) -> None:
        while not self._ended.wait(self._pause):
            with self._lock:
                for (key, tags), value in self._gauges.items():
                    self._of(key).set(value, {"run": self._run, **dict(tags)})

    def _of(self, key: str) -> Any:
        """Ray's side of a metric, which belongs to the Ray that runs now."""
        from ray.util import metrics

        if key not in self._made:
            metric = BY_KEY[key]
            kind = metrics.Counter if metric.kind == "counter" else metrics.Gauge
            self._made[key] = kind(metric.name, metric.tells, tag_keys=("run", *metric.tags))
        return self._made[key]


_exporter: Exporter | None = None


@contextmanager
def exported(run: str) -> Iterator[None]:
    """Gives what the body counts to Ray, under a run's name; without Ray the body runs as it is."""
    global _exporter
    before, ray = _exporter, sys.modules.get("ray")  # a run that has nothing to do has not loaded it
    _exporter = Exporter(run) if ray and ray.is_initialized() else None
    try:
        yield
    finally:
        if _exporter is not None:
            _exporter.close()
        _exporter = before


def count(key: str, value: float = 1, **tags: str) -> None:
    """Adds to a counter of the table.

    Args:
        key: of `TABLE`.
        value: by how much.
        tags: all that the metric has, but the run.
    """
    if _exporter is not None:
        _exporter.count(key, value, tags)


def gauge(key: str, value: float | None, **tags: str) -> None:
    """Sets a gauge of the table, unless the value is None."""
    if _exporter is not None and value is not None:
        _exporter.gauge(key, value, tags)


def tell_progress(facts: Mapping[str, Any]) -> None:
    """Sets the gauges that the progress line knows.

    Args:
        facts: of `pad_ray.progress.Meter.facts`, with what the cluster adds.
    """
    for key in ("nodes", "restarts"):
        gauge(key, facts.get(key))
    if tags := facts.get("tags"):
        gauge("seconds_left", facts.get("seconds_left"), **tags)
        if facts["unit"] == "rows":  # trainings have a gauge of their own
            gauge("tokens_per_second", facts.get("tokens_per_second"), **tags)
