"""The table of metrics, and what is made of it: the dashboard and the page for people."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from pad_ray import metrics
from pad_ray.metrics import SERVED, TABLE, as_markdown
from pad_ray.ray_names import named, ray_name
from pad_ray.run_folder import Stage
from pad_ray.storage import Storage
from pad_ray.synthesis.flow import Flow, sums_of
from pad_ray.training.metrics_log import tell

ROOT = Path(__file__).resolve().parent.parent
GRAFANA = ROOT / "cluster" / "grafana"


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GRAFANA / "pad-ray.json").read_text(encoding="utf-8"))
    return found


def shown(dashboard: dict[str, Any]) -> set[str]:
    """Names of all metrics that a panel asks for; a histogram's without what Prometheus appends."""
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    names = {name for expression in asked for name in re.findall(r"\bray_\w+", expression)}
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def known() -> set[str]:
    return {metric.scraped for metric in (*TABLE, *SERVED)}


def test_a_panel_asks_for_what_there_is(dashboard: dict[str, Any]) -> None:
    assert shown(dashboard) - known() == set()


def test_every_metric_is_on_a_panel(dashboard: dict[str, Any]) -> None:
    assert known() - shown(dashboard) == set()


def test_variables_ask_for_what_there_is(dashboard: dict[str, Any]) -> None:
    asked = [json.dumps(variable) for variable in dashboard["templating"]["list"]]
    assert {name for text in asked for name in re.findall(r"\bray_\w+", text)} <= known()


def test_the_dashboard_is_as_its_script_writes_it() -> None:
    made = runpy.run_path(str(GRAFANA / "make_dashboard.py"))["text"]()
    assert (GRAFANA / "pad-ray.json").read_text(encoding="utf-8") == made


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


def test_every_panel_reads_the_chosen_source(dashboard: dict[str, Any]) -> None:
    drawn = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in drawn} == {"${datasource}"}


def test_the_page_has_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_what_is_served_is_in_the_table() -> None:
    ingress = (ROOT / "pad_ray" / "serving" / "metrics.py").read_text()
    decoder = (ROOT / "pad_ray" / "generation" / "handle_calls.py").read_text()
    made = {f"serve_{name}" for name in re.findall(r'named\("(\w+)"\)', ingress)}
    made |= set(re.findall(r'Counter\("pad_ray_(\w+)"', decoder))
    assert made == {metric.key for metric in SERVED}


def test_nothing_is_kept_where_nobody_asked_for_it() -> None:
    metrics.count("rows", 3, stage="samples", model="m", verdict="ok")
    metrics.gauge("yield", 0.5, stage="samples", model="m")


def test_a_run_without_ray_goes_its_way() -> None:
    with metrics.exported("alone"):
        metrics.gauge("nodes", 1)


def row(verdict: str, tier: str | None = None, attempt: int = 0) -> dict[str, Any]:
    return {"verdict": verdict, "tier": tier, "cpu_seconds": 0.5, "completion_tokens": 7, "attempt": attempt}


def test_sums_tell_rows_by_verdict_and_programs_by_what_became_of_them() -> None:
    rows = [row("ok", "monty"), row("wrong_answer", "monty"), row("timeout", "cpython"), row("no_program")]
    sums = {(one["name"], one["of"], one["tier"]): one["sum"] for one in sums_of(rows, 2.0).to_pylist()}
    assert {of: value for (name, of, _), value in sums.items() if name == "rows"} == {
        "ok": 1,
        "wrong_answer": 1,
        "timeout": 1,
        "no_program": 1,
    }
    assert sums["sandbox_programs", "ok", "monty"] == 2
    assert sums["sandbox_cpu_seconds", "timeout", "cpython"] == 0.5
    assert sums["judge_seconds", "", ""] == 2.0


def test_sums_tell_of_later_attempts() -> None:
    sums = {one["name"]: one["sum"] for one in sums_of([row("ok"), row("ok", attempt=1)], 0.0).to_pylist()}
    assert sums["retries"] == 1


def test_a_batch_of_which_nothing_was_asked_has_no_rows() -> None:
    assert [one["name"] for one in sums_of([], 0.0).to_pylist()] == ["judge_seconds"]


@pytest.fixture
def flow() -> Flow:
    return Flow(Stage("evaluation/student/samples", "1", Storage.open("/tmp"), "sample"), "m", 5)


def test_a_flow_adds_batches_up(flow: Flow) -> None:
    flow.add(sums_of([row("ok"), row("timeout")], 1.0))
    flow.add(sums_of([row("ok")], 1.0))
    found = flow.read()
    assert {name: found[name] for name in ("rows", "ok", "timeout", "tokens")} == {
        "rows": 3,
        "ok": 2,
        "timeout": 1,
        "tokens": 21,
    }


def test_a_flow_is_tagged_by_its_stage(flow: Flow) -> None:
    assert flow.tags == {"stage": "evaluation/student", "model": "m"}


class Recorder:
    """Stands where the exporter to Ray does, and keeps what it is told."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[float, dict[str, str]]]] = {}

    def count(self, key: str, value: float, tags: dict[str, str]) -> None:
        """Keeps it, if it fits the table."""
        assert metrics.BY_KEY[key].kind == "counter"
        self._keep(key, value, tags)

    def gauge(self, key: str, value: float, tags: dict[str, str]) -> None:
        """Keeps it, if it fits the table."""
        assert metrics.BY_KEY[key].kind == "gauge"
        self._keep(key, value, tags)

    def _keep(self, key: str, value: float, tags: dict[str, str]) -> None:
        assert set(tags) == set(metrics.BY_KEY[key].tags)
        self.told.setdefault(key, []).append((value, tags))

    def last(self, key: str) -> float:
        """The latest value of a metric."""
        return self.told[key][-1][0]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    found = Recorder()
    monkeypatch.setattr("pad_ray.metrics._exporter", found)
    return found


def test_a_flow_tells_by_the_table(recorder: Recorder, flow: Flow) -> None:
    flow.add(sums_of([row("ok", "monty"), row("timeout", "cpython", attempt=1)], 1.5))
    assert recorder.last("requests_left") == 3
    assert recorder.last("yield") == recorder.last("evaluation_accuracy") == 0.5
    assert recorder.last("evaluation_rows") == 2
    programs = {(tags["status"], tags["tier"]): value for value, tags in recorder.told["sandbox_programs"]}
    assert programs == {("ok", "monty"): 1, ("timeout", "cpython"): 1}


def test_what_an_endpoint_was_asked_again_is_counted_once(recorder: Recorder, flow: Flow) -> None:
    for total in (2, 2, 5):
        flow.resent(total)
    assert sum(value for value, _ in recorder.told["retries"]) == 5


def test_samples_of_the_teacher_are_no_evaluation(recorder: Recorder) -> None:
    flow = Flow(Stage("samples", "1", Storage.open("/tmp"), "sample"), "m", 5)
    flow.add(sums_of([row("ok")], 1.0))
    assert "evaluation_rows" not in recorder.told


def test_a_training_tells_by_the_table(recorder: Recorder) -> None:
    record = {"step": 3, "loss": 0.5, "learning_rate": 1e-4, "grad_norm": 2.0, "tokens": 99, "tokens_per_second": 7.0}
    tell({**record, "memory_gib": 1.0, "validation_loss": 0.7}, {"stage": "student", "model": "m"})
    assert {key for key in recorder.told if key.startswith("training")} == {
        metric.key for metric in TABLE if metric.key.startswith("training") and metric.key != "training_steps"
    }


def test_the_progress_line_tells_by_the_table(recorder: Recorder) -> None:
    tags = {"stage": "samples", "model": "m"}
    facts = {"unit": "rows", "tags": tags, "nodes": 2, "restarts": 1, "seconds_left": 9.0, "tokens_per_second": 5.0}
    metrics.tell_progress(facts)
    assert {key: recorder.last(key) for key in recorder.told} == {
        "nodes": 2,
        "restarts": 1,
        "seconds_left": 9.0,
        "tokens_per_second": 5.0,
    }


def test_what_is_not_known_yet_is_not_told(recorder: Recorder) -> None:
    metrics.tell_progress({"unit": "rows", "tags": {"stage": "samples", "model": "m"}, "nodes": 1})
    assert set(recorder.told) == {"nodes"}


def test_parts_of_two_runs_have_two_names() -> None:
    assert ray_name("mine", "evaluation/round-1") == "mine-evaluation-round-1"
    assert named(Recorder, ray_name("mine", "samples")).__name__ == "Recorder mine-samples"
    assert named(Recorder, "") is Recorder


def test_a_named_class_travels_between_processes() -> None:
    from ray import cloudpickle

    there = cloudpickle.loads(cloudpickle.dumps(named(Flow, "mine-samples")))
    assert (there.__name__, there.__mro__[1].__name__) == ("Flow mine-samples", "Flow")
