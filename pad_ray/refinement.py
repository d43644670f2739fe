"""Rounds of refinement over a run: the student answers the training problems, and learns anew from what came of it.

    student k-1 ─▶ round-k/samples ─▶ round-k/examples ─▶ round-k/student ─▶ evaluation/round-k… ─▶ rounds/k.json

Each part is a stage as the run's others are, so a kill anywhere costs what it costs there. Rounds are compared, and
ended, on validation problems; what test problems say decides nothing. Each student is trained from the base again, so
that rounds differ by what was taught alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pad_ray.answers import Answers
from pad_ray.errors import ConfigError
from pad_ray.evaluation.stopping import Reason, stop_reason
from pad_ray.generation.teachers import Teacher
from pad_ray.learning import Learning
from pad_ray.lessons import counts, make_lessons
from pad_ray.measuring import Measuring
from pad_ray.metrics import gauge
from pad_ray.programs.error_code import EMPTY
from pad_ray.records import Row
from pad_ray.refinement_settings import RefinementConfig
from pad_ray.results import results_of
from pad_ray.rounds import Round, change_of, read_round, standings, taught, write_round
from pad_ray.run_folder import Stage, once
from pad_ray.run_parts import RunParts, Student
from pad_ray.synthesis.requests import make_request


class Refinement:
    """The rounds of a run.

    Args:
        parts: of the run.
        sampling: the teacher's answers to the training problems.
        examples: the stage of what the first student learns.
        measuring, learning: how students are measured and made.
    """

    def __init__(
        self,
        parts: RunParts,
        sampling: Answers,
        examples: Callable[[], Stage],
        measuring: Measuring,
        learning: Learning,
    ) -> None:
        self._parts, self._sampling, self._examples = parts, sampling, examples
        self._measuring, self._learning = measuring, learning

    @cached_property
    def settings(self) -> RefinementConfig:
        """How rounds are made; the defaults where the run has no section for it."""
        return self._parts.config.refinement or RefinementConfig()

    # Stages by what defines their results.

    def student(self, number: int) -> Student:
        """The student after a round; 0 is the one before any."""
        if not number:
            examples = self._examples()
            return Student("student", self._learning.stage(examples), parts=self._learning.parts(examples))
        stage = self._learning.stage(self.lessons(number), f"round-{number}/student")
        return Student(f"round-{number}", stage, self.settings.teaches_repair)

    def sampling(self, number: int) -> Answers:
        """What the student before a round writes for the training problems."""
        settings = self.settings
        asked = [settings.samples, settings.temperatures, settings.top_p, settings.max_tokens]
        before = self.student(number - 1)
        asked += [self._parts.asking, *(["slot"] if before.repairs else [])]
        reads = [self._parts.problem_stage, before.stage]
        title = f"round {number}: sample"
        return Answers.of(self._parts.folder, f"round-{number}/", asked, reads, self._parts.config, title)

    def lessons(self, number: int) -> Stage:
        """What a round teaches: by all that was written so far, and by what is made of it."""
        config, settings = self._parts.config, self.settings
        read = [self._sampling.digest, *(answers.digest for answers in self._written(number))]
        made = [config.examples.identity, settings.own, settings.repair.model_dump(mode="json")]
        identity = [made, read, self._parts.asking, config.training.max_tokens, *self._parts.paired]
        return self._parts.folder.stage(f"round-{number}/examples", identity, [self._examples()], "example")

    def _written(self, number: int) -> list[Answers]:
        """The student's own samples of all rounds up to this one."""
        return [self.sampling(before) for before in range(1, number + 1)] if self.settings.asks else []

    def stages(self, number: int) -> dict[str, Stage]:
        """The stages of a round by name, as far as their ids are known now; of round 0 only its validation."""
        student, measuring = self.student(number), self._measuring
        validation = measuring.predictions(measuring.validation(student))
        if not number:
            return {"student_validation": validation}
        name = student.name
        tests = {
            f"{name} test" + ("" if decoder == "greedy" else f" ({decoder})"): measuring.predictions(answers)
            for decoder, answers in measuring.tests(student).items()
        }
        asked = {f"{name} samples": self.sampling(number).samples} if self.settings.asks else {}
        lessons = {f"{name} examples": self.lessons(number), name: student.stage}
        return {**asked, **lessons, f"{name} validation": validation, **tests}

    def behind(self, number: int) -> list[Answers]:
        """The answers that a round's stages are made of."""
        student = self.student(number)
        found = [self._measuring.validation(student), *self._measuring.tests(student).values()]
        return found + ([self.sampling(number)] if number and self.settings.asks else [])

    # Manifests.

    @property
    def rounds(self) -> list[Round]:
        """The rounds that are over, from 0 on, as far as their inputs are still those of now."""
        found: list[Round] = []
        while (one := read_round(self._parts.folder.storage, len(found))) is not None:
            if one.inputs != self._inputs(one.number):
                break
            found.append(one)
        return found

    @property
    def reason(self) -> Reason | None:
        """Why there is no further round; None if there is one, or none has been measured yet."""
        rounds = self.rounds
        return stop_reason(standings(rounds), self.settings.stop) if rounds else None

    def _inputs(self, number: int) -> dict[str, str]:
        student = self.student(number)
        inputs = {
            "problems": self._parts.problem_stage.id,
            "validation": self._measuring.validation(student).samples.id,
            "student": student.stage.id,
        }
        if number:
            inputs |= {"before": self.student(number - 1).stage.id, "examples": self.lessons(number).id}
        return inputs

    # Work.

    def check(self) -> None:
        """Refuses rounds that nothing could be decided on.

        Raises:
            ConfigError: there are no validation problems, several students, or nothing would be taught.
        """
        if self._parts.recipe.students:
            raise ConfigError(
                f"rounds are of one student, and recipe `{self._parts.recipe.name}` has two", "Leave `refinement` out"
            )
        if not self._parts.of_split("validation"):
            raise ConfigError(
                "there are no validation problems to compare rounds on",
                "Set `problems.holdout` or `problems.validation`",
            )
        if not self.settings.own and not self.settings.teaches_repair:
            raise ConfigError(
                "rounds would teach nothing new", "Set `refinement.own`, or `refinement.repair.ratio` above 0"
            )

    def run(self, most: int | None = None) -> list[Round]:
        """Runs what is missing of rounds.

        Args:
            most: so many further rounds, whatever the stop rule says; one that was begun is a further one. None goes
                on until the rule says so.

        Returns:
            All rounds that are over.
        """
        if not self.rounds:
            self._close(0)
        last = None if most is None else len(self.rounds) + most
        self._tell()
        while (rounds := self.rounds) and (self.reason is None if last is None else len(rounds) < last):
            self._round(len(rounds))
        return self.rounds

    def _tell(self) -> None:
        for one in self.rounds:
            right = list(one.right.values())
            gauge("round_accuracy", sum(right) / len(right) if right else None, round=str(one.number))

    def _round(self, number: int) -> None:
        gauge("round", number)
        if self.settings.asks:
            self._sample(number)
        once(self._parts.folder, self.lessons(number), lambda mark: self._teach(number, mark))
        self._parts.noted()
        self._learning.check(self.lessons(number))
        self._learning.teach(self.lessons(number), self.student(number), self._sampling.verdicts.done or {})
        self._parts.noted()
        self._close(number)

    def _sample(self, number: int) -> None:
        answers = self.sampling(number)
        if answers.complete:
            return
        before = self.student(number - 1)
        model = self._measuring.load(before)
        answers.request(lambda: self._requests(model, before.repairs))
        self._parts.noted()
        answers.make(model)
        self._parts.noted()

    def _requests(self, model: Teacher, slot: bool) -> list[Row]:
        """One for each training problem, temperature and sample; a problem's stand far apart, as the teacher's do."""
        settings, recipe = self.settings, self._parts.recipe
        drawn = [(temperature, k) for temperature in settings.temperatures for k in range(settings.samples)]
        rows = []
        for place, (temperature, _) in enumerate(drawn):
            sampling = {"temperature": temperature, "top_p": settings.top_p, "max_tokens": settings.max_tokens}
            for problem in self._parts.of_split("train"):
                prompt = recipe.prompt(problem["question"], (), EMPTY if slot else None)
                asked = {**sampling, "stop": list(recipe.stop)}
                rows.append(make_request(problem, place, prompt, asked, model.identity))
        return rows

    def _teach(self, number: int, mark: dict[str, Any]) -> None:
        written = [row for answers in self._written(number) for row in answers.read()]
        rows = make_lessons(self._parts, self.settings, self._sampling.read(), written)
        self.lessons(number).write_rows(rows)
        mark.update(counts(rows))

    def _close(self, number: int) -> None:
        """Measures the student of a round, and writes its manifest."""
        student = self.student(number)
        validation = self._measuring.validate(student)
        self._measuring.measure(student)
        verdicts = {row["problem_id"]: row["verdict"] for row in validation}
        before = self.rounds[-1] if number else None
        kept, left_out = taught(self._rows(number))
        manifest = Round(
            number=number,
            inputs=self._inputs(number),
            checkpoint=student.stage.id,
            verdicts=verdicts,
            sampled=self._sampled(number),
            kept=kept,
            left_out=left_out,
            place=student.stage.storage.uri,
            tokens=int((student.stage.done or {}).get("tokens", 0)),
            evaluation=self._results(student),
            change=change_of(before.verdicts, verdicts) if before else None,
        )
        write_round(self._parts.folder.storage, manifest)
        self._tell()
        self._learning.write_card(
            student, self._sampling.verdicts.done or {}, student.stage.done or {}, manifest.evaluation
        )

    def _rows(self, number: int) -> list[Row]:
        stage = self.lessons(number) if number else self._examples()
        return stage.read_rows(["id", "used", "why_not", "lesson"])

    def _sampled(self, number: int) -> dict[str, int]:
        if not number or not self.settings.asks:
            return {}
        return dict(sorted(Counter(row["verdict"] for row in self.sampling(number).read(["verdict"])).items()))

    def _results(self, student: Student) -> list[dict[str, Any]]:
        answers: Sequence[Answers] = (self._measuring.validation(student), *self._measuring.tests(student).values())
        stages = [self._measuring.predictions(one) for one in answers]
        return results_of(stages, self._parts.config, self._parts.names)
