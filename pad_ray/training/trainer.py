"""Starts a training on Ray Train v2, lets it go on where it stood, and brings its weights home."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.autoscaling import await_places
from pad_ray.config import ResourcesConfig
from pad_ray.errors import InputError, PadRayError, PlacementError, StageError
from pad_ray.metrics import gauge
from pad_ray.models import context_length
from pad_ray.placement import TRAINING
from pad_ray.progress import Meter, shown
from pad_ray.ray_names import ray_name
from pad_ray.recipes import Recipe
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row
from pad_ray.run_folder import Stage
from pad_ray.storage import Storage
from pad_ray.tally import tally_actor
from pad_ray.training.batches import count_steps
from pad_ray.training.checkpoints import KEEP
from pad_ray.training.cpu import environment
from pad_ray.training.loop import FINISHED, Job, train_worker
from pad_ray.training.metrics_log import FILE, MetricsLog, Sink, tell
from pad_ray.training.replay import LESSON as REPLAY
from pad_ray.training.replay import replay_rows
from pad_ray.training.settings import StudentConfig, TrainingConfig
from pad_ray.training.students import check_targets, linear_layers
from pad_ray.training.tokens import TokenizedExample, TokenTable, check_lengths, count_tokens, tokenize

METRICS = "metrics"
# Between two of Ray Train's looks at whether there is room for more workers. The workers see it first and keep a state,
# and what they do from then on is done again.
_GROWTH_SECONDS = 10.0
_MEND = "What was reached is kept: run the same command again"


@dataclass(frozen=True)
class Lesson:
    """What a student learns from, as ids.

    Attributes:
        examples: learnt from, in the order of `rows`.
        validation: held back.
        rows: the example rows of `examples`.
    """

    examples: list[TokenizedExample]
    validation: list[TokenizedExample]
    rows: list[Row]


def train(
    examples: Stage,
    student: Stage,
    work: Storage,
    *,
    model: str,
    student_settings: StudentConfig,
    training: TrainingConfig,
    resources: ResourcesConfig,
    recipe: Recipe,
    sinks: Sequence[Sink] = (),
    frozen: Storage | None = None,
    task: str | None = None,
    data: str | None = None,
    run: str = "",
) -> dict[str, Any]:
    """Fine-tunes `model` on the rows of `examples` and writes the result into `student`'s folder.

    A training that was killed goes on from the last state that it kept, with the same weights at its end as one that
    was not.

    Args:
        examples: a done stage of example rows.
        student: the stage to write.
        work: folder for states and metrics of trainings, each under the id of its student.
        model: a local folder or a hub name.
        student_settings: full or LoRA.
        training: what defines the weights.
        resources: how it is executed.
        recipe: knows which part of a target is its answer.
        sinks: called with the metrics of each step.
        frozen: folder of the first student, where `training.self_distillation` is set.
        task: learns the rows of this task alone, of a recipe with a student for each.
        data: the data folder, for what is replayed.
        run: name of the run, for Ray's dashboard.

    Returns:
        Facts for the done mark: examples, problems, how many others were replayed, steps, tokens, final loss,
        validation. The loss curve is `metrics.jsonl`.

    Raises:
        InputError: there are no examples, one is too long, or a LoRA target is not there.
        PlacementError: the cluster has fewer CPUs or GPUs than the workers need.
        StageError: training failed, or its loss is no number.
    """

    check_student(model, student_settings)
    lesson = read_lesson(examples, model, training, recipe, task, data)
    training = training.model_copy(update={"epochs": training.passes(sum(map(len, lesson.examples)))})
    check_placement(resources)
    place = work / student.id
    if not place.has(FINISHED):
        tags = {"stage": student.name, "model": Path(model).name}
        sinks = [*sinks, lambda record: tell(record, tags)]
        _fit(lesson, place, model, student_settings, training, resources, sinks, frozen, run, tags)
    facts = json.loads(place.read_text(FINISHED) or "{}")
    student.storage.copy_from(place / "weights")
    student.storage.write_text(FILE, MetricsLog(place / METRICS).text())
    return {**_counts(lesson), "steps": facts["step"], **_said(facts)}


def _counts(lesson: Lesson) -> dict[str, int]:
    """How many examples there are, apart from what is replayed, and from how many problems."""
    taught = [row for row in lesson.rows if row["lesson"] != REPLAY]
    problems = {row["problem_id"] for row in taught}
    counts = {"examples": sum(not shows_wrong(row) for row in taught), "problems": len(problems)}
    if lesson.validation:
        counts["validation_examples"] = len(lesson.validation)
    if replayed := len(lesson.rows) - len(taught):
        counts["replayed"] = replayed
    return counts


def check_student(model: str, student: StudentConfig) -> None:
    """Refuses LoRA targets that a model has not; its modules are made for it, without weights.

    Raises:
        ConfigError: names the target and those that there are.
    """
    if student.lora and student.lora.targets != "auto":
        check_targets(linear_layers(model), student.lora)


def forget_states(work: Storage, student: Stage) -> None:
    """Removes what a training could have gone on from, once the student is there."""
    if student.id in work.folders():
        (work / student.id).clear()
        work.remove_folder(student.id)


def _said(facts: dict[str, Any]) -> dict[str, Any]:
    same = {name: name for name in ("precision", "tokens", "loss", "stopped")}
    said = {name: facts[key] for key, name in {**same, "seconds": "train_seconds"}.items() if facts.get(key)}
    if facts.get("best") is not None:
        said |= {"validation_loss": facts["best"], "best_epoch": facts["best_epoch"]}
    return said


def read_lesson(
    examples: Stage,
    model: str,
    training: TrainingConfig,
    recipe: Recipe,
    task: str | None = None,
    data: str | None = None,
) -> Lesson:
    """Tokenises the rows that are used, or those of a task, and what is replayed; a share of the problems is held back.

    Raises:
        InputError: there are none, or one is too long for the settings or for the student.
    """
    from transformers import AutoConfig, AutoTokenizer

    rows = [row for row in examples.read_rows() if row["split"] == "train" and row["used"]]
    rows = [row for row in rows if task in (None, row["task"])]
    if not rows:
        raise InputError("no program held, so there is nothing to train on", "Look at the verdicts in samples/")
    config = AutoConfig.from_pretrained(model)
    tokenizer, limit = AutoTokenizer.from_pretrained(model), longest_example(config, training)
    pairs, longest = bool(config.is_encoder_decoder), context_length(config)
    if training.replay:
        rows += replay_rows(training.replay, len(rows), lambda row: count_tokens(row, tokenizer, pairs) <= limit, data)
    encoded = tokenize(
        rows,
        tokenizer,
        limit,
        encoder_decoder=pairs,
        loss=training.loss,
        answer_spans=recipe.answer_spans,
        learnt_spans=recipe.learnt_spans,
    )
    if pairs and longest:  # each text has places of its own
        check_lengths(rows, (max(len(one.prompt), len(one.target)) for one in encoded), longest)
    held = held_back([row["problem_id"] for row in rows], training)
    kept = [place for place, row in enumerate(rows) if row["problem_id"] not in held]
    return Lesson(
        [encoded[place] for place in kept],
        # What is to become less likely has a loss that falls without end, so it decides nothing.
        [encoded[place] for place, row in enumerate(rows) if row["problem_id"] in held and not shows_wrong(row)],
        [rows[place] for place in kept],
    )


def longest_example(config: Any, training: TrainingConfig) -> int:
    """Tokens that an example may have, prompt and target together.

    Args:
        config: the student's Hugging Face configuration.
        training: what is asked for.
    """
    longest = None if config.is_encoder_decoder else context_length(config)  # an encoder-decoder's texts stand apart
    return min(training.max_tokens, longest) if longest else training.max_tokens


def held_back(problems: Sequence[str], training: TrainingConfig) -> set[str]:
    """The problems whose programs are kept for validation: whole problems, so that none is on both sides.

    Raises:
        InputError: there are too few problems to hold any back.
    """
    if not training.validation:
        return set()
    distinct = sorted(set(problems))
    count = round(len(distinct) * training.validation)
    if not count:
        raise InputError(
            f"training.validation = {training.validation} of {len(distinct)} problems is none",
            "Raise it, or set it to 0",
        )
    return set(random.Random(f"validation/{training.seed}").sample(distinct, count))


def check_placement(resources: ResourcesConfig) -> None:
    """Refuses what the cluster can never place, instead of waiting for it (huggingface/open-r1#617).

    For nodes that an autoscaler starts it waits: those of the stages before may be gone.

    Raises:
        PlacementError: says what is needed and what there is.
    """
    import ray

    await_places(TRAINING, resources)
    have = ray.cluster_resources()
    kind = "GPU" if resources.train_gpus else "CPU"
    if have.get(kind, 0) < (fewest := resources.fewest_workers):
        raise PlacementError(
            f"{fewest} training workers need {fewest} {kind}s and this Ray has {have.get(kind, 0):g}",
            "Lower `resources.train_workers`" + ("" if resources.train_gpus else ", or raise `resources.cpus`"),
        )


def _fit(
    lesson: Lesson,
    place: Storage,
    model: str,
    student: StudentConfig,
    training: TrainingConfig,
    resources: ResourcesConfig,
    sinks: Sequence[Sink],
    frozen: Storage | None,
    run: str,
    tags: Mapping[str, str],
) -> None:
    """Trains until there is a FINISHED mark in `place`."""
    import ray

    check_placement(resources)
    tally = tally_actor(ray_name(run, tags["stage"]))
    job = Job(
        model=model,
        lora=student.lora,
        training=training,
        resources=resources,
        examples=ray.put(TokenTable(lesson.examples)),
        names=ray.put([row["id"] for row in lesson.rows]),
        validation=ray.put(TokenTable(lesson.validation)),
        frozen=frozen,
        place=place,
        tally=tally,
    )
    steps = count_steps(len(lesson.examples), training.batch_size, training.epochs)
    gauge("training_steps", steps, **tags)
    meter = Meter("train", steps, unit="steps", tags=tags)
    metrics = MetricsLog(place / METRICS, sinks)

    def read() -> dict[str, float]:
        sums: dict[str, float] = ray.get(tally.read.remote())
        return {**sums, "restarts": max(0.0, sums.get("starts", 0.0) - 1)}

    with metrics.following(tally), shown(meter, read):
        failure = _run(_trainer(job))
    if known := ray.get(tally.failure.remote()):
        raise known
    if not place.has(FINISHED):
        cause = _root(failure) if failure else None
        if isinstance(cause, PadRayError):
            raise cause from None
        raise StageError(f"training failed: {cause or 'its workers ended early'}", _MEND) from failure


def _run(trainer: Any) -> Exception | None:
    from ray.train import TrainingFailedError

    try:
        trainer.fit()
    except TrainingFailedError as error:
        return error
    return None


def _scaling(resources: ResourcesConfig) -> Any:
    """How many workers of what size; a range where a training goes on with fewer."""
    from ray.train import ScalingConfig

    gpus, most = resources.train_gpus, resources.train_workers
    elastic = resources.fewest_workers < most
    return ScalingConfig(
        num_workers=(resources.fewest_workers, most) if elastic else most,  # type: ignore[arg-type]
        use_gpu=gpus,
        resources_per_worker={"CPU": 1, "GPU": 1} if gpus else {"CPU": 1},
        elastic_resize_monitor_interval_s=_GROWTH_SECONDS,  # type: ignore[call-arg]
    )


def _trainer(job: Job) -> Any:
    from ray.train import CheckpointConfig, FailureConfig, RunConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    gpus = job.resources.train_gpus
    work, _, name = job.place.path.rpartition("/")
    return TorchTrainer(
        train_worker,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend="nccl" if gpus else "gloo"),
        scaling_config=_scaling(job.resources),
        # Ray Train takes a name for an identity: this one changes with all that defines the weights.
        run_config=RunConfig(  # type: ignore[call-arg]  # typed as Ray Train's version 1
            name=name,
            storage_path=work,
            storage_filesystem=job.place.filesystem,
            checkpoint_config=CheckpointConfig(num_to_keep=KEEP),
            # Nodes that go on notice are no failures: of these Ray Train counts none.
            failure_config=FailureConfig(max_failures=job.resources.train_retries),
            worker_runtime_env={} if gpus else {"env_vars": environment()},
        ),
    )


def _root(error: BaseException) -> BaseException:
    failures = getattr(error, "worker_failures", None)
    if failures:
        inner: BaseException = next(iter(failures.values()))
        return getattr(inner, "cause", None) or inner
    return error
