"""What a run has measured: rows of `results.json`, from the predictions of stages that are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.decoding.settings import TURNS, repairs
from pad_ray.evaluation.dialogues import question_measures
from pad_ray.evaluation.metrics import summarise
from pad_ray.evaluation.repaired import repaired
from pad_ray.run_folder import Stage

_COUNTED = ("benchmark", "split", "model", "decoder", "k", "verdict", "verifier")


def measured(stages: Mapping[str, Stage], config: RunConfig) -> list[dict[str, Any]]:
    """Accuracy with intervals of all that a run has measured.

    Args:
        stages: the run's, by name.
        config: its settings.
    """
    return results_of([stage for stage in stages.values() if stage.record == "prediction"], config)


def results_of(stages: Iterable[Stage], config: RunConfig) -> list[dict[str, Any]]:
    """Accuracy with intervals by split, model, decoder and shots, see `pad_ray.evaluation.metrics.summarise`.

    Args:
        stages: of predictions; those that are not done are passed over.
        config: the run's settings.
    """
    rows: list[dict[str, Any]] = []
    for stage in stages:
        if stage.done is None:
            continue
        predictions = stage.read_rows(_COUNTED)
        again = _repaired(stage) if predictions and repairs(predictions[0]["decoder"]) else {}
        asked = _questions(stage) if predictions and predictions[0]["decoder"] == TURNS else {}
        for shots in sorted({row["k"] for row in predictions}):
            chosen = [row for row in predictions if row["k"] == shots]
            facts = {name: chosen[0][name] for name in ("model", "decoder", "verifier")}
            found = summarise(chosen, recipe=config.recipe, **facts, shots=shots, seed=config.training.seed)
            rows += [
                {
                    **row,
                    **({"repaired": again[row["split"]]} if again else {}),
                    **({"questions": asked[row["split"]]} if row["split"] in asked else {}),
                }
                for row in found
            ]
    return rows


def _repaired(stage: Stage) -> dict[str, dict[str, int]]:
    """What asking again was worth, by split."""
    rows = stage.read_rows(["split", "verdict", "trace"])
    return {split: repaired(row for row in rows if row["split"] == split) for split in {row["split"] for row in rows}}


def _questions(stage: Stage) -> dict[str, Mapping[str, Any]]:
    """How well the student that asks does, by split; of splits with a reference only."""
    rows = stage.read_rows(["split", "trace"])
    found = {
        split: question_measures(row for row in rows if row["split"] == split)
        for split in {row["split"] for row in rows}
    }
    return {split: measures for split, measures in found.items() if measures}
