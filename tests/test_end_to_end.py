"""The whole loop on real parts: vLLM under Ray Data, the sandbox, DeepSpeed under Ray Train, a real 135M model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.pipeline import Pipeline
from pad_ray.plan import steps
from pad_ray.report import write_report

# Ray, vLLM and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A small run from nothing to its report: (pipeline, results, path of the report)."""
    settings = {
        "name": "small",
        "runs": str(tmp_path_factory.mktemp("runs")),
        "problems": {"sizes": {"train": 12, "validation": 3, "test": 6, "unseen": 3}},
        "teacher": {"shots": 2, "samples": 4, "context": "nearest", "max_tokens": 64},
        "training": {"epochs": 1, "batch_size": 4},
        "evaluation": {"shots": [2], "max_tokens": 48},
        "resources": {"max_model_len": 512},
    }
    pipeline = Pipeline(parse_config(settings))
    results = pipeline.run()
    report = write_report(pipeline.folder, pipeline.config, pipeline.stages, results)
    yield pipeline, results, Path(report)
    import ray

    ray.shutdown()


def test_every_request_has_one_sample(run: Any) -> None:
    stages = run[0].stages
    asked = [row["id"] for row in stages["requests"].read_rows(["id"])]
    assert [row["id"] for row in stages["samples"].read_rows(["id"])] == asked
    assert len(asked) == 48


def test_samples_are_real_programs_with_verdicts(run: Any) -> None:
    samples = run[0].stages["samples"].read_rows()
    assert all(row["completion"] and row["verdict"] and row["verifier"] for row in samples)
    assert any(row["tier"] for row in samples)


def test_examples_come_from_programs_that_held(run: Any) -> None:
    stages = run[0].stages
    held = {row["id"] for row in stages["samples"].read_rows() if row["verdict"] == "ok"}
    examples = stages["examples"].read_rows()
    assert examples
    assert {row["sample_id"] for row in examples} <= held


def test_training_changed_the_weights(run: Any) -> None:
    from safetensors import safe_open

    name = "model.layers.0.mlp.up_proj.weight"
    loaded = []
    for folder in (run[0].base.model, run[0].stages["student"].storage.path):
        with safe_open(Path(folder) / "model.safetensors", framework="pt") as weights:
            loaded.append(weights.get_tensor(name).float())
    assert loaded[0].shape == loaded[1].shape
    assert not loaded[0].equal(loaded[1])


def test_results_have_both_models_on_both_splits(run: Any) -> None:
    rows = json.loads((Path(run[0].folder.storage.path) / "evaluation" / "results.json").read_text())
    assert rows == run[1]
    measured = {(row["model"], row["split"]) for row in rows}
    assert measured == {(model, split) for model in ("base", "student") for split in ("test", "unseen")}


def test_report_is_written(run: Any) -> None:
    assert "<html" in run[2].read_text(encoding="utf-8")


def _kept(pipeline: Pipeline) -> list[str]:
    return [step.name for step in steps(pipeline) if step.state == "kept"]


def test_the_same_command_again_does_nothing(run: Any) -> None:
    pipeline, results, _ = run
    again = Pipeline(pipeline.config)
    assert _kept(again) == list(pipeline.stages)
    marks = [stage.done for stage in pipeline.stages.values()]
    assert again.run() == results
    assert [stage.done for stage in again.stages.values()] == marks


def test_a_new_learning_rate_keeps_the_samples(run: Any) -> None:
    config = run[0].config
    training = config.training.model_copy(update={"learning_rate": 1e-4})
    changed = Pipeline(config.model_copy(update={"training": training}))
    assert _kept(changed) == [name for name in run[0].stages if not name.startswith("student")]


def test_workers_and_micro_batches_do_not_change_a_stage(run: Any) -> None:
    config = run[0].config
    resources = config.resources.model_copy(update={"train_workers": 1, "micro_batch_tokens": 256})
    assert _kept(Pipeline(config.model_copy(update={"resources": resources}))) == list(run[0].stages)
