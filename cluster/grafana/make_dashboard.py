"""Writes the Grafana dashboard of pad-ray beside this file.

    python cluster/grafana/make_dashboard.py

A panel is a line of the table below: what it is called, its unit by Grafana's name, and its curves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).with_name("pad-ray.json")

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 8, 7  # of 24 columns
_RUN = 'run=~"$run"'


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        title: above it.
        unit: by Grafana's name.
        curves: PromQL, and the legend of what it gives.
        kind: of panel.
    """

    title: str
    unit: str
    curves: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def _latest(name: str, by: str = "run, stage", legend: str = "{{run}} {{stage}}") -> tuple[str, str]:
    return f"max by ({by}) (ray_pad_ray_{name}{{{_RUN}}})", legend


def _rate(name: str, by: str, legend: str) -> tuple[str, str]:
    return f"sum by ({by}) (rate(ray_pad_ray_{name}_total{{{_RUN}}}[$__rate_interval]))", legend


def _each(above: str, below: str, by: str, legend: str) -> tuple[str, str]:
    return f"{_rate(above, by, '')[0]} / {_rate(below, by, '')[0]}", legend


def _served(name: str, by: str) -> tuple[str, str]:
    return f"sum by ({by}) (rate(ray_pad_ray_serve_{name}_total[$__rate_interval]))", f"{{{{{by}}}}}"


def _quantiles(name: str) -> tuple[tuple[str, str], ...]:
    buckets = f"sum by (le, route) (rate(ray_pad_ray_serve_{name}_bucket[$__rate_interval]))"
    return tuple(
        (f"histogram_quantile({share}, {buckets})", f"p{100 * share:.0f} {{{{route}}}}") for share in (0.5, 0.95)
    )


ROWS: dict[str, tuple[Panel, ...]] = {
    "Run": (
        Panel("Nodes", "none", (_latest("nodes", "run", "{{run}}"),), "stat"),
        Panel("Started anew", "none", (_latest("restarts", "run", "{{run}}"),), "stat"),
        Panel("Round", "none", (_latest("round", "run", "{{run}}"),), "stat"),
        Panel("Time left", "s", (_latest("seconds_left"),)),
        Panel("Requests left", "none", (_latest("requests_left"),)),
        Panel(
            "Right answers by round (validation)",
            "percentunit",
            (_latest("round_accuracy", "run, round", "{{run}} round {{round}}"),),
            "bargauge",
        ),
    ),
    "Synthesis": (
        Panel("Rows by verdict", "ops", (_rate("rows", "verdict", "{{verdict}}"),)),
        Panel("Yield", "percentunit", (_latest("yield"),)),
        Panel(
            "Tokens written",
            "ops",
            (_rate("tokens", "run, stage", "{{run}} {{stage}}"), _latest("tokens_per_second", legend="mean {{stage}}")),
        ),
        Panel("Sent again", "ops", (_rate("retries", "run, stage", "{{run}} {{stage}}"),)),
    ),
    "Sandbox": (
        Panel("Programs by status", "ops", (_rate("sandbox_programs", "status", "{{status}}"),)),
        Panel("Programs by interpreter", "ops", (_rate("sandbox_programs", "tier", "{{tier}}"),)),
        Panel(
            "CPU seconds of a program",
            "s",
            (_each("sandbox_cpu_seconds", "sandbox_programs", "status, tier", "{{status}} {{tier}}"),),
        ),
        Panel("Judges at work", "none", (_rate("judge_seconds", "run, stage", "{{run}} {{stage}}"),)),
    ),
    "Training": (
        Panel(
            "Loss",
            "none",
            (_latest("training_loss"), _latest("training_validation_loss", legend="{{run}} {{stage}} held back")),
        ),
        Panel("Learning rate", "sci", (_latest("training_learning_rate"),)),
        Panel("Norm of the gradient", "none", (_latest("training_gradient_norm"),)),
        Panel("Tokens learnt from", "ops", (_latest("training_tokens_per_second"),)),
        Panel("Steps", "none", (_latest("training_step"), _latest("training_steps", legend="of {{run}} {{stage}}"))),
        Panel("Memory of the first worker", "gbytes", (_latest("training_memory_gib"),)),
    ),
    "Evaluation": (
        Panel("Right answers so far", "percentunit", (_latest("evaluation_accuracy"),)),
        Panel("Answers judged", "none", (_latest("evaluation_rows"),)),
    ),
    "Serving": (
        Panel("Requests by outcome", "reqps", (_served("requests", "outcome"),)),
        Panel("Replays and retries", "ops", (_served("replays", "route"), _served("retries", "deployment"))),
        Panel("Requests at work or waiting", "none", (("sum(ray_pad_ray_serve_in_flight)", "in flight"),)),
        Panel("Time to the first step", "s", _quantiles("first_step_seconds")),
        Panel("Time to the answer", "s", _quantiles("answer_seconds")),
        Panel("Time for the sandbox", "s", _quantiles("sandbox_seconds")),
        Panel("Statements of a program", "none", _quantiles("steps")),
        Panel("Tokens", "ops", (_served("tokens", "kind"),)),
        Panel("Candidates dropped", "ops", (_served("dropped_candidates", "cause"),)),
    ),
}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana 10 and later read it."""
    return {
        "title": "pad-ray",
        "uid": "pad-ray",
        "tags": ["pad-ray", "ray"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "panels": list(_panels()),
    }


def _variables() -> list[dict[str, Any]]:
    query = "label_values(ray_pad_ray_nodes, run)"
    run = {"name": "run", "label": "Run", "type": "query", "datasource": _SOURCE, "definition": query, "refresh": 2}
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}},
        {**run, "query": {"query": query, "refId": "run"}, "multi": True, "includeAll": True, "allValue": ".*"}
        | {"current": {"text": "All", "value": "$__all"}, "sort": 1},
    ]


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in ROWS.items():
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "panels": []} | _at(0, top, 24, 1)
        number, top = number + 1, top + 1
        for place, panel in enumerate(panels):
            yield _drawn(number, panel) | _at(place % 3 * _WIDTH, top + place // 3 * _HEIGHT, _WIDTH, _HEIGHT)
            number += 1
        top += -(-len(panels) // 3) * _HEIGHT


def _at(left: int, top: int, width: int, height: int) -> dict[str, Any]:
    return {"gridPos": {"x": left, "y": top, "w": width, "h": height}}


def _drawn(number: int, panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend, "datasource": _SOURCE}
        for place, (expression, legend) in enumerate(panel.curves)
    ]
    if panel.kind == "timeseries":
        options: dict[str, Any] = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi"},
        }
    else:
        options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    field = {"defaults": {"unit": panel.unit, **({"min": 0, "max": 1} if panel.unit == "percentunit" else {})}}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "fieldConfig": {**field, "overrides": []},
        "options": options,
        "targets": targets,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
