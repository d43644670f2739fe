"""What a real run on a local Ray tells who scrapes its node, and what its parts are called in Ray's dashboard."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Event, Thread
from typing import Any, NamedTuple

import pytest

from pad_ray.metrics import TABLE, exported, gauge
from pad_ray.pipeline import Pipeline
from pad_ray.saved_run import SavedRun
from pad_ray.status import RunStatus, status_of
from tests.annotated_run import TEST, TRAIN, run_config, write_folder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

_SECONDS = 60  # for a scrape to show what was told
# Of rounds, of held-back examples, and of an optimiser that says its norm: this run has none.
_OTHERS = {"round", "round_accuracy", "training_validation_loss", "training_gradient_norm"}
# A run of seconds may end before there is a rate, and nothing in it is asked for twice.
_SELDOM = {"retries", "seconds_left", "tokens_per_second"}


class Scraper:
    """Scrapes the node while a run is at work, and keeps the latest value of each series that it ever saw.

    Args:
        url: of the metrics.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.samples: dict[str, float] = {}
        self._scraped = Condition()

    def work(self, ended: Event) -> None:
        """Scrapes twice a second."""
        while not ended.wait(0.5):
            with suppress(OSError), self._scraped:
                text = urllib.request.urlopen(self._url, timeout=20).read().decode()
                lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("ray_pad_ray_")]
                self.samples |= {key: float(value) for key, _, value in lines}
                self._scraped.notify_all()

    def wait_for(self, seen: Callable[[], bool]) -> None:
        """Waits until a scrape has it, or for a minute."""
        with self._scraped:
            self._scraped.wait_for(seen, _SECONDS)

    def named(self) -> set[str]:
        """Names of the metrics seen."""
        return {key.partition("{")[0] for key in self.samples}

    def of(self, name: str, **tags: str) -> list[float]:
        """Values of the series with these tags."""
        wanted = {f'{tag}="{value}"' for tag, value in tags.items()}
        series = ((key, value) for key, value in self.samples.items() if key.partition("{")[0] == name)
        return [value for key, value in series if wanted <= set(re.findall(r'\w+="[^"]*"', key))]


class Watched(NamedTuple):
    """What was seen of a run."""

    scraper: Scraper
    pipeline: Pipeline
    actors: list[str]
    data_sets: list[str]
    said: list[RunStatus]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A run: what was scraped, the run, names of its actors and data sets, and what its status said meanwhile."""
    import ray
    from ray._private.state import state
    from ray.data._internal.stats import get_or_create_stats_actor

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_metrics_report_interval_ms", "1000")
        environment.setenv("RAY_AUTH_MODE", "disabled")
        ray.init(
            num_cpus=4,
            include_dashboard=False,
            log_to_driver=False,
            _system_config={"metrics_report_interval_ms": 1000},
        )
        try:
            node = ray.nodes()[0]
            scraper = Scraper(f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics")
            folder = write_folder(tmp_path_factory.mktemp("watched"))
            pipeline = Pipeline(run_config(folder, "pad", name="watched"))
            said: list[RunStatus] = []
            with beside(scraper.work):
                with beside(lambda ended: look(pipeline, said, ended)):
                    pipeline.run()
                last = ("training_step", "evaluation_rows", "evaluation_accuracy", "tokens_total")
                scraper.wait_for(lambda: {f"ray_pad_ray_{name}" for name in last} <= scraper.named())
            data_sets: Any = ray.get(get_or_create_stats_actor().get_datasets.remote())
            actors = [actor["Name"] for actor in state.actor_table(None).values()]
            yield Watched(scraper, pipeline, actors, list(data_sets), said)
        finally:
            ray.shutdown()


@contextmanager
def beside(work: Callable[[Event], None]) -> Iterator[None]:
    """Has `work` done in a thread while the body runs; the event says that it is over."""
    ended = Event()
    thread = Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def look(pipeline: Pipeline, said: list[RunStatus], ended: Event) -> None:
    """Asks for the run's status, as another terminal does."""
    while not ended.wait(2):
        if pipeline.folder.storage.has("run.yaml"):
            said.append(status_of(SavedRun(pipeline.folder.storage)))


def test_every_metric_that_the_run_can_have_is_scraped(scraped: Watched) -> None:
    wanted = {metric.scraped for metric in TABLE if metric.key not in _OTHERS | _SELDOM}
    assert wanted - scraped.scraper.named() == set()


def test_nothing_else_is_told(scraped: Watched) -> None:
    assert scraped.scraper.named() - {metric.scraped for metric in TABLE} == set()


def test_rows_are_counted_by_stage_and_verdict(scraped: Watched) -> None:
    found = scraped.scraper
    assert sum(found.of("ray_pad_ray_rows_total", run="watched", stage="samples", verdict="ok")) == TRAIN
    assert sum(found.of("ray_pad_ray_rows_total", run="watched", stage="evaluation/student")) == TEST


def test_programs_are_counted_as_rows_are(scraped: Watched) -> None:
    assert sum(scraped.scraper.of("ray_pad_ray_sandbox_programs_total", stage="samples", status="ok")) == TRAIN


def test_nothing_is_left_at_the_end(scraped: Watched) -> None:
    assert scraped.scraper.of("ray_pad_ray_requests_left", stage="samples") == [0]


def test_the_training_stands_at_its_last_step(scraped: Watched) -> None:
    found, steps = scraped.scraper, (scraped.pipeline.student_stage.done or {})["steps"]
    assert found.of("ray_pad_ray_training_step", stage="student") == [steps]
    assert found.of("ray_pad_ray_training_steps", stage="student") == [steps]


def test_actors_are_named_by_run_and_stage(scraped: Watched) -> None:
    for begin in ("watched-samples tally ", "watched-student tally ", "watched-evaluation-student tally "):
        assert any(name.startswith(begin) for name in scraped.actors), begin


def test_names_of_actors_do_not_clash(scraped: Watched) -> None:
    named = [name for name in scraped.actors if name]
    assert len(named) == len(set(named))


def test_data_sets_are_named_by_run_and_stage(scraped: Watched) -> None:
    for begin in ("watched-samples", "watched-evaluation-student"):
        assert any(name.startswith(begin) for name in scraped.data_sets), scraped.data_sets


def test_status_tells_of_the_cluster_while_the_run_is_at_work(scraped: Watched) -> None:
    told = [status.progress for status in scraped.said if status.progress]
    assert told
    assert {(one["nodes"], one["restarts"]) for one in told} == {(1, 0)}


def test_a_gauge_that_was_set_once_stays_in_sight(scraped: Watched) -> None:
    found = scraped.scraper

    def seen() -> bool:
        return bool(found.of("ray_pad_ray_round", run="held") == [3])

    with exported("held"), beside(found.work):
        gauge("round", 3)
        found.wait_for(seen)
        Event().wait(4)  # longer than Ray remembers one
        found.samples.clear()
        found.wait_for(seen)
        assert seen()
