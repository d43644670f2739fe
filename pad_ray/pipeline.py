"""A whole run: the stages in order, over one run folder.

    problems ─▶ requests ─▶ samples ─▶ examples ─▶ student ─▶ evaluation ─▶ rounds ─▶ report

Every stage has an id by what defines its result; those that are done are kept, the others are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, Literal

from pad_ray.answers import Answers
from pad_ray.benchmarks import State, availability
from pad_ray.config import RunConfig
from pad_ray.contamination import check_shown
from pad_ray.decoding.settings import GIVEN
from pad_ray.errors import ConfigError
from pad_ray.evaluation.dialogues import check_given
from pad_ray.example_stage import ExampleMaker
from pad_ray.forecast import Forecast, probe
from pad_ray.generation.teachers import Teacher
from pad_ray.learning import Learning
from pad_ray.measuring import Measuring
from pad_ray.metrics import exported, tell_progress
from pad_ray.placement import SAMPLING, TRAINING
from pad_ray.progress import recorded
from pad_ray.prompts import BUILTIN, REPLAY, load_examples
from pad_ray.provenance import provenance
from pad_ray.recipe_checks import check_recipe
from pad_ray.recipes import recipe_named
from pad_ray.records import Row
from pad_ray.refinement import Refinement
from pad_ray.results import measured
from pad_ray.row_table import RowTable
from pad_ray.run_folder import PROGRESS, STAGES, RunFolder, Stage, once
from pad_ray.run_parts import RunParts, Student, asking_by, shown_by
from pad_ray.runtime import ray_running, with_cluster
from pad_ray.saved_run import tests_by
from pad_ray.splits import bare_questions, measured_benchmarks, problem_rows
from pad_ray.storage import Storage
from pad_ray.synthesis.contexts import Contexts
from pad_ray.synthesis.requests import make_requests
from pad_ray.training.replay import read_replay
from pad_ray.training.trackers import check_trackers
from pad_ray.training.trainer import check_student

Until = Literal["samples", "examples", "base", "student", "report"]


class Pipeline:
    """One run. Constructing it checks what the user gave; `run` does the work.

    Raises:
        InputError: a setting, file or model that cannot be used.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.recipe = recipe_named(config.recipe)
        self.annotator = recipe_named(self.recipe.annotator)
        check_recipe(self.recipe, config)
        self.shown = shown_by(self.recipe, config)
        self.worked_examples = load_examples(self.shown, config.problems.data)
        self.contexts = Contexts(self.worked_examples, config.teacher.shots, config.teacher.context)
        Contexts(self.worked_examples, max(config.evaluation.shots))  # too few examples are refused before any work
        self.problems = RowTable("problem", problem_rows(config.problems))
        self.benchmarks = measured_benchmarks(config.problems)
        if GIVEN in config.evaluation.decoders:
            check_given([row for row in self.problems if row["split"] not in ("train", "validation")])
        self._check_shown()
        if config.training.replay:
            read_replay(config.training.replay, config.problems.data)  # refused before any work
        self.teacher = Teacher.of(config.teacher).asked_by(self.annotator.name)
        self.base = Teacher.local(config.student.model)
        check_student(self.base.model, config.student)
        check_trackers(config.tracking)
        self.folder = RunFolder.open(config.runs, config.name)
        self.parts = self._parts()
        self.measuring = Measuring(self.parts)
        self.learning = Learning(self.parts)
        self.refinement = Refinement(
            self.parts, self.sampling, lambda: self.example_stage, self.measuring, self.learning
        )
        if config.refinement:
            self.refinement.check()

    def _parts(self) -> RunParts:
        return RunParts(
            config=self.config,
            folder=self.folder,
            recipe=self.recipe,
            problems=self.problems,
            benchmarks=self.benchmarks,
            worked_examples=self.worked_examples,
            teacher=self.teacher,
            base=self.base,
            noted=self._note_stages,
        )

    def _check_shown(self) -> None:
        problems = self.config.problems
        if self.shown not in (*BUILTIN, REPLAY) and not problems.allow_contamination:
            tests = [row for row in self.problems if row["split"] != "train"]
            measured = list(bare_questions(tests, problems).values())
            check_shown([example.question for example in self.worked_examples], measured, problems.data)

    # Stages by what defines their results. What a stage makes may define those after it: retried requests change the
    # examples only if they were answered, another verifier only if a verdict changed.

    @property
    def problem_stage(self) -> Stage:
        return self.parts.problem_stage

    @cached_property
    def sampling(self) -> Answers:
        """The teacher's requests, samples and verdicts."""
        config = self.config
        asked = {
            **config.teacher.model_dump(exclude={"kind", "model", "adapter", "file", "http"}),
            "teacher": self.teacher.identity,
            "examples": self.parts.shown,
        }
        settings = [asked, asking_by(self.annotator)]
        return Answers.of(self.folder, "", settings, [self.problem_stage], config, "sample", recipe=self.annotator)

    @property
    def example_stage(self) -> Stage:
        settings = [self.config.examples.identity, self.parts.asking, self.sampling.digest, self._held_against]
        settings += self.parts.paired
        return self.folder.stage("examples", settings, [self.sampling.samples], "example")

    @property
    def student(self) -> Student:
        """The student before any round."""
        return self.refinement.student(0)

    @property
    def student_stage(self) -> Stage:
        return self.student.stage

    @cached_property
    def _held_against(self) -> list[str]:
        """Evaluation sets that are at hand; their files are read for it, so once."""
        return [
            found.benchmark.name
            for found in availability(self.config.problems.data)
            if found.state is not State.MISSING
        ]

    @property
    def stages(self) -> Mapping[str, Stage]:
        """All stages by name, in the order in which they run, as far as their ids are known now."""
        measuring = self.measuring
        tests = measuring.tests(self.student).items()
        return {
            "problems": self.problem_stage,
            "requests": self.sampling.requests,
            "samples": self.sampling.samples,
            "verdicts": self.sampling.verdicts,
            "examples": self.example_stage,
            **self._base_stages,
            "student": self.student_stage,
            **{tests_by(decoder): measuring.predictions(answers) for decoder, answers in tests},
            **{name: stage for number in self._numbers for name, stage in self.refinement.stages(number).items()},
        }

    @property
    def _base_stages(self) -> dict[str, Stage]:
        measuring = self.measuring
        if not self.config.evaluation.base:
            return {}
        tried = {"base_validation": measuring.predictions(measuring.base_validation)}
        return {**(tried if measuring.chooses_shots else {}), "base": measuring.predictions(measuring.base_test)}

    @property
    def _numbers(self) -> range:
        """The rounds that are over or come next, by number; none of a run without rounds."""
        done, wanted = len(self.refinement.rounds), self.config.refinement is not None
        if not done and not wanted:
            return range(0)
        return range(max(1, done) + (1 if wanted and self.refinement.reason is None else 0))

    def run(
        self, until: Until = "report", allow_unreachable: bool = False, rounds: int | None = None
    ) -> list[dict[str, Any]]:
        """Does what is missing and returns the rows of `evaluation/results.json`, none before there are any.

        Args:
            until: the last thing to make.
            allow_unreachable: go on where samples that were bought under other settings would not be used.
            rounds: further rounds of refinement at most. By default those that the section `refinement` asks for, and
                none without it.

        Raises:
            InputError: there are such samples, another driver is at work on the run, or there is nothing to choose
                the base's prompt on.
        """
        chooses = self.config.evaluation.base and self.measuring.chooses_shots
        if until in ("base", "report") and chooses and not self.parts.of_split("validation"):
            raise ConfigError(
                "there are no validation problems to choose `evaluation.shots` on",
                "Set `problems.holdout` or `problems.validation`, or name one number of shots",
            )
        if rounds:
            self.refinement.check()
        begun = time.time()
        with self.folder.locked():
            self.prepare(allow_unreachable)
            self.folder.storage.write_text("run.yaml", provenance(self.config))
            with recorded(self._progress), self._ray(until, rounds), self._exported():
                results = self._work(until, rounds)
            self.folder.event("run", seconds=round(time.time() - begun, 2))
        return results

    def forecast(self, rows: int | None = None, allow_unreachable: bool = False) -> Forecast:
        """Lets the teacher answer a few requests, which are kept, and forecasts the rest from them.

        Args:
            rows: how many; by default as many as the teacher takes at once.
            allow_unreachable: as in `run`.
        """
        with self.folder.locked():
            self.prepare(allow_unreachable)
            with recorded(self._progress), self._ray("samples"), self._exported():
                return probe(self.sampling, self.teacher, rows)

    def _ray(self, until: Until, rounds: int | None = None) -> AbstractContextManager[None]:
        """Ray, where there is work for it."""
        stages = self.stages
        if all(stages[name].done for name in self.needed(until)) and self.sampling.complete and not rounds:
            return nullcontext()
        trains = rounds or ("student" in self.needed(until) and not stages["student"].done)
        return ray_running(self.config.resources, self.folder.storage, (SAMPLING, TRAINING) if trains else (SAMPLING,))

    def needed(self, until: Until) -> list[str]:
        """Names of the stages that a run up to there has, in order."""
        names = list(self.stages)
        if until == "base":  # which a run may leave out
            return names[: names.index("student")]
        last = _LAST.get(until, names[-1])
        before = names[: names.index(last) + 1]
        return before if until == "report" else [name for name in before if not name.startswith("base")]

    def _note_stages(self) -> None:
        """Which stages are this run's now, of those in its folder: for who reads it without its settings."""
        measuring = self.measuring
        answers = [self.sampling, *measuring.tests(self.student).values()]
        if self.config.evaluation.base:
            answers += [measuring.base_test, *([measuring.base_validation] if measuring.chooses_shots else [])]
        answers += [one for number in self._numbers for one in self.refinement.behind(number)]
        behind = [stage for one in answers for stage in (one.requests, one.samples, one.verdicts)]
        used = sorted({f"{stage.name}/{stage.id}" for stage in (*self.stages.values(), *behind)})
        self.folder.storage.write_text(STAGES, json.dumps(used, indent=2) + "\n")

    def _exported(self) -> AbstractContextManager[None]:
        """The run's metrics, for who watches the cluster."""
        return exported(self.config.name)

    def _progress(self, facts: Mapping[str, Any]) -> None:
        """For `pad-ray status` in another terminal, and for the metrics."""
        told = with_cluster(facts)
        self.folder.storage.write_text(PROGRESS, json.dumps(told) + "\n")
        tell_progress(told)

    def _work(self, until: Until, rounds: int | None) -> list[dict[str, Any]]:
        self._note_stages()
        self.sampling.make(self.teacher)
        self._note_stages()
        if until == "samples":
            return []
        once(self.folder, self.example_stage, self._examples)
        self._note_stages()
        if until == "examples":
            return []
        if until == "report" and not self.student_stage.done:
            self.learning.check(self.example_stage)  # what cannot be learnt from is told before the base is measured
        if until in ("base", "report") and self.config.evaluation.base:
            self.measuring.measure_base()
        if until == "base":
            return self._results()
        self.learning.teach(self.example_stage, self.student, self.sampling.verdicts.done or {})
        self._note_stages()
        if until == "student":
            return []
        self.measuring.measure(self.student)
        if rounds or (rounds is None and self.config.refinement):
            self._results()
            self.refinement.run(rounds)
        return self._results()

    def prepare(self, allow_unreachable: bool = False) -> None:
        """From problems to requests, and to the samples for them that were bought before.

        Raises:
            InputError: samples bought under other settings would not be used, and that is not allowed.
        """
        once(self.folder, self.problem_stage, lambda mark: self._write(self.problem_stage, self.problems, mark))
        self.sampling.request(self._requests, self._elsewhere())
        if not allow_unreachable:
            self.sampling.check_reachable()
        if not self.sampling.complete:
            self.teacher.check()  # before Ray is started, which takes a while

    def _elsewhere(self) -> list[Stage]:
        """Stages of samples of the run that `samples.from` names."""
        name = self.config.samples.from_
        if not name:
            return []
        place = (Storage.open(name) if "/" in name else Storage.open(self.config.runs) / name) / "samples"
        stages = [Stage("samples", stage, place / stage, "sample") for stage in place.folders()]
        if not stages:
            raise ConfigError(f"samples.from: there are no samples in {place.uri}", "Name another run, or its folder")
        return stages

    def _write(self, stage: Stage, rows: Sequence[Row], mark: dict[str, Any]) -> None:
        mark["rows"] = stage.write_rows(rows)

    def _requests(self) -> Iterator[Row]:
        train_problems = self.problems.having("split", "train")
        return make_requests(train_problems, self.config.teacher, self.teacher, self.annotator, self.contexts)

    def _examples(self, mark: dict[str, Any]) -> None:
        ExampleMaker(self.parts, self.sampling).make(self.example_stage, mark)

    def _results(self) -> list[dict[str, Any]]:
        """Writes `evaluation/results.json`."""
        rows = measured(self.stages, self.config, self.parts.names)
        (self.folder.storage / "evaluation").write_text("results.json", json.dumps(rows, indent=2) + "\n")
        if trained := self.student_stage.done:
            self.learning.write_card(self.student, self.sampling.verdicts.done or {}, trained, rows)
        return rows


_LAST: dict[Until, str] = {
    "samples": "verdicts",
    "examples": "examples",
    "student": "student",
}
