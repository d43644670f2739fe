"""An experiment on real parts: what arms have in common is made once, and all is paired in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pad_ray.comparing import FILE, compare, folder
from pad_ray.comparison import Comparison, load_comparison
from pad_ray.run_folder import RunFolder
from tests.training.tiny import make_student, write_recorded

# Ray and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

SIZES = {"train": 8, "validation": 4, "test": 4, "unseen": 3}
ROUND = {"refinement.samples": 1, "refinement.temperatures": [0.7], "refinement.max_tokens": 24}
ROUND |= {"refinement.stop.rounds": 1}
ARMS = {
    "programs": {},
    "mined": {**ROUND, "refinement.own": False, "refinement.repair.mined": 1},
    "all": {**ROUND, "refinement.own": True},
}


def _write(place: Path) -> Path:
    sizes: dict[str, int] = SIZES
    run = {
        "problems": {"sizes": sizes},
        "teacher": {"kind": "recorded", "file": write_recorded(place / "bought.jsonl", sizes), "samples": 1},
        "student": {"model": make_student("t5", place / "t5")},
        "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
        "evaluation": {"base": False, "max_tokens": 24},
        "resources": {"threads": 1},
    }
    (place / "run.yaml").write_text(yaml.safe_dump(run))
    path = place / "experiment.yaml"
    path.write_text(
        yaml.safe_dump({"run": "run.yaml", "runs": str(place / "runs"), "tokens": 2000, "arms": ARMS}, sort_keys=False)
    )
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[dict[str, Any]], list[Any]]:
    import ray

    comparison = load_comparison(_write(tmp_path_factory.mktemp("experiment")))
    heard: list[Any] = []
    try:
        compare(comparison, measured=lambda so_far, left: heard.append(({one.arm for one in so_far}, left)))
    finally:
        ray.shutdown()
    findings = json.loads(folder(comparison).read_text(FILE) or "")["findings"]
    return comparison, findings, heard


def _events(comparison: Comparison, arm: str) -> list[dict[str, Any]]:
    return RunFolder(folder(comparison) / arm).events()


def test_the_student_that_arms_begin_with_is_trained_asked_and_measured_once(found: Any) -> None:
    names = ("samples", "student", "evaluation/student/samples", "evaluation/student/predictions")
    made = {
        name: [arm for arm in ARMS for event in _events(found[0], arm) if _made(event, name)]
        for name in (*names, "round-1/samples", "round-1/student")
    }
    assert (
        made
        == {
            "samples": [],  # by the shared run
            **{key: ["programs"] for key in names[1:]},
            "round-1/samples": ["mined"],
            "round-1/student": ["mined", "all"],
        }
    )


def _made(event: dict[str, Any], name: str) -> bool:
    return event["event"] == name and "taken_from" not in event


def test_every_arm_is_paired_with_the_first(found: Any) -> None:
    last = {one["arm"]: one for one in found[1] if one["last"] and one["split"] == "test"}
    assert {arm: one["p_value"] is not None for arm, one in last.items()} == {
        "programs": False,
        "mined": True,
        "all": True,
    }
    assert {one["student"] for one in last.values()} == {"student", "round-1"}


def test_each_run_shows_what_was_measured_so_far(found: Any) -> None:
    assert found[2] == [
        (set(), 3),
        ({"programs"}, 2),
        ({"programs", "mined"}, 1),
        ({"programs", "mined", "all"}, 0),
    ]


def test_no_training_costs_more_than_the_budget_and_a_batch(found: Any) -> None:
    assert all(2000 <= one["tokens"] <= 2000 + 4 * 512 for one in found[1])


def test_the_same_experiment_again_makes_nothing(found: Any) -> None:
    before = {arm: len(_events(found[0], arm)) for arm in ARMS}
    compare(found[0])
    again = {arm: [event["event"] for event in _events(found[0], arm)[before[arm] :]] for arm in ARMS}
    assert again == {key: ["run"] for key in ARMS}
