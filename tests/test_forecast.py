"""A forecast is what the probe took, times what is left; in the end it stands beside what it came to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.console import print_bill
from pad_ray.forecast import FILE, Forecast, bill, forecast_of, in_flight
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.generation.teachers import Teacher
from pad_ray.records import table
from pad_ray.run_folder import RunFolder, Stage
from tests.past_run import sample


@pytest.fixture
def samples(tmp_path: Path) -> Stage:
    return RunFolder.open(str(tmp_path), "small").stage("samples", [], record="sample")


def _write(samples: Stage, count: int, name: str = "probe", **facts: Any) -> None:
    facts = {"prompt_tokens": 100, "completion_tokens": 20, "seconds": 36.0, "cost": 0.5, **facts}
    rows = [sample(f"{name}{n}", **facts) for n in range(count)]
    samples.storage.write_parquet(f"{name}.parquet", table("sample", rows))


def test_what_is_left_takes_what_the_probe_took(samples: Stage) -> None:
    _write(samples, 10)
    forecast = forecast_of(110, samples, capacity=10)
    assert forecast == Forecast(probed=10, rows=100, prompt_tokens=10_000, tokens=2000, hours=0.1, cost=50.0)


def test_rows_in_flight_together_share_their_time(samples: Stage) -> None:
    _write(samples, 10)
    assert forecast_of(110, samples, capacity=5).hours == pytest.approx(0.2)
    assert forecast_of(110, samples, capacity=99).hours == pytest.approx(0.1)  # there were no more than ten


def test_rows_are_weighed_as_they_are(samples: Stage) -> None:
    _write(samples, 1, completion_tokens=5, cost=0.0)
    _write(samples, 1, name="long", completion_tokens=15, cost=1.0)
    forecast = forecast_of(6, samples, capacity=2)
    assert (forecast.tokens, forecast.cost) == (40, 2.0)


def test_failures_are_left_to_ask_and_say_nothing_of_the_others(samples: Stage) -> None:
    _write(samples, 10)
    _write(samples, 5, name="failed", finish_reason="error", prompt_tokens=0, completion_tokens=0, seconds=0.0, cost=0)
    forecast = forecast_of(110, samples, capacity=10)
    assert (forecast.probed, forecast.rows, forecast.tokens) == (10, 100, 2000)


def test_an_endpoint_is_asked_no_faster_than_it_allows(samples: Stage) -> None:
    _write(samples, 10)

    def hours(**pace: Any) -> float:
        http = HttpConfig(base_url="http://127.0.0.1:1/v1", **pace)
        return forecast_of(110, samples, capacity=10, http=http).hours

    assert hours() == pytest.approx(0.1)
    assert hours(requests_per_minute=1) == pytest.approx(100 / 60)
    assert hours(tokens_per_minute=100) == pytest.approx(12_000 / 100 / 60)
    assert hours(requests_per_minute=1000) == pytest.approx(0.1)


def test_all_answered_leaves_nothing(samples: Stage) -> None:
    _write(samples, 10)
    assert forecast_of(10, samples, capacity=10) == Forecast(10, 0, 0, 0, 0.0, 0.0)


def test_all_failed_forecasts_no_more_than_how_many(samples: Stage) -> None:
    _write(samples, 3, finish_reason="error")
    assert forecast_of(10, samples, capacity=10) == Forecast(0, 10, 0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("teacher", "rows"),
    [
        (Teacher("vllm", "m", "i"), 2 * 64),
        (Teacher("transformers", "m", "i"), 2 * 8),
        (Teacher("http", "m", "i", http=HttpConfig(base_url="http://127.0.0.1:1/v1", max_in_flight=33)), 33),
    ],
)
def test_a_probe_fills_the_teacher(teacher: Teacher, rows: int) -> None:
    assert in_flight(teacher, ResourcesConfig(engines=2, engine_rows=64)) == rows


def _done(samples: Stage, forecast: Forecast) -> None:
    samples.storage.write_text(FILE, json.dumps(asdict(forecast)))
    mark = {"id": samples.id, "rows": 110, "tokens": 2100, "seconds": 720, "cost": 56.0}
    samples.storage.write_text("done.json", json.dumps(mark))


def test_the_bill_holds_the_probe_on_both_sides(samples: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    _done(samples, Forecast(probed=10, rows=100, prompt_tokens=10_000, tokens=2000, hours=0.1, cost=50.0))
    found = bill(samples)
    assert found is not None
    assert {name: (round(a, 6), b) for name, (a, b) in found.items()} == {
        "rows": (110, 110),
        "tokens": (2200, 2100),
        "hours": (0.1, 0.2),
        "cost": (55.0, 56.0),
    }
    print_bill(found)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["cost", "55.00", "56.00"]


def test_there_is_no_bill_without_a_forecast_or_before_the_end(samples: Stage) -> None:
    assert bill(samples) is None
    samples.storage.write_text(FILE, json.dumps(asdict(Forecast(10, 100, 1, 1, 1.0, 1.0))))
    assert bill(samples) is None


def test_a_forecast_of_nothing_makes_no_bill(samples: Stage) -> None:
    _done(samples, Forecast(probed=110, rows=0, prompt_tokens=0, tokens=0, hours=0.0, cost=0.0))
    assert bill(samples) is None
