"""All that is measured of models, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pad_ray.ability.accuracy import OVERALL, Accuracy, Answered, accuracies, answer_task
from pad_ray.ability.asking import answering
from pad_ray.ability.models import Measured
from pad_ray.ability.perplexity import Perplexity, perplexity
from pad_ray.ability.reading import READING_VERSION
from pad_ray.ability.settings import Settings
from pad_ray.ability.tasks import Task
from pad_ray.ability.taught import TaughtAccuracy, TaughtSet, answer_set
from pad_ray.jsonl import write_rows, write_text
from pad_ray.models import model_identity
from pad_ray.progress import Meter, shown
from pad_ray.records import content_hash


@dataclass(frozen=True)
class Ability:
    """What was measured of one model.

    Attributes:
        model: its name.
        identity: hash of its files, or its name on the hub.
        accuracy: of each subset, then `OVERALL`; none where answers were not measured.
        perplexity: None where it was not measured, or the model is an encoder-decoder.
        taught: of each set that it was taught for; none where they were not measured.
        answers: every answer, for who wants to read them.
    """

    model: str
    identity: str
    accuracy: list[Accuracy]
    perplexity: Perplexity | None
    taught: list[TaughtAccuracy]
    answers: list[Answered] = field(repr=False)

    @property
    def overall(self) -> Accuracy | None:
        """Over all problems; None where answers were not measured."""
        return next((one for one in self.accuracy if one.task == OVERALL), None)


def measure(
    models: Sequence[Measured],
    tasks: Sequence[Task],
    texts: Sequence[str],
    settings: Settings,
    done: Callable[[list[Ability]], None] = lambda found: None,
    taught: Sequence[TaughtSet] = (),
) -> list[Ability]:
    """Measures models; each is held against the first.

    Args:
        models: loaded one at a time.
        tasks: subsets to answer; none leaves accuracy out.
        texts: to foretell; none leaves perplexity out.
        settings: how they are asked.
        done: hears what there is after each model.
        taught: sets that they were taught for.

    Raises:
        ModelError, EngineError: a model that cannot be asked this way.
    """
    found: list[Ability] = []
    for model in models:
        answers, kept = _answers(model, tasks, taught, settings) if tasks or taught else ([], [])
        first = found[0].answers if found else None
        figures = accuracies(answers, first) if answers else []
        foretold = perplexity(model, texts, settings.threads) if texts else None
        found.append(Ability(model.name, _identity(model), figures, foretold, kept, answers))
        done(found)
    return found


def _answers(
    model: Measured, tasks: Sequence[Task], taught: Sequence[TaughtSet], settings: Settings
) -> tuple[list[Answered], list[TaughtAccuracy]]:
    answers: list[Answered] = []
    kept: list[TaughtAccuracy] = []
    count = sum(len(task.measured) for task in tasks) + sum(len(one.problems) for one in taught)
    meter = Meter(model.name[-16:], count, unit="answers")
    done = lambda: {"answers": len(answers) + sum(one.n for one in kept)}  # noqa: E731
    with shown(meter, done), answering(model, settings) as answerer:
        for task in tasks:
            answers += answer_task(task, answerer, model, settings)
        for one in taught:
            kept.append(answer_set(one, answerer, model))
    return answers, kept


def _identity(model: Measured) -> str:
    identity = model_identity(model.folder)
    return content_hash(identity, model_identity(model.adapter)) if model.adapter else identity


def as_document(found: Sequence[Ability], settings: Settings, text: str | None) -> dict[str, Any]:
    """What is written as JSON: how it was measured, and every figure.

    Args:
        found: what was measured.
        settings: how.
        text: the file that perplexity is of; None where it was not measured.
    """
    asked = {name: value for name, value in asdict(settings).items() if name not in ("threads", "data")}
    return {
        "settings": {**asked, "reading": READING_VERSION, "text": text},
        "models": [{name: value for name, value in asdict(one).items() if name != "answers"} for one in found],
    }


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Writes the figures.

    Raises:
        InputError: the file cannot be written.
    """
    write_text(path, json.dumps(document, indent=2) + "\n")


def write_answers(path: Path, found: Sequence[Ability]) -> None:
    """Writes every answer as JSON Lines, for who wants to read what the models wrote.

    Raises:
        InputError: the file cannot be written.
    """
    write_rows(path, [{"model": one.model, **asdict(answer)} for one in found for answer in one.answers])
