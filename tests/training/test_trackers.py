"""Trackers follow a training and never end it: real TensorBoard files, and modules that keep what they were told."""

from __future__ import annotations

import struct
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest

from pad_ray.config import parse_config
from pad_ray.errors import ConfigError
from pad_ray.provenance import shown_settings
from pad_ray.storage import Storage
from pad_ray.training.settings import MlflowConfig, TrackingConfig, WandbConfig
from pad_ray.training.trackers import Tracker, check_trackers, tracking

RECORDS = [{"step": step, "loss": 1.0 / step, "learning_rate": 0.1} for step in (1, 2, 3)]
CONFIG = shown_settings(
    parse_config({"training": {"epochs": 3}, "resources": {"engine_kwargs": {"hf_token": "s3cret"}}})
)


PLACE = "tensorboard/abc123"


def _follow(settings: TrackingConfig, folder: Path, records: Iterable[dict[str, float]] = RECORDS) -> None:
    with tracking(settings, Storage.open(str(folder)), "abc123", CONFIG) as sinks:
        for record in records:
            for sink in sinks:
                sink(record)


def _events(folder: Path) -> Iterator[Any]:
    """The events in the files of a folder, in the order of writing."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            yield Event.FromString(data[place + 12 : place + 12 + length])  # after the length and its checksum
            place += 12 + length + 4


def test_tensorboard_has_every_step(tmp_path: Path) -> None:
    _follow(TrackingConfig(), tmp_path)
    values = [(value, event.step) for event in _events(tmp_path / PLACE) for value in event.summary.value]
    losses = [(step, value.simple_value) for value, step in values if value.tag == "train/loss"]
    assert losses == [(record["step"], pytest.approx(record["loss"])) for record in RECORDS]


def test_tensorboard_drops_what_a_training_does_again(tmp_path: Path) -> None:
    """Its readers forget the steps from the start of a later session on."""
    _follow(TrackingConfig(), tmp_path, [*RECORDS, {"step": 2, "loss": 9.0}])
    assert [event.step for event in _events(tmp_path / PLACE) if event.HasField("session_log")] == [1, 2]


def test_object_storage_has_no_event_files(tmp_path: Path) -> None:
    from pyarrow import fs

    bucket = Storage(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "run", scheme="s3")
    with tracking(TrackingConfig(), bucket, "abc123", CONFIG) as sinks:
        assert not sinks


def test_nothing_is_followed_that_is_not_wanted(tmp_path: Path) -> None:
    _follow(TrackingConfig(tensorboard=False), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "settings"), [("mlflow", MlflowConfig()), ("wandb", WandbConfig())])
def test_a_missing_package_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, name: str, settings: Any
) -> None:
    monkeypatch.setattr("pad_ray.training.trackers.find_spec", lambda asked: None)
    with pytest.raises(ConfigError, match=rf"tracking\.{name}: the package `{name}` is not installed. pip install"):
        check_trackers(TrackingConfig(**{name: settings}))


class _Client:
    """Keeps what an MLflow client is told; by what it is called with, a server would do the same."""

    runs: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, uri: str | None) -> None:
        self.uri = uri

    def get_experiment_by_name(self, name: str) -> None:
        return None

    def create_experiment(self, name: str) -> str:
        return f"experiment {name}"

    def search_runs(self, experiments: list[str], query: str, max_results: int) -> list[Any]:
        return [_run(id) for id, run in self.runs.items() if query == f"tags.pad_ray_training = '{run['title']}'"]

    def create_run(self, experiment: str, run_name: str, tags: dict[str, str]) -> Any:
        self.runs["r1"] = {"title": tags["pad_ray_training"], "metrics": [], "params": {}, "experiment": experiment}
        return _run("r1")

    def update_run(self, run: str, status: str) -> None:
        self.runs[run]["status"] = status

    def log_batch(self, run: str, metrics: Sequence[Any] = (), params: Sequence[Any] = ()) -> None:
        self.runs[run]["metrics"] += [(name, value, step) for name, value, _, step in metrics]
        self.runs[run]["params"] |= dict(params)

    def set_terminated(self, run: str, status: str) -> None:
        self.runs[run]["status"] = status


def _run(id: str) -> Any:
    return SimpleNamespace(info=SimpleNamespace(run_id=id))


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    module, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    monkeypatch.setattr(_Client, "runs", {})
    vars(module).update(MlflowClient=_Client)
    vars(entities).update(Metric=lambda *parts: parts, Param=lambda *parts: parts)
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    return _Client.runs


WITH_MLFLOW = TrackingConfig(tensorboard=False, mlflow=MlflowConfig())


def test_mlflow_is_told_settings_and_every_step(tmp_path: Path, mlflow: dict[str, dict[str, Any]]) -> None:
    _follow(WITH_MLFLOW, tmp_path / "small")
    [run] = mlflow.values()
    assert (run["title"], run["experiment"], run["status"]) == ("small-abc123", "experiment pad-ray", "FINISHED")
    assert [(value, step) for name, value, step in run["metrics"] if name == "train/loss"] == [
        (record["loss"], record["step"]) for record in RECORDS
    ]
    assert run["params"]["training.epochs"] == "3.0"
    assert "s3cret" not in str(run["params"])


def test_a_training_that_goes_on_goes_on_in_its_mlflow_run(tmp_path: Path, mlflow: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(KeyboardInterrupt):
        _follow(WITH_MLFLOW, tmp_path, _interrupted())
    assert [run["status"] for run in mlflow.values()] == ["FAILED"]
    _follow(WITH_MLFLOW, tmp_path, RECORDS[1:2])
    assert [(run["status"], len(run["metrics"])) for run in mlflow.values()] == [("FINISHED", 4)]


def _interrupted() -> Iterator[dict[str, float]]:
    yield RECORDS[0]
    raise KeyboardInterrupt


def test_wandb_is_told_settings_and_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    module, run = ModuleType("wandb"), ModuleType("run")
    vars(run).update(log=lambda metrics, step: told.append((step, metrics)), finish=lambda **said: told.append(said))

    def init(**settings: Any) -> Any:
        told.append(settings)
        return run

    vars(module).update(init=init, Settings=lambda **settings: settings)
    monkeypatch.setitem(sys.modules, "wandb", module)
    _follow(TrackingConfig(tensorboard=False, wandb=WandbConfig(project="nuts")), tmp_path / "small")
    assert (told[0]["project"], told[0]["id"], told[0]["resume"]) == ("nuts", "small-abc123", "allow")
    assert told[1:] == [
        *((record["step"], {"train/loss": record["loss"], "train/learning_rate": 0.1}) for record in RECORDS),
        {"exit_code": 0},
    ]


class _Broken:
    """A backend that fails at its second record."""

    def __init__(self) -> None:
        self.count = 0

    def log(self, records: Sequence[dict[str, float]]) -> None:
        self.count += len(records)
        if self.count > 1:
            raise RuntimeError("the server\nis gone")

    def close(self, failed: bool) -> None:
        raise RuntimeError("the server is gone for good")


def test_a_tracker_that_fails_is_left_with_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    tracker = Tracker("Tracker", _Broken)
    for record in RECORDS:
        tracker(record)
    tracker.end(failed=False)
    tracker.wait(10)
    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("pad-ray: Tracker follows the training no longer: RuntimeError: the server is gone")


def test_a_tracker_that_hangs_is_left_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    answers = threading.Event()

    class Hanging(_Broken):
        def log(self, records: Sequence[dict[str, float]]) -> None:
            answers.wait()

        def close(self, failed: bool) -> None:
            pass

    tracker = Tracker("Tracker", Hanging)
    tracker(RECORDS[0])
    tracker.end(failed=False)
    tracker.wait(0.01)
    assert "it does not answer" in capfd.readouterr().err
    answers.set()
    tracker.wait(10)
