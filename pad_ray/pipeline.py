"""A whole run: the stages in order, over one run folder.

    problems ─▶ requests ─▶ samples ─▶ examples ─▶ student ─▶ evaluation ─▶ report

Every stage has an id by what defines its result; those that are done are kept, the others are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.evaluation.bulk import as_predictions, best_shots, greedy_requests
from pad_ray.evaluation.metrics import summarise
from pad_ray.models import model_identity, resolve_model
from pad_ray.prompts import load_examples
from pad_ray.provenance import provenance
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, content_hash
from pad_ray.run_folder import RunFolder, Stage, once
from pad_ray.runtime import start_ray
from pad_ray.splits import problem_rows
from pad_ray.synthesis.contexts import Contexts
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.requests import make_requests
from pad_ray.synthesis.stream import sample_and_judge
from pad_ray.training.trainer import train
from pad_ray.verification import VERIFIER_VERSION


@dataclass(frozen=True)
class Stages:
    """All stages of a run, known before any of them starts."""

    problems: Stage
    requests: Stage
    samples: Stage
    examples: Stage
    student: Stage
    base_validation: Stage
    base: Stage
    student_test: Stage

    def all(self) -> list[Stage]:
        """In the order in which they run."""
        return list(vars(self).values())


class Pipeline:
    """One run. Constructing it checks what the user gave; `run` does the work.

    Raises:
        InputError: a setting, file or model that cannot be used.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.recipe = recipe_named(config.recipe)
        self.worked_examples = load_examples(config.teacher.examples)
        self.contexts = Contexts(self.worked_examples, config.teacher.shots, config.teacher.context)
        Contexts(self.worked_examples, max(config.evaluation.shots))  # too few examples are refused before any work
        self.problems = problem_rows(config.problems)
        self.teacher = resolve_model(config.teacher.model)
        self.base = resolve_model(config.student.model)
        self.folder = RunFolder.open(config.runs, config.name)
        self.stages = self._stages()

    def _stages(self) -> Stages:
        """Stage ids from what defines each result, the judgement's and the recipe's own logic included."""
        config, stage = self.config, self.folder.stage
        verified = {**config.verification.model_dump(), "logic": VERIFIER_VERSION}
        recipe = [config.recipe, self.recipe.prompt("?"), self.recipe.stop]
        shown = [vars(example) for example in self.worked_examples]
        base = model_identity(self.base)
        answered = {**verified, "recipe": recipe, "max_tokens": config.evaluation.max_tokens}
        measured = {**answered, **config.evaluation.model_dump(), "model": base, "examples": shown}
        asked = {**config.teacher.model_dump(), "model": model_identity(self.teacher), "examples": shown}

        problems = stage("problems", content_hash(self.problems), record="problem")
        requests = stage("requests", [asked, recipe], [problems], "request")
        samples = stage("samples", verified, [requests], "sample")
        examples = stage("examples", [config.examples.model_dump(), recipe], [samples], "example")
        student = stage("student", {"model": base, **config.training.model_dump()}, [examples], flat=True)
        base_validation = stage("evaluation/base-validation", measured, [problems], "prediction")
        base_test = stage("evaluation/base", measured, [base_validation], "prediction")
        student_test = stage("evaluation/student", answered, [problems, student], "prediction")
        return Stages(problems, requests, samples, examples, student, base_validation, base_test, student_test)

    @cached_property
    def _validation(self) -> list[Row]:
        return [row for row in self.problems if row["split"] == "validation"]

    @cached_property
    def _tests(self) -> list[Row]:
        return [row for row in self.problems if row["split"] not in ("train", "validation")]

    def plan(self) -> list[tuple[Stage, bool]]:
        """Each stage, and whether its result is already there."""
        return [(stage, stage.done is not None) for stage in self.stages.all()]

    def run(self) -> list[dict[str, Any]]:
        """Does what is missing and returns the rows of `evaluation/results.json`."""
        begun = time.time()
        self.folder.storage.write_text("run.yaml", provenance(self.config))
        stages, config = self.stages, self.config
        if not all(done for _, done in self.plan()):
            start_ray(config.resources)
        once(self.folder, stages.problems, lambda mark: self._write(stages.problems, self.problems, mark))
        once(self.folder, stages.requests, self._requests)
        once(self.folder, stages.samples, self._samples)
        once(self.folder, stages.examples, self._examples)
        once(self.folder, stages.base_validation, self._base_validation)
        once(self.folder, stages.base, self._base)
        once(self.folder, stages.student, self._train)
        once(self.folder, stages.student_test, self._student_test)
        results = self._results()
        self.folder.event("run", seconds=round(time.time() - begun, 2))
        return results

    def _write(self, stage: Stage, rows: Sequence[Row], mark: dict[str, Any]) -> None:
        stage.write_rows(rows)
        mark["rows"] = len(rows)

    def _requests(self, mark: dict[str, Any]) -> None:
        train_problems = [row for row in self.problems if row["split"] == "train"]
        rows = make_requests(train_problems, self.config.teacher, self.recipe, self.contexts)
        self._write(self.stages.requests, rows, mark)

    def _samples(self, mark: dict[str, Any]) -> None:
        mark.update(self._stream(self.stages.requests, self.stages.samples, self.teacher, "sample"))

    def _stream(self, requests: Stage, samples: Stage, model: str, title: str) -> dict[str, Any]:
        config = self.config
        return sample_and_judge(
            requests,
            samples,
            model=model,
            recipe=config.recipe,
            verification=config.verification,
            resources=config.resources,
            title=title,
        )

    def _examples(self, mark: dict[str, Any]) -> None:
        questions = {row["id"]: row["question"] for row in self.problems}
        samples = self.stages.samples.read_rows()
        rows = make_examples(samples, questions, self.recipe, self.config.examples)
        mark["problems_solved"] = len({row["problem_id"] for row in rows})
        self._write(self.stages.examples, rows, mark)

    def _train(self, mark: dict[str, Any]) -> None:
        config = self.config
        facts = train(
            self.stages.examples,
            self.stages.student,
            (self.folder.storage / "training").uri,
            model=self.base,
            training=config.training,
            resources=config.resources,
        )
        mark.update(facts)

    def _base_validation(self, mark: dict[str, Any]) -> None:
        shots = self.config.evaluation.shots
        self._predict(self.stages.base_validation, self._validation, self.base, "base", shots, mark)

    def _base(self, mark: dict[str, Any]) -> None:
        shots = best_shots(self.stages.base_validation.read_rows(["k", "verdict"]))
        mark["shots"] = shots
        self._predict(self.stages.base, self._tests, self.base, "base", (shots,), mark)

    def _student_test(self, mark: dict[str, Any]) -> None:
        model = self.stages.student.storage.path
        self._predict(self.stages.student_test, self._tests, model, "student", (0,), mark)

    def _predict(
        self,
        stage: Stage,
        problems: list[Row],
        model: str,
        name: str,
        shots: Sequence[int],
        mark: dict[str, Any],
    ) -> None:
        """Greedy answers of a model, judged, as the stage's predictions."""
        rows = greedy_requests(problems, name, self.recipe, self.config.evaluation, shots, self.worked_examples)
        scratch = self.folder.storage / "evaluation" / "work" / stage.id
        requests = Stage("requests", stage.id, scratch / "requests", "request")
        samples = Stage("samples", stage.id, scratch / "samples", "sample")
        samples.storage.clear()
        requests.write_rows(rows)
        mark.update(self._stream(requests, samples, model, name))
        predictions = as_predictions(samples.read_rows(), problems)
        facts = {"model": name, "decoder": "greedy"}
        self._write(stage, [{**row, **facts} for row in predictions], mark)
        scratch.clear()

    def _results(self) -> list[dict[str, Any]]:
        """Writes `evaluation/results.json`."""
        stages, rows = self.stages, []
        for stage in (stages.base_validation, stages.base, stages.student_test):
            predictions = stage.read_rows()
            for shots in sorted({row["k"] for row in predictions}):
                chosen = [row for row in predictions if row["k"] == shots]
                facts = {
                    "model": chosen[0]["model"],
                    "recipe": self.config.recipe,
                    "decoder": chosen[0]["decoder"],
                }
                rows += summarise(chosen, **facts, shots=shots, seed=self.config.training.seed)
        (self.folder.storage / "evaluation").write_text("results.json", json.dumps(rows, indent=2) + "\n")
        return rows
