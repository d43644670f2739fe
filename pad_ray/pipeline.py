"""A whole run: the stages in order, over one run folder.

    problems ─▶ requests ─▶ samples ─▶ examples ─▶ student ─▶ evaluation ─▶ report

Every stage has an id by what defines its result; those that are done are kept, the others are made.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, Literal

from pad_ray.answers import Answers
from pad_ray.benchmarks import Benchmark, State, availability
from pad_ray.config import RunConfig
from pad_ray.contamination import Overlap, check_shown
from pad_ray.decoding.settings import Decoder
from pad_ray.errors import ConfigError
from pad_ray.evaluation.bulk import as_predictions, best_shots, decoded_requests, greedy_requests
from pad_ray.forecast import Forecast, probe
from pad_ray.generation.teachers import Teacher
from pad_ray.models import local_folder
from pad_ray.progress import recorded
from pad_ray.prompts import BUILTIN, REPLAY, contaminates, load_examples
from pad_ray.provenance import provenance, shown_settings
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, content_hash
from pad_ray.release import await_released
from pad_ray.results import measured
from pad_ray.run_folder import PROGRESS, STAGES, RunFolder, Stage, once
from pad_ray.runtime import ray_running
from pad_ray.saved_run import tests_by
from pad_ray.splits import measured_benchmark, problem_rows
from pad_ray.storage import Storage
from pad_ray.student_card import making, student_origin
from pad_ray.synthesis.card import Origin, dataset_card
from pad_ray.synthesis.contexts import Contexts
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.marks import mark_samples
from pad_ray.synthesis.requests import make_requests
from pad_ray.training.card import model_card
from pad_ray.training.trackers import check_trackers, tracking
from pad_ray.training.trainer import check_student, forget_states, read_lesson, train

Until = Literal["samples", "examples", "student", "report"]


class Pipeline:
    """One run. Constructing it checks what the user gave; `run` does the work.

    Raises:
        InputError: a setting, file or model that cannot be used.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.recipe = recipe_named(config.recipe)
        self.worked_examples = load_examples(config.teacher.examples, config.problems.data)
        self.contexts = Contexts(self.worked_examples, config.teacher.shots, config.teacher.context)
        Contexts(self.worked_examples, max(config.evaluation.shots))  # too few examples are refused before any work
        self.problems = problem_rows(config.problems)
        self.benchmark = measured_benchmark(config.problems)
        self._check_shown()
        self.teacher = Teacher.of(config.teacher)
        self.base = Teacher.local(config.student.model)
        check_student(self.base.model, config.student)
        check_trackers(config.tracking)
        self.folder = RunFolder.open(config.runs, config.name)

    def _check_shown(self) -> None:
        problems, examples = self.config.problems, self.config.teacher.examples
        if examples not in (*BUILTIN, REPLAY) and not problems.allow_contamination:
            measured = [row["question"] for row in self.problems if row["split"] != "train"]
            check_shown([example.question for example in self.worked_examples], measured, problems.data)

    # Stages by what defines their results. What a stage makes may define those after it: retried requests change the
    # examples only if they were answered, another verifier only if a verdict changed.

    @cached_property
    def problem_stage(self) -> Stage:
        return self.folder.stage("problems", content_hash(self.problems), record="problem")

    @cached_property
    def sampling(self) -> Answers:
        """The teacher's requests, samples and verdicts."""
        config = self.config
        asked = {
            **config.teacher.model_dump(exclude={"kind", "model", "adapter", "file", "http"}),
            "teacher": self.teacher.identity,
            "examples": self._shown,
        }
        return Answers.of(self.folder, "", [asked, self._recipe], [self.problem_stage], config, "sample")

    @property
    def example_stage(self) -> Stage:
        settings = [self.config.examples.model_dump(), self._recipe, self.sampling.digest, self._held_against]
        return self.folder.stage("examples", settings, [self.sampling.samples], "example")

    @property
    def student_stage(self) -> Stage:
        mark = self.example_stage.done
        taught = mark["digest"] if mark else self.example_stage.id
        lora = self.config.student.lora
        settings = {"model": self.base.identity, "lora": lora and lora.model_dump(), **self.config.training.identity}
        return self.folder.stage("student", [settings, taught], flat=True)

    @cached_property
    def base_validation(self) -> Answers:
        """The base model on the validation problems, with each number of worked examples."""
        measured = [self._base_evaluation, self.base.identity, self._shown, self._recipe]
        return self._answers("base-validation", measured, [self.problem_stage], "base: validation")

    @property
    def base_test(self) -> Answers:
        """The base model on the test problems, with the number of worked examples that validation chose."""
        validation = self.base_validation
        settings = [self._base_evaluation, self.base.identity, self._shown, validation.digest]
        return self._answers("base", settings, [self.problem_stage], "base: test", self.benchmark)

    @property
    def student_tests(self) -> dict[Decoder, Answers]:
        """The student on the test problems, by decoder."""
        evaluation, reads = self.config.evaluation, [self.problem_stage, self.student_stage]
        found: dict[Decoder, Answers] = {}
        for decoder in evaluation.decoders:
            settings: list[Any] = [evaluation.max_tokens, self._recipe]
            name, title = "student", "student: test"
            if decoder != "greedy":
                settings += [decoder, evaluation.decoding.model_dump()]
                name, title = f"student-{decoder}", f"student: {decoder}"
            found[decoder] = self._answers(name, settings, reads, title, self.benchmark)
        return found

    @cached_property
    def _base_evaluation(self) -> dict[str, Any]:
        return self.config.evaluation.model_dump(exclude={"decoders", "decoding"})

    def _answers(
        self, name: str, settings: Any, reads: Sequence[Stage], title: str, benchmark: Benchmark | None = None
    ) -> Answers:
        return Answers.of(self.folder, f"evaluation/{name}/", settings, reads, self.config, title, benchmark)

    def _predictions(self, answers: Answers) -> Stage:
        name = answers.samples.name.removesuffix("/samples")
        return self.folder.stage(f"{name}/predictions", answers.digest, [answers.samples], "prediction")

    @cached_property
    def _recipe(self) -> list[Any]:
        return [self.config.recipe, self.recipe.prompt("?"), self.recipe.stop]

    @cached_property
    def _held_against(self) -> list[str]:
        """Evaluation sets that are at hand; their files are read for it, so once."""
        return [
            found.benchmark.name
            for found in availability(self.config.problems.data)
            if found.state is not State.MISSING
        ]

    @cached_property
    def _shown(self) -> list[dict[str, Any]]:
        return [vars(example) for example in self.worked_examples]

    @property
    def stages(self) -> Mapping[str, Stage]:
        """All stages by name, in the order in which they run, as far as their ids are known now."""
        tried = {"base_validation": self._predictions(self.base_validation)} if self._chooses_shots else {}
        return {
            "problems": self.problem_stage,
            "requests": self.sampling.requests,
            "samples": self.sampling.samples,
            "verdicts": self.sampling.verdicts,
            "examples": self.example_stage,
            **tried,
            "base": self._predictions(self.base_test),
            "student": self.student_stage,
            **{tests_by(decoder): self._predictions(answers) for decoder, answers in self.student_tests.items()},
        }

    @property
    def _chooses_shots(self) -> bool:
        return len(self.config.evaluation.shots) > 1

    @cached_property
    def _validation(self) -> list[Row]:
        return [row for row in self.problems if row["split"] == "validation"]

    @cached_property
    def _tests(self) -> list[Row]:
        return [row for row in self.problems if row["split"] not in ("train", "validation")]

    def run(self, until: Until = "report", allow_unreachable: bool = False) -> list[dict[str, Any]]:
        """Does what is missing and returns the rows of `evaluation/results.json`, none before there are any.

        Args:
            until: the last thing to make.
            allow_unreachable: go on where samples that were bought under other settings would not be used.

        Raises:
            InputError: there are such samples, another driver is at work on the run, or there is nothing to choose
                the base's prompt on.
        """
        if until == "report" and not self._validation and self._chooses_shots:
            raise ConfigError(
                "there are no validation problems to choose `evaluation.shots` on",
                "Set `problems.holdout` or `problems.validation`, or name one number of shots",
            )
        begun = time.time()
        with self.folder.locked():
            self.prepare(allow_unreachable)
            self.folder.storage.write_text("run.yaml", provenance(self.config))
            with recorded(self._progress), self._ray(until):
                results = self._work(until)
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
            with recorded(self._progress), self._ray("samples"):
                return probe(self.sampling, self.teacher, rows)

    def _ray(self, until: Until) -> AbstractContextManager[None]:
        """Ray, where there is work for it."""
        stages = self.stages
        if all(stages[name].done for name in self.needed(until)) and self.sampling.complete:
            return nullcontext()
        return ray_running(self.config.resources, self.folder.storage)

    def needed(self, until: Until) -> list[str]:
        """Names of the stages that a run up to there has, in order."""
        names = list(self.stages)
        last = _LAST.get(until, names[-1])
        before = names[: names.index(last) + 1]
        return before if until == "report" else [name for name in before if not name.startswith("base")]

    def _note_stages(self) -> None:
        """Which stages are this run's now, of those in its folder: for who reads it without its settings."""
        answers = [self.sampling, self.base_test, *self.student_tests.values()]
        answers += [self.base_validation] if self._chooses_shots else []
        behind = [stage for one in answers for stage in (one.requests, one.samples, one.verdicts)]
        used = sorted({f"{stage.name}/{stage.id}" for stage in (*self.stages.values(), *behind)})
        self.folder.storage.write_text(STAGES, json.dumps(used, indent=2) + "\n")

    def _progress(self, facts: Mapping[str, Any]) -> None:
        """For `pad-ray status` in another terminal."""
        self.folder.storage.write_text(PROGRESS, json.dumps(facts) + "\n")

    def _work(self, until: Until) -> list[dict[str, Any]]:
        self._note_stages()
        self.sampling.make(self.teacher)
        self._note_stages()
        if until == "samples":
            return []
        once(self.folder, self.example_stage, self._examples)
        self._note_stages()
        if until == "examples":
            return []
        if until == "report":
            if not self.student_stage.done:  # what cannot be learnt from is told before the base is measured
                read_lesson(self.example_stage, self.base.model, self.config.training, self.recipe)
            self._measure_base()
        once(self.folder, self.student_stage, self._train)
        forget_states(self._trainings, self.student_stage)
        self._note_stages()
        if until == "student":
            return []
        for decoder, answers in self.student_tests.items():
            self._measure(answers, self._student, "student", self._tests, (0,), decoder)
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
        stage.write_rows(rows)
        mark["rows"] = len(rows)

    def _requests(self) -> list[Row]:
        train_problems = [row for row in self.problems if row["split"] == "train"]
        return make_requests(train_problems, self.config.teacher, self.teacher, self.recipe, self.contexts)

    def _examples(self, mark: dict[str, Any]) -> None:
        samples, config = self.sampling.read(), self.config
        questions = {row["id"]: row["question"] for row in self.problems}
        overlap = Overlap(folder=config.problems.data)
        marks = mark_samples(samples, questions, overlap.of)
        rows = make_examples(samples, questions, self.recipe, config.examples, marks)
        used = [row for row in rows if row["used"]]
        mark["used"] = len(used)
        mark["problems_solved"] = len({row["problem_id"] for row in used})
        mark["digest"] = content_hash([(row["prompt"], row["target"]) for row in used])
        self._write(self.example_stage, rows, mark)
        origin = Origin(
            run=config.name,
            teacher=self.teacher.name,
            source=config.problems.train,
            license=config.problems.licence,
            sampling={name: getattr(config.teacher, name) for name in _SAMPLING},
            created=time.strftime("%Y-%m-%d"),
            folder=self.sampling.samples.id,
            evaluation_sets=overlap.names,
            currency=config.teacher.http.currency if config.teacher.http else "",
            beware=contaminates(config.teacher.examples) or "",
        )
        card = dataset_card(samples, questions, marks, rows, origin)
        (self.folder.storage / "samples").write_text("README.md", card)

    def _train(self, mark: dict[str, Any]) -> None:
        config, student = self.config, self.student_stage
        await_released()
        with tracking(config.tracking, self.folder.storage, student.id, shown_settings(config)) as sinks:
            facts = train(
                self.example_stage,
                student,
                self._trainings,
                model=self.base.model,
                student_settings=config.student,
                training=config.training,
                resources=config.resources,
                recipe=self.recipe,
                sinks=sinks,
            )
        mark.update(facts, **making())
        self._write_card(mark)

    def _write_card(self, trained: Mapping[str, Any], results: Sequence[Row] = ()) -> None:
        verdicts = self.sampling.verdicts.done or {}
        origin = student_origin(self.config, self.base.model, self.teacher, verdicts, trained)
        self.student_stage.storage.write_text("README.md", model_card(origin, results))

    @property
    def _trainings(self) -> Storage:
        return self.folder.storage / "training"

    def _measure_base(self) -> None:
        """The base at its best number of worked examples, chosen on validation."""
        shots = self.config.evaluation.shots
        if self._chooses_shots:
            self._measure(self.base_validation, lambda: self.base, "base", self._validation, shots)
            shots = (best_shots(self._predictions(self.base_validation).read_rows(["k", "verdict"])),)
        self._measure(self.base_test, lambda: self.base, "base", self._tests, shots)

    def _student(self) -> Teacher:
        folder = local_folder(self.student_stage.storage)
        if self.config.student.lora:
            return Teacher.local(self.base.model, adapter=folder)
        return Teacher.local(folder)

    def _measure(
        self,
        answers: Answers,
        load: Callable[[], Teacher],
        name: str,
        problems: list[Row],
        shots: Sequence[int],
        decoder: Decoder = "greedy",
    ) -> None:
        """Answers of a model, judged, as predictions."""
        if answers.complete and self._predictions(answers).done:
            return
        model = load() if decoder == "greedy" else load().decoding(decoder, self.config.recipe)

        def requests() -> list[Row]:
            evaluation = self.config.evaluation
            if model.decodes:
                return decoded_requests(problems, model.identity, self.recipe, evaluation, decoder)
            return greedy_requests(problems, model.identity, self.recipe, evaluation, shots, self.worked_examples)

        def predictions(mark: dict[str, Any]) -> None:
            facts = {"model": name, "decoder": decoder}
            self._write(stage, [{**row, **facts} for row in as_predictions(answers.read(), problems)], mark)

        answers.request(requests)
        self._note_stages()
        answers.make(model)
        stage = self._predictions(answers)
        once(self.folder, stage, predictions)
        self._note_stages()  # now, since a training may follow, and be stopped

    def _results(self) -> list[dict[str, Any]]:
        """Writes `evaluation/results.json`."""
        rows = measured(self.stages, self.config)
        (self.folder.storage / "evaluation").write_text("results.json", json.dumps(rows, indent=2) + "\n")
        self._write_card(self.student_stage.done or {}, rows)
        return rows


_LAST: dict[Until, str] = {
    "samples": "verdicts",
    "examples": "examples",
    "student": "student",
}
_SAMPLING = ("samples", "temperature", "top_p", "max_tokens", "seed", "shots", "context")
