"""What a run knows of its student, gathered for the student's card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.generation.engines import engine_for, engine_rank
from pad_ray.generation.teachers import Teacher
from pad_ray.models import hub_model, model_licence, model_settings
from pad_ray.problem_sources import is_hub_name
from pad_ray.provenance import git_commit, versions
from pad_ray.recipes import recipe_named
from pad_ray.training.card import StudentOrigin
from pad_ray.training.usage import Asking
from pad_ray.verification import Verdict


def making() -> dict[str, Any]:
    """Versions and commit of the code that trains now, for the done mark: the card is written again later."""
    return {"versions": versions(), "commit": git_commit()}


def asking_of(config: RunConfig, base: str, slot: bool = False, task: str = "") -> Asking:
    """How the student of a run is asked.

    Args:
        config: the run's settings.
        base: its base model, resolved.
        slot: it was taught to repair.
        task: the one that it learnt, of a recipe with a student for each.
    """
    room = (engine_rank(config.student.lora.rank) or 0) if config.student.lora else 0
    return Asking(
        recipe=recipe_named(config.recipe),
        encoder_decoder=bool(model_settings(base).get("is_encoder_decoder")),
        max_tokens=config.evaluation.max_tokens,
        adapter_room=room,
        vllm=engine_for(base, adapters=bool(room)) == "vllm",
        slot=slot,
        task=task,
    )


def student_origin(
    config: RunConfig,
    base: str,
    teacher: Teacher,
    verdicts: Mapping[str, Any],
    trained: Mapping[str, Any],
    slot: bool = False,
    task: str = "",
) -> StudentOrigin:
    """Where the student of a run comes from.

    Args:
        config: the run's settings.
        base: its base model, resolved.
        teacher: who wrote the programs.
        verdicts: the done mark of the verdicts.
        trained: the done mark of the training, with what `making` said.
        slot: it was taught to repair.
        task: the one that it learnt, of a recipe with a student for each.
    """
    source = config.problems.train
    return StudentOrigin(
        run=config.name,
        base=config.student.model.rstrip("/").rpartition("/")[2],
        hub_base=hub_model(config.student.model) or "",
        base_licence=model_licence(config.student.model, base),
        teacher=teacher.name,
        source=source,
        hub_source=source.partition(":")[0] if is_hub_name(source) else "",
        licence=config.problems.licence,
        lora=config.student.lora.model_dump() if config.student.lora else {},
        training=config.training.identity,
        seeds={"problems": config.problems.seed, "sampling": config.teacher.seed, "training": config.training.seed},
        verdicts={verdict: verdicts[verdict] for verdict in Verdict if verdicts.get(verdict)},
        trained=trained,
        asking=asking_of(config, base, slot, task),
    )
