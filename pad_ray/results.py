"""What a run has measured: rows of `results.json`, from the predictions of stages that are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.decoding.settings import TURNS, repairs
from pad_ray.evaluation.dialogues import question_measures
from pad_ray.evaluation.metrics import summarise
from pad_ray.evaluation.repaired import repaired
from pad_ray.recipes import JudgedBy, recipe_named
from pad_ray.run_folder import Stage

_COUNTED = ("benchmark", "split", "model", "decoder", "k", "verdict", "verifier")


def measured(stages: Mapping[str, Stage], config: RunConfig, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Accuracy with intervals of all that a run has measured.

    Args:
        stages: the run's, by name.
        config: its settings.
        names: of its benchmarks, in the order in which they are to stand; by default that of the alphabet.
    """
    return results_of([stage for stage in stages.values() if stage.record == "prediction"], config, names)


def results_of(stages: Iterable[Stage], config: RunConfig, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Accuracy with intervals by split, model, decoder and shots, see `pad_ray.evaluation.metrics.summarise`.

    Args:
        stages: of predictions; those that are not done are passed over.
        config: the run's settings.
        names: as of `measured`.
    """
    order = {name: place for place, name in enumerate(names)}
    programs = recipe_named(config.recipe).judged_by is JudgedBy.PROGRAM
    rows: list[dict[str, Any]] = []
    for stage in stages:
        if stage.done is None:
            continue
        predictions = stage.read_rows(_COUNTED)
        again = _repaired(stage) if predictions and repairs(predictions[0]["decoder"]) else {}
        asked = _questions(stage) if predictions and predictions[0]["decoder"] == TURNS else {}
        places = {(row["k"], order.get(row["benchmark"], len(order)), row["benchmark"]) for row in predictions}
        for shots, _, benchmark in sorted(places):
            chosen = [row for row in predictions if (row["k"], row["benchmark"]) == (shots, benchmark)]
            facts = {name: chosen[0][name] for name in ("model", "decoder", "verifier")}
            found = summarise(chosen, programs, recipe=config.recipe, **facts, shots=shots, seed=config.training.seed)
            rows += [
                {
                    **row,
                    **({"repaired": again[_place(row)]} if again else {}),
                    **({"questions": asked[_place(row)]} if _place(row) in asked else {}),
                }
                for row in found
            ]
    return rows


def _repaired(stage: Stage) -> dict[tuple[str, str], dict[str, int]]:
    """What asking again was worth, by benchmark and split."""
    rows = stage.read_rows(["benchmark", "split", "verdict", "trace"])
    return {place: repaired(row for row in rows if _place(row) == place) for place in set(map(_place, rows))}


def _questions(stage: Stage) -> dict[tuple[str, str], Mapping[str, Any]]:
    """How well the student that asks does, by benchmark and split; of those with a reference only."""
    rows = stage.read_rows(["benchmark", "split", "trace"])
    found = {place: question_measures(row for row in rows if _place(row) == place) for place in set(map(_place, rows))}
    return {place: measures for place, measures in found.items() if measures}


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["benchmark"], row["split"]
