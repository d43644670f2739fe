"""Trackers that follow a training: TensorBoard, MLflow, Weights & Biases.

Each works in a thread of its own, so that a slow server holds up nothing; one that fails is left with a line of
warning, and the training goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from pad_ray.errors import ConfigError
from pad_ray.storage import Storage
from pad_ray.training.metrics_log import Sink
from pad_ray.training.settings import MlflowConfig, TrackingConfig, WandbConfig

_PATIENCE = 30.0  # seconds that the end of a training waits for a tracker

Record = dict[str, float]


class Backend(Protocol):
    """A tracker's own side."""

    def log(self, records: Sequence[Record]) -> None:
        """Takes records in, each with its `step`."""
        ...

    def close(self, failed: bool) -> None:
        """Says that the training is at its end, or has failed or was interrupted."""
        ...


def check_trackers(settings: TrackingConfig) -> None:
    """Refuses trackers whose packages are missing, before anything is paid for.

    Raises:
        ConfigError: names the package.
    """
    for name in ("mlflow", "wandb"):
        if getattr(settings, name) and find_spec(name) is None:
            raise ConfigError(
                f"tracking.{name}: the package `{name}` is not installed", f"pip install {name}, or leave the key out"
            )


@contextmanager
def tracking(
    settings: TrackingConfig, run: Storage, training: str, config: Mapping[str, Any]
) -> Iterator[Sequence[Sink]]:
    """The trackers of one training, as sinks for its records, while the body runs.

    Args:
        settings: which.
        run: the run's folder.
        training: id of the training: one that goes on after a kill goes on in the same place at its tracker.
        config: the run's settings without secrets, for trackers that show them.
    """
    trackers = [Tracker(name, make) for name, make in _makers(settings, run, training, config)]
    failed = True
    try:
        yield trackers
        failed = False
    finally:
        deadline = time.monotonic() + _PATIENCE
        for tracker in trackers:
            tracker.end(failed)
        for tracker in trackers:
            tracker.wait(deadline - time.monotonic())


def _makers(
    settings: TrackingConfig, run: Storage, training: str, config: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], Backend]]]:
    name = run.path.rpartition("/")[2]
    title = f"{name}-{training}"
    if settings.tensorboard and not run.scheme and find_spec("tensorboardX"):
        yield "TensorBoard", lambda: TensorBoard((run / "tensorboard" / training).path)
    if (mlflow := settings.mlflow) is not None:
        yield "MLflow", lambda: Mlflow(mlflow, title, config)
    if (wandb := settings.wandb) is not None:
        yield "W&B", lambda: Wandb(wandb, title, config, run)


class Tracker:
    """A sink that hands records to a backend in a thread of its own.

    Args:
        name: for the warning.
        make: makes the backend, in the thread, with the first record.
    """

    def __init__(self, name: str, make: Callable[[], Backend]) -> None:
        self._name = name
        self._make = make
        self._records: SimpleQueue[Record | None] = SimpleQueue()
        self._failed = True
        self._thread = Thread(target=self._work, daemon=True, name=f"tracker-{name}")
        self._thread.start()

    def __call__(self, record: Record) -> None:
        self._records.put(record)

    def end(self, failed: bool) -> None:
        """Nothing more will come."""
        self._failed = failed
        self._records.put(None)

    def wait(self, seconds: float) -> None:
        """Waits at most so long for what is still on its way."""
        self._thread.join(max(0.0, seconds))
        if self._thread.is_alive():
            self._warn("it does not answer")

    def _work(self) -> None:
        try:
            if (first := self._records.get()) is not None:
                self._serve(self._make(), first)
        except (Exception, SystemExit) as error:  # whatever it is, a training is worth more
            self._warn(" ".join(f"{type(error).__name__}: {error}".split()))

    def _serve(self, backend: Backend, first: Record) -> None:
        try:
            waiting: list[Record | None] = [first]
            while waiting:
                while not self._records.empty():
                    waiting.append(self._records.get())
                backend.log([record for record in waiting if record is not None])
                waiting = [self._records.get()] if None not in waiting else []
        finally:
            backend.close(self._failed)

    def _warn(self, reason: str) -> None:
        print(f"pad-ray: {self._name} follows the training no longer: {reason[:300]}", file=sys.stderr, flush=True)


class TensorBoard:
    """Event files in a folder, for `tensorboard --logdir`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._writer: Any = None
        self._last = self._opened = 0

    def log(self, records: Sequence[Record]) -> None:
        for record in records:
            step = int(record["step"])
            if self._writer is None or step <= self._last:
                self._open(step)
            self._last = step
            for name, value in _metrics(record).items():
                self._writer.add_scalar(name, value, step)
        if self._writer is not None:
            self._writer.flush()

    def _open(self, step: int) -> None:
        """A training that goes on does some steps again: what was said of them before is dropped from the curve."""
        from tensorboardX import SummaryWriter

        self.close(failed=False)
        self._opened += 1  # two files of one second would have one name
        self._writer = SummaryWriter(self._folder, purge_step=step, filename_suffix=f".{self._opened}")

    def close(self, failed: bool) -> None:
        if self._writer is not None:
            self._writer.close()


class Mlflow:
    """A run at an MLflow server, found again by a tag if the training goes on."""

    def __init__(self, settings: MlflowConfig, title: str, config: Mapping[str, Any]) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self._client = MlflowClient(settings.uri)
        found = self._client.get_experiment_by_name(settings.experiment)
        experiment = found.experiment_id if found else self._client.create_experiment(settings.experiment)
        runs = self._client.search_runs([experiment], f"tags.pad_ray_training = '{title}'", max_results=1)
        if runs:
            self._run = runs[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
            return
        tags = {"pad_ray_training": title}
        self._run = self._client.create_run(experiment, run_name=title, tags=tags).info.run_id
        params = [Param(name, value[:500]) for name, value in _flat(config)]
        for start in range(0, len(params), 100):  # the most that a server takes at once
            self._client.log_batch(self._run, params=params[start : start + 100])

    def log(self, records: Sequence[Record]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [
            Metric(name, value, now, int(record["step"]))
            for record in records
            for name, value in _metrics(record).items()
        ]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(self._run, metrics=metrics[start : start + 1000])

    def close(self, failed: bool) -> None:
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


class Wandb:
    """A run at Weights & Biases, gone on with under the same id."""

    def __init__(self, settings: WandbConfig, title: str, config: Mapping[str, Any], run: Storage) -> None:
        import wandb

        self._run = wandb.init(
            project=settings.project,
            entity=settings.entity,
            mode=settings.mode,
            id=title,
            name=title,
            resume="allow",
            config=dict(config),
            dir=None if run.scheme else run.path,
            settings=wandb.Settings(silent=True, console="off", disable_code=True),
        )

    def log(self, records: Sequence[Record]) -> None:
        for record in records:
            self._run.log(_metrics(record), step=int(record["step"]))

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


def _metrics(record: Record) -> dict[str, float]:
    return {f"train/{name}": value for name, value in record.items() if name != "step"}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
