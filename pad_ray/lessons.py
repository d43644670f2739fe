"""What a round teaches: the teacher's programs, the student's own, and lessons in repair, as one table of examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pad_ray.answers import rules_of
from pad_ray.confirmation import confirmed_runs
from pad_ray.contamination import Overlap
from pad_ray.errors import PlacementError
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row, list_hash
from pad_ray.refinement_settings import RefinementConfig
from pad_ray.run_parts import RunParts
from pad_ray.sandbox import Sandbox, SandboxUnavailable
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.marks import mark_samples
from pad_ray.synthesis.mixture import mix
from pad_ray.synthesis.own_programs import new_programs
from pad_ray.synthesis.pairs import with_pairs
from pad_ray.synthesis.repairs import Repair, draw_faults, injected_repairs, mined_repairs
from pad_ray.training.settings import TrainingConfig
from pad_ray.training.tokens import count_tokens
from pad_ray.training.trainer import longest_example
from pad_ray.training.valuation import values_of

_Values = Callable[[Sequence[Row]], Mapping[str, float]]


def make_lessons(
    parts: RunParts, settings: RefinementConfig, taught: Sequence[Row], written: Sequence[Row]
) -> list[Row]:
    """All rows that a round may learn from, each used or with the reason why it is not.

    Args:
        parts: of the run.
        settings: which kinds of lessons, and how many.
        taught: the teacher's sample rows with their latest verdicts.
        written: those of the student, of all rounds so far.

    Returns:
        Example rows: reasoning, then repairs.
    """
    own = new_programs(written, taught)
    examples, learnt = _reasoning(parts, [*taught, *(own if settings.own else ())], valuing(parts))
    repairs: list[Repair] = []
    if settings.teaches_repair:
        # A failure may become the student's own right program, though that joins no reasoning.
        targets = learnt if settings.own else _reasoning(parts, [*taught, *own], None)[1]
        repairs = _repairs(parts, settings, learnt, targets, written)
    if parts.pairing:
        examples = with_pairs(examples, [*taught, *written], parts.recipe, parts.pairing)
    fits = fitting(parts.base.model, parts.config.training)
    return mix(examples, parts.questions, repairs, parts.recipe, settings.repair, fits)


def _reasoning(parts: RunParts, right: Sequence[Row], values: _Values | None) -> tuple[list[Row], list[Row]]:
    """Examples of these samples, and the samples of those that are used."""
    overlap = Overlap(folder=parts.config.problems.data)
    marks = mark_samples(right, parts.questions, lambda question: overlap.of(parts.bare(question)))
    examples = make_examples(right, parts.questions, parts.recipe, parts.config.examples, marks, values)
    used = {row["sample_id"] for row in examples if row["used"]}
    return examples, [row for row in right if row["id"] in used]


def valuing(parts: RunParts) -> _Values | None:
    """What examples are worth, by the order that the run's settings name; None where that is chance."""
    order, config = parts.config.examples.order, parts.config
    if order == "random":
        return None
    return lambda rows: values_of(rows, parts.questions, order, parts.base.model, config.resources)


def _repairs(
    parts: RunParts,
    settings: RefinementConfig,
    learnt: Sequence[Row],
    targets: Sequence[Row],
    written: Sequence[Row],
) -> list[Repair]:
    """Lessons of both kinds; of those that the share has no room for at all none is made.

    Args:
        learnt: samples whose programs get faults.
        targets: samples whose programs failures may become.
        written: the student's samples.
    """
    found: list[Repair] = []
    if settings.repair.mined < 1:
        faults = draw_faults(learnt, settings.repair)
        comparison = rules_of(parts.config.verification, parts.recipe).comparison
        try:
            with Sandbox(workers=parts.config.resources.sandbox_workers) as sandbox:
                found += injected_repairs(learnt, confirmed_runs(faults, sandbox, comparison))
        except SandboxUnavailable as error:
            raise PlacementError(error.problem, error.mend) from error
    if settings.repair.mined > 0:
        found += mined_repairs(written, targets, settings.repair)
    return found


def fitting(model: str, training: TrainingConfig) -> Callable[[Row], bool]:
    """Whether an example has room in the student's context and in `training.max_tokens`.

    Args:
        model: the base model, resolved.
        training: the longest example that is learnt from.
    """
    from transformers import AutoConfig, AutoTokenizer

    config, tokenizer = AutoConfig.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    pairs, limit = bool(config.is_encoder_decoder), longest_example(config, training)
    return lambda row: count_tokens(row, tokenizer, pairs) <= limit


def learnt_digest(rows: Iterable[Row]) -> str:
    """A hash of what is learnt from rows of examples: two tables that teach the same have the same."""
    return list_hash(_taught(row) for row in rows if row["used"])


def _taught(row: Row) -> tuple[Any, ...]:
    more = (row.get("task"), row.get("weight"))
    contrast = (row["contrast"],) if row.get("contrast") else ()
    return (row["prompt"], row["target"], *(more if any(one is not None for one in more) else ()), *contrast)


def counts(rows: Sequence[Row]) -> Mapping[str, Any]:
    """What the done mark of a table of examples says."""
    used = [row for row in rows if row["used"]]
    return {
        "rows": len(rows),
        "used": len(used),
        "problems_solved": len({row["problem_id"] for row in used}),
        "repairs": sum(row["lesson"] is not None and not shows_wrong(row) for row in used),
        "digest": learnt_digest(rows),
    }
