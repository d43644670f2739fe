"""What sampling will take and cost, from a small probe whose rows are kept, and what it took in the end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pad_ray.answers import Answers
from pad_ray.config import ResourcesConfig
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.generation.teachers import Teacher
from pad_ray.run_folder import Stage

FILE = "forecast.json"


@dataclass(frozen=True)
class Forecast:
    """What is left to ask, as one run would.

    Attributes:
        probed: rows that the forecast rests on.
        rows: requests still to ask, the probe's not among them.
        prompt_tokens, tokens: tokens that go in and come out for them.
        hours: at the rate of the probe with as many rows in flight as the teacher takes, and no faster than an
            endpoint allows; the start of an engine (about a minute on a CPU) comes on top.
        cost: money, where the teacher has a price.
        currency: of the cost.
    """

    probed: int
    rows: int
    prompt_tokens: int
    tokens: int
    hours: float
    cost: float
    currency: str = ""


def probe(answers: Answers, teacher: Teacher, rows: int | None = None) -> Forecast:
    """Answers some requests, by default as many as the teacher takes at once, and forecasts the others.

    The rows are samples like all others: what the probe bought is not bought again.
    """
    capacity = in_flight(teacher, answers.config.resources)
    answers.sample(teacher, limit=rows or capacity)
    forecast = forecast_of(answers.requests.count(), answers.samples, capacity, teacher.http)
    answers.samples.storage.write_text(FILE, json.dumps(asdict(forecast), indent=2) + "\n")
    return forecast


def in_flight(teacher: Teacher, resources: ResourcesConfig) -> int:
    """How many rows a teacher has in hand at once."""
    if teacher.http:
        return teacher.http.max_in_flight
    return resources.engines * (resources.engine_rows if teacher.engine else resources.block_rows)


def forecast_of(requests: int, samples: Stage, capacity: int, http: HttpConfig | None = None) -> Forecast:
    """The forecast by the answered rows of `samples`, which were all in flight together.

    Args:
        requests: how many there are in all.
        samples: the stage with the probe's rows.
        capacity: rows that the teacher has in hand at once.
        http: the endpoint's prices and pace.
    """
    found = samples.read_rows(["prompt_tokens", "completion_tokens", "finish_reason", "seconds", "cost"])
    rows = [row for row in found if row["finish_reason"] != "error"]  # these are asked again
    count, left = len(rows), requests - len(rows)
    share = left / count if count else 0.0
    seconds = sum(row["seconds"] or 0.0 for row in rows)
    prompt_tokens, tokens = (share * sum(row[name] for row in rows) for name in ("prompt_tokens", "completion_tokens"))
    hours = share * seconds / max(1, min(capacity, count)) / 3600
    return Forecast(
        probed=count,
        rows=left,
        prompt_tokens=round(prompt_tokens),
        tokens=round(tokens),
        hours=max(hours, http.paced_hours(left, prompt_tokens + tokens)) if http else hours,
        cost=share * sum(row["cost"] or 0.0 for row in rows),
        currency=http.currency if http else "",
    )


def bill(samples: Stage) -> dict[str, Any] | None:
    """What was forecast and what came of it, side by side; None without a forecast (of some rows) or before the end."""
    text, mark = samples.storage.read_text(FILE), samples.done
    if not text or not mark:
        return None
    forecast = Forecast(**json.loads(text))
    if not forecast.rows:
        return None
    with_probe = 1 + forecast.probed / forecast.rows
    return {
        "rows": (forecast.rows + forecast.probed, mark["rows"]),
        "tokens": (round(forecast.tokens * with_probe), mark["tokens"]),
        "hours": (forecast.hours, mark["seconds"] / 3600),
        f"cost {forecast.currency}".strip(): (forecast.cost * with_probe, mark["cost"]),
    }
