"""How models are measured: asked the problems that are kept for it, judged, and their answers kept as predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pad_ray.answers import Answers, rules_of_tests
from pad_ray.decoding.settings import REPAIR, repairs, takes_turns
from pad_ray.evaluation.bulk import FIRST, as_predictions, best_shots, decoded_requests, greedy_requests
from pad_ray.evaluation.dialogues import turns_requests, with_reference
from pad_ray.generation.teachers import Teacher
from pad_ray.generation.turn_taking import TurnTakers
from pad_ray.models import local_folder
from pad_ray.recipes import JudgedBy, Recipe, recipe_named
from pad_ray.recipes.socratic_iterative import QA, QG, SocraticIterative
from pad_ray.records import Row
from pad_ray.run_folder import Stage, once
from pad_ray.run_parts import RunParts, Student, asking_by
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
        asking = asking_by(self._base_recipe)
        measured = [self._base_settings, self._parts.base.identity, self._parts.shown, asking]
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
        if limit := self._parts.config.evaluation.limits.get(decoder):
            settings += [limit]
        if decoder != GREEDY:
            evaluation = self._parts.config.evaluation
            by = evaluation.turns if takes_turns(decoder) else evaluation.decoding
            settings += [decoder, by.model_dump()]
            if self._parts.recipe.judged_by is JudgedBy.TEXT and not takes_turns(decoder):
                # Which texts vote together is asked for; what programs return is not.
                settings.append(self._test_rules.version)
            name, title = f"{student.name}-{decoder}", f"{student.name}: {decoder}"
        if without := self._without_repair(decoder):
            settings.append(self.test(student, without).digest)
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
            self._measure_base(self.base_validation, self._parts.of_split("validation"), shots)
            shots = (best_shots(self.predictions(self.base_validation).read_rows(["k", "verdict"])),)
        self._measure_base(self.base_test, self._parts.tests, shots)

    def measure(self, student: Student) -> None:
        """A student on the test problems, by each decoder."""
        # What repairs goes on from what the same decoder wrote without.
        for decoder in sorted(self._parts.config.evaluation.decoders, key=repairs):
            answers = self.test(student, decoder)
            if decoder == GREEDY:
                self._measure_student(answers, student, self._tests(decoder))
            elif takes_turns(decoder):
                self._measure_turns(answers, student, decoder)
            else:
                self._measure_decoded(answers, student, decoder)

    def validate(self, student: Student) -> list[Row]:
        """A student on the validation problems; its predictions."""
        answers = self.validation(student)
        self._measure_student(answers, student, self._parts.of_split("validation"))
        return self.predictions(answers).read_rows()

    def load(self, student: Student, task: str = "") -> Teacher:
        """A student, or the one of a task, as what answers requests."""
        folder = local_folder((student.parts[task] if task else student.stage).storage)
        if self._parts.config.student.lora:
            return Teacher.local(self._parts.base.model, adapter=folder)
        return Teacher.local(folder)

    def _measure_student(self, answers: Answers, student: Student, problems: list[Row]) -> None:
        recipe = self._parts.recipe
        self._measure_greedy(answers, lambda: self.load(student), student.name, problems, (0,), recipe, student.repairs)

    def _measure_base(self, answers: Answers, problems: list[Row], shots: Sequence[int]) -> None:
        self._measure_greedy(answers, lambda: self._parts.base, "base", problems, shots, self._base_recipe)

    @property
    def _base_recipe(self) -> Recipe:
        """How the base is asked: one model cannot take turns with itself, so as the teacher is."""
        recipe = self._parts.recipe
        return recipe_named(recipe.annotator) if recipe.students else recipe

    def _measure_greedy(
        self,
        answers: Answers,
        load: Callable[[], Teacher],
        name: str,
        problems: list[Row],
        shots: Sequence[int],
        recipe: Recipe,
        slot: bool = False,
    ) -> None:
        def requests(model: Teacher) -> list[Row]:
            evaluation = self._parts.config.evaluation
            return greedy_requests(
                problems, model.identity, recipe, evaluation, shots, self._parts.worked_examples, slot
            )

        self._measure(answers, load, requests, problems, {"model": name, "decoder": GREEDY})

    def _measure_decoded(self, answers: Answers, student: Student, decoder: str) -> None:
        def requests(model: Teacher) -> list[Row]:
            parts, slot = self._parts, student.repairs
            settings, rules, problems = parts.config.evaluation, self._test_rules, self._tests(decoder)
            first = self._first(student, decoder)
            return decoded_requests(problems, model.identity, parts.recipe, settings, decoder, slot, rules, first)

        facts = {"model": student.name, "decoder": decoder}
        load = lambda: self.load(student).decoding(decoder, self._parts.config.recipe)  # noqa: E731
        self._measure(answers, load, requests, self._tests(decoder), facts)

    def _without_repair(self, decoder: str) -> str | None:
        """The same decoder without repair, where it is measured too."""
        name = decoder.removesuffix(REPAIR)
        return name if repairs(decoder) and name in self._parts.config.evaluation.decoders else None

    def _first(self, student: Student, decoder: str) -> dict[str, Row]:
        """What the decoder without repair wrote, by problem: bought once, and both are paired exactly."""
        without = self._without_repair(decoder)
        written = self.test(student, without).samples.read_rows(["problem_id", *FIRST]) if without else []
        return {row["problem_id"]: row for row in written if row["completion"] is not None}

    def _measure_turns(self, answers: Answers, student: Student, decoder: str) -> None:
        recipe, problems = self._parts.recipe, self._tests(decoder)
        assert isinstance(recipe, SocraticIterative)

        def requests(model: Teacher) -> list[Row]:
            return turns_requests(problems, model.identity, recipe, self._parts.config.evaluation, decoder)

        def load() -> Teacher:
            return TurnTakers.of_two(self.load(student, QG), self.load(student, QA), recipe.name)

        self._measure(answers, load, requests, problems, {"model": student.name, "decoder": decoder})

    def _tests(self, decoder: str) -> list[Row]:
        """The test problems that a decoder answers: of each set and split the first so many."""
        limit, seen = self._parts.config.evaluation.limits.get(decoder), Counter[tuple[str, str]]()
        if not limit:
            return self._parts.tests
        chosen = []
        for row in self._parts.tests:
            place = (row["benchmark"], row["split"])
            seen[place] += 1
            if seen[place] <= limit:
                chosen.append(row)
        return chosen

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
            if takes_turns(facts["decoder"]):
                known = {problem["id"]: problem for problem in problems}
                rows = [with_reference(row, known[row["problem_id"]]) for row in rows]
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
        return self._parts.config.evaluation.model_dump(exclude={"base", "decoders", "decoding", "limits", "turns"})
