"""How examples become a student: trained, with a card that says where it comes from and how it is asked.

A recipe may have a student for each of its tasks. Each is a stage of its own within the folder of both:

    student/            pad_ray.json, the card of both, and a done mark that is written last
    student/qg/ qa/     a Hugging Face checkpoint each, with its card
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.provenance import shown_settings
from pad_ray.records import Row
from pad_ray.release import await_released
from pad_ray.run_folder import Stage, once
from pad_ray.run_parts import RunParts, Student
from pad_ray.storage import Storage
from pad_ray.student_card import making, student_origin
from pad_ray.student_file import StudentFile
from pad_ray.training.card import StudentOrigin, model_card, pair_card
from pad_ray.training.replay import replay_digest
from pad_ray.training.settings import TrainingConfig
from pad_ray.training.trackers import tracking
from pad_ray.training.trainer import forget_states, read_lesson, train


class Learning:
    """The trainings of a run, all from the same base.

    Args:
        parts: of the run.
    """

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts

    def stage(self, examples: Stage, name: str = "student") -> Stage:
        """The stage of a student, by what it learns from and how."""
        return self._stage(examples, name, self._parts.config.training)

    def parts(self, examples: Stage, name: str = "student") -> dict[str, Stage]:
        """The stages of the students of a recipe with several, by task; none of a recipe with one."""
        tasks, training = self._parts.recipe.students, self._part_training
        return {task: self._stage(examples, f"{name}/{task}", training, task) for task in tasks}

    @property
    def _part_training(self) -> TrainingConfig:
        """How each of several students learns: they share the budget of tokens."""
        training = self._parts.config.training
        if not training.tokens:
            return training
        return training.model_copy(
            update={"tokens": max(1, training.tokens // (len(self._parts.recipe.students) or 1))}
        )

    def _stage(self, examples: Stage, name: str, training: TrainingConfig, task: str | None = None) -> Stage:
        mark = examples.done
        taught = mark["digest"] if mark else examples.id
        lora = self._parts.config.student.lora
        settings = {"model": self._parts.base.identity, "lora": lora and lora.model_dump(), **training.identity}
        if training.replay:
            settings["replay"] = replay_digest(training.replay, self._parts.config.problems.data)
        return self._parts.folder.stage(name, [settings, taught, *([task] if task else [])], flat=True)

    def check(self, examples: Stage) -> None:
        """Tells what cannot be learnt from, before anything long is begun.

        Raises:
            InputError: there are no examples, or one is too long.
        """
        config = self._parts.config
        read_lesson(examples, self._parts.base.model, config.training, self._parts.recipe, data=config.problems.data)

    def teach(self, examples: Stage, student: Student, verdicts: Mapping[str, Any]) -> dict[str, Any]:
        """Trains a student unless it is there, and returns what its done mark says.

        Args:
            examples: a done stage of example rows.
            student: the one to make.
            verdicts: the done mark of the teacher's verdicts, for the card.
        """

        def make(mark: dict[str, Any]) -> None:
            await_released()
            if student.parts:
                self._tidy(student)
                mark.update(together({task: self._teach_part(examples, student, task) for task in student.parts}))
            else:
                mark.update(self._learn(examples, student.stage, self._parts.config.training))
            mark.update(making())
            StudentFile(self._parts.config.recipe, student.repairs).write(student.stage.storage)
            self.write_card(student, verdicts, mark)

        mark = once(self._parts.folder, student.stage, make, keep=bool(student.parts))
        forget_states(self._trainings, student.stage)
        return mark

    def _tidy(self, student: Student) -> None:
        """Removes what another recipe left in the folder, and keeps the parts that are done."""
        storage = student.stage.storage
        for name in storage.names():
            storage.remove(name)
        for name in storage.folders():
            if name.removesuffix("-first") not in student.parts:
                storage.remove_folder(name)

    def _teach_part(self, examples: Stage, student: Student, task: str) -> dict[str, Any]:
        """Trains the student of one task unless it is there."""
        stage = student.parts[task]

        def make(mark: dict[str, Any]) -> None:
            mark.update(self._learn(examples, stage, self._part_training, task), **making())
            StudentFile(self._parts.config.recipe, task=task).write(stage.storage)

        mark = once(self._parts.folder, stage, make)
        forget_states(self._trainings, stage)
        return mark

    def _learn(
        self, examples: Stage, stage: Stage, training: TrainingConfig, task: str | None = None
    ) -> dict[str, Any]:
        first = self._first(examples, stage, training, task)
        return self._train(examples, stage, training, first, task)

    def _first(self, examples: Stage, after: Stage, training: TrainingConfig, task: str | None) -> Storage | None:
        """The first student of a self-distillation, trained unless it is there; None where there is none."""
        if not training.self_distillation:
            return None
        plain = training.model_copy(update={"self_distillation": None})
        stage = self._stage(examples, f"{after.name}-first", plain, task)
        once(self._parts.folder, stage, lambda mark: mark.update(self._train(examples, stage, plain, None, task)))
        forget_states(self._trainings, stage)
        return stage.storage

    def _train(
        self, examples: Stage, stage: Stage, training: TrainingConfig, frozen: Storage | None, task: str | None
    ) -> dict[str, Any]:
        config = self._parts.config
        with tracking(config.tracking, self._parts.folder.storage, stage.id, shown_settings(config)) as sinks:
            return train(
                examples,
                stage,
                self._trainings,
                model=self._parts.base.model,
                student_settings=config.student,
                training=training,
                resources=config.resources,
                recipe=self._parts.recipe,
                sinks=sinks,
                frozen=frozen,
                task=task,
                data=config.problems.data,
                run=config.name,
            )

    def write_card(
        self, student: Student, verdicts: Mapping[str, Any], trained: Mapping[str, Any], results: Sequence[Row] = ()
    ) -> None:
        """Writes the card of a student, with its results once there are some."""
        shown = {"base": "base", student.name: "student"}
        rows = [{**row, "model": shown[row["model"]]} for row in results if row["model"] in shown]
        if not student.parts:
            origin = self._origin(verdicts, trained, student.repairs)
            student.stage.storage.write_text("README.md", model_card(origin, rows))
            return
        origins = {task: self._origin(verdicts, trained["students"][task], task=task) for task in student.parts}
        student.stage.storage.write_text("README.md", pair_card(origins, rows))
        for task, stage in student.parts.items():
            stage.storage.write_text("README.md", model_card(origins[task], ()))

    def _origin(
        self, verdicts: Mapping[str, Any], trained: Mapping[str, Any], slot: bool = False, task: str = ""
    ) -> StudentOrigin:
        config, base = self._parts.config, self._parts.base.model
        return student_origin(config, base, self._parts.teacher, verdicts, trained, slot, task)

    @property
    def _trainings(self) -> Storage:
        return self._parts.folder.storage / "training"


def together(marks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the done mark of several students says: sums, and each one's own under `students`.

    Args:
        marks: task to the done mark of its student.
    """
    summed = {name: sum(mark.get(name, 0) for mark in marks.values()) for name in _SUMMED}
    problems = max(mark.get("problems", 0) for mark in marks.values())
    own = {task: {name: mark[name] for name in mark if name != "id"} for task, mark in marks.items()}
    return {**{name: value for name, value in summed.items() if value}, "problems": problems, "students": own}


_SUMMED = ("examples", "steps", "tokens", "train_seconds", "validation_examples")
