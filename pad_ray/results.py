"""What a run has measured: rows of `results.json`, from the predictions of stages that are done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.evaluation.metrics import summarise
from pad_ray.run_folder import Stage
from pad_ray.saved_run import tests_by

_COUNTED = ("benchmark", "split", "model", "decoder", "k", "verdict", "verifier")


def measured(stages: Mapping[str, Stage], config: RunConfig) -> list[dict[str, Any]]:
    """Accuracy with intervals by split, model, decoder and shots, see `pad_ray.evaluation.metrics.summarise`.

    Args:
        stages: the run's, by name; those that are missing or not done are passed over.
        config: its settings.
    """
    rows: list[dict[str, Any]] = []
    for name in ("base_validation", "base", *map(tests_by, config.evaluation.decoders)):
        stage = stages.get(name)
        if stage is None or stage.done is None:
            continue
        predictions = stage.read_rows(_COUNTED)
        for shots in sorted({row["k"] for row in predictions}):
            chosen = [row for row in predictions if row["k"] == shots]
            facts = {name: chosen[0][name] for name in ("model", "decoder", "verifier")}
            rows += summarise(chosen, recipe=config.recipe, **facts, shots=shots, seed=config.training.seed)
    return rows
