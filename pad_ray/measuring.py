"""How models are measured: asked the problems that are kept for it, judged, and their answers kept as predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pad_ray.answers import Answers, rules_of_tests
from pad_ray.evaluation.bulk import as_predictions, best_shots, decoded_requests, greedy_requests
from pad_ray.generation.teachers import Teacher
from pad_ray.models import local_folder
from pad_ray.recipes import JudgedBy
from pad_ray.records import Row
from pad_ray.run_folder import Stage, once
from pad_ray.run_parts import RunParts, Student
from pad_ray.verification import Rules

GREEDY = "greedy"


class Measuring:
    """The evaluations of a run.

    Args:
        parts: of the run.
    """

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts

    @cached_property
    def base_validation(self) -> Answers:
        """The base model on the validation problems, with each number of worked examples."""
        measured = [self._base_settings, self._parts.base.identity, self._parts.shown, self._parts.asking]
        return self._answers("base-validation", measured, [self._parts.problem_stage], "base: validation")

    @property
    def base_test(self) -> Answers:
        """The base model on the test problems, with the number of worked examples that validation chose."""
        settings = [self._base_settings, self._parts.base.identity, self._parts.shown, self.base_validation.digest]
        return self._answers("base", settings, [self._parts.problem_stage], "base: test", self._test_rules)

    def test(self, student: Student, decoder: str) -> Answers:
        """A student on the test problems, by a decoder."""
        settings = self._student_settings(student)
        name, title = student.name, f"{student.name}: test"
        if decoder != GREEDY:
            settings += [decoder, self._parts.config.evaluation.decoding.model_dump()]
            # Which texts vote together is asked for; what programs return is not.
            settings += [self._test_rules.version] if self._parts.recipe.judged_by is JudgedBy.TEXT else []
            name, title = f"{student.name}-{decoder}", f"{student.name}: {decoder}"
        return self._answers(name, settings, [self._parts.problem_stage, student.stage], title, self._test_rules)

    def validation(self, student: Student) -> Answers:
        """A student on the validation problems, greedy: what rounds are compared by."""
        reads = [self._parts.problem_stage, student.stage]
        settings = self._student_settings(student)
        return self._answers(f"{student.name}-validation", settings, reads, f"{student.name}: validation")

    def tests(self, student: Student) -> dict[str, Answers]:
        """A student on the test problems, by decoder."""
        return {decoder: self.test(student, decoder) for decoder in self._parts.config.evaluation.decoders}

    def predictions(self, answers: Answers) -> Stage:
        """The stage of predictions that are made of answers."""
        name = answers.samples.name.removesuffix("/samples")
        return self._parts.folder.stage(f"{name}/predictions", answers.digest, [answers.samples], "prediction")

    @property
    def chooses_shots(self) -> bool:
        """Whether validation decides how many worked examples the base is shown."""
        return len(self._parts.config.evaluation.shots) > 1

    def measure_base(self) -> None:
        """The base at its best number of worked examples, chosen on validation."""
        shots = self._parts.config.evaluation.shots
        if self.chooses_shots:
            self._measure_greedy(
                self.base_validation, lambda: self._parts.base, "base", self._parts.of_split("validation"), shots
            )
            shots = (best_shots(self.predictions(self.base_validation).read_rows(["k", "verdict"])),)
        self._measure_greedy(self.base_test, lambda: self._parts.base, "base", self._parts.tests, shots)

    def measure(self, student: Student) -> None:
        """A student on the test problems, by each decoder."""
        for decoder, answers in self.tests(student).items():
            if decoder == GREEDY:
                self._measure_student(answers, student, self._parts.tests)
            else:
                self._measure_decoded(answers, student, decoder)

    def validate(self, student: Student) -> list[Row]:
        """A student on the validation problems; its predictions."""
        answers = self.validation(student)
        self._measure_student(answers, student, self._parts.of_split("validation"))
        return self.predictions(answers).read_rows()

    def load(self, student: Student) -> Teacher:
        """A student as what answers requests."""
        folder = local_folder(student.stage.storage)
        if self._parts.config.student.lora:
            return Teacher.local(self._parts.base.model, adapter=folder)
        return Teacher.local(folder)

    def _measure_student(self, answers: Answers, student: Student, problems: list[Row]) -> None:
        self._measure_greedy(answers, lambda: self.load(student), student.name, problems, (0,), student.repairs)

    def _measure_greedy(
        self,
        answers: Answers,
        load: Callable[[], Teacher],
        name: str,
        problems: list[Row],
        shots: Sequence[int],
        slot: bool = False,
    ) -> None:
        def requests(model: Teacher) -> list[Row]:
            evaluation = self._parts.config.evaluation
            return greedy_requests(
                problems, model.identity, self._parts.recipe, evaluation, shots, self._parts.worked_examples, slot
            )

        self._measure(answers, load, requests, problems, {"model": name, "decoder": GREEDY})

    def _measure_decoded(self, answers: Answers, student: Student, decoder: str) -> None:
        def requests(model: Teacher) -> list[Row]:
            parts, slot = self._parts, student.repairs
            settings, rules = parts.config.evaluation, self._test_rules
            return decoded_requests(parts.tests, model.identity, parts.recipe, settings, decoder, slot, rules)

        facts = {"model": student.name, "decoder": decoder}
        load = lambda: self.load(student).decoding(decoder, self._parts.config.recipe)  # noqa: E731
        self._measure(answers, load, requests, self._parts.tests, facts)

    def _measure(
        self,
        answers: Answers,
        load: Callable[[], Teacher],
        requests: Callable[[Teacher], list[Row]],
        problems: list[Row],
        facts: Row,
    ) -> None:
        """Answers of a model, judged, as predictions."""
        if answers.complete and self.predictions(answers).done:
            return
        model = load()

        def predictions(mark: dict[str, Any]) -> None:
            rows = [{**row, **facts} for row in as_predictions(answers.read(), problems)]
            stage.write_rows(rows)
            mark["rows"] = len(rows)

        answers.request(lambda: requests(model))
        self._parts.noted()
        answers.make(model)
        stage = self.predictions(answers)
        once(self._parts.folder, stage, predictions)
        self._parts.noted()  # now, since a training may follow, and be stopped

    def _answers(
        self, name: str, settings: Any, reads: Sequence[Stage], title: str, rules: Rules | None = None
    ) -> Answers:
        return Answers.of(self._parts.folder, f"evaluation/{name}/", settings, reads, self._parts.config, title, rules)

    @cached_property
    def _test_rules(self) -> Rules:
        parts = self._parts
        return rules_of_tests(parts.config.verification, parts.recipe, parts.tests, parts.benchmarks)

    def _student_settings(self, student: Student) -> list[Any]:
        return [self._parts.config.evaluation.max_tokens, self._parts.asking, *(["slot"] if student.repairs else [])]

    @cached_property
    def _base_settings(self) -> dict[str, Any]:
        return self._parts.config.evaluation.model_dump(exclude={"base", "decoders", "decoding"})
