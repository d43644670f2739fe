"""How examples become a student: trained, with a card that says where it comes from and how it is asked."""

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
from pad_ray.training.card import model_card
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

    def _stage(self, examples: Stage, name: str, training: TrainingConfig) -> Stage:
        mark = examples.done
        taught = mark["digest"] if mark else examples.id
        lora = self._parts.config.student.lora
        settings = {"model": self._parts.base.identity, "lora": lora and lora.model_dump(), **training.identity}
        if training.replay:
            settings["replay"] = replay_digest(training.replay, self._parts.config.problems.data)
        return self._parts.folder.stage(name, [settings, taught], flat=True)

    def check(self, examples: Stage) -> None:
        """Tells what cannot be learnt from, before anything long is begun.

        Raises:
            InputError: there are no examples, or one is too long.
        """
        config = self._parts.config
        read_lesson(examples, self._parts.base.model, config.training, self._parts.recipe, config.problems.data)

    def teach(self, examples: Stage, student: Student, verdicts: Mapping[str, Any]) -> dict[str, Any]:
        """Trains a student unless it is there, and returns what its done mark says.

        Args:
            examples: a done stage of example rows.
            student: the one to make.
            verdicts: the done mark of the teacher's verdicts, for the card.
        """

        def make(mark: dict[str, Any]) -> None:
            await_released()
            mark.update(self._train(examples, student.stage, training, self._first(examples, student)), **making())
            StudentFile(self._parts.config.recipe, student.repairs).write(student.stage.storage)
            self.write_card(student, verdicts, mark)

        training = self._parts.config.training
        mark = once(self._parts.folder, student.stage, make)
        forget_states(self._trainings, student.stage)
        return mark

    def _first(self, examples: Stage, student: Student) -> Storage | None:
        """The first student of a self-distillation, trained unless it is there; None where there is none."""
        training = self._parts.config.training
        if not training.self_distillation:
            return None
        plain = training.model_copy(update={"self_distillation": None})
        stage = self._stage(examples, f"{student.stage.name}-first", plain)
        once(self._parts.folder, stage, lambda mark: mark.update(self._train(examples, stage, plain, None)))
        forget_states(self._trainings, stage)
        return stage.storage

    def _train(self, examples: Stage, stage: Stage, training: TrainingConfig, frozen: Storage | None) -> dict[str, Any]:
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
                data=config.problems.data,
            )

    def write_card(
        self, student: Student, verdicts: Mapping[str, Any], trained: Mapping[str, Any], results: Sequence[Row] = ()
    ) -> None:
        """Writes the card of a student, with its results once there are some."""
        origin = student_origin(
            self._parts.config, self._parts.base.model, self._parts.teacher, verdicts, trained, student.repairs
        )
        shown = {"base": "base", student.name: "student"}
        rows = [{**row, "model": shown[row["model"]]} for row in results if row["model"] in shown]
        student.stage.storage.write_text("README.md", model_card(origin, rows))

    @property
    def _trainings(self) -> Storage:
        return self._parts.folder.storage / "training"
