"""The card of a student, `student/README.md`, in the form of model cards on the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pad_ray.figures import interval
from pad_ray.licences import licence_facts
from pad_ray.markdown import block, inline, markdown_table, percent
from pad_ray.training.usage import Asking, transformers_code, vllm_code

_USE = "## How to use it\n"


@dataclass(frozen=True)
class StudentOrigin:
    """Where a student comes from.

    Attributes:
        run: the run's name.
        base: the model that learnt, as the settings name it.
        hub_base: its name on the hub; empty where it has none.
        base_licence: its licence; `unknown` where nobody said.
        teacher: who wrote the programs.
        source: where the problems come from.
        hub_source: that data set's name on the hub; empty where it has none.
        licence: of the problems.
        lora: rank, alpha, dropout and targets of the adapter; empty where all weights were trained.
        training: what defines the weights.
        seeds: seeds by what they are of.
        verdicts: how many of the teacher's samples ended with which verdict.
        trained: what the training says of itself (`pad_ray.training.trainer.train`), with `versions` and `commit`.
        asking: how the student is asked.
    """

    run: str
    base: str
    hub_base: str
    base_licence: str
    teacher: str
    source: str
    hub_source: str
    licence: str
    lora: Mapping[str, Any]
    training: Mapping[str, Any]
    seeds: Mapping[str, Any]
    verdicts: Mapping[str, int]
    trained: Mapping[str, Any]
    asking: Asking = field(repr=False)


def model_card(origin: StudentOrigin, results: Sequence[Mapping[str, Any]] = ()) -> str:
    """The Markdown of a card, with YAML front matter.

    Args:
        origin: where the student comes from.
        results: rows of `evaluation/results.json`; none before it was measured.
    """
    parts = [
        _front_matter(origin, results),
        _opening(origin),
        *([] if origin.asking.task else [_accuracy(results)]),
        _use(origin.asking),
        _data(origin),
        _training(origin),
        _origin(origin),
    ]
    return "\n".join(parts)


def pair_card(origins: Mapping[str, StudentOrigin], results: Sequence[Mapping[str, Any]] = ()) -> str:
    """The Markdown of the card of students that take turns, which stand in folders beside it.

    Args:
        origins: where each comes from, by its task, which is the name of its folder.
        results: rows of `evaluation/results.json`, of all of them together.
    """
    one = next(iter(origins.values()))
    parts = [f"- [`{task}/`]({task}/README.md) {_TASKS[task]}\n" for task in origins]
    return "\n".join(
        [
            f"# Students of the run {inline(one.run)}\n",
            f"Two small language models that take turns, both taught from {_base(one)}, arXiv 2212.00193:\n",
            "".join(parts),
            "Each reads the question and all turns so far, and writes one line. The dialogue ends where the first "
            "writes `none`; the last `####` states the answer. `pad_ray.recipes.turns.take_turns` does it.\n",
            _accuracy(results, decoders=True),
            "`turns+given`: the subquestions are those of the data set.\n",
        ]
    )


_TASKS = {"qg": "asks the next subquestion", "qa": "answers it"}


def merged_card(card: str, asking: Asking) -> str:
    """The card of an adapter, as that of the checkpoint that it was merged into.

    Args:
        card: the adapter's.
        asking: how the adapter is asked.
    """
    from huggingface_hub import ModelCard

    found = ModelCard(card, ignore_metadata_errors=True)
    found.data["library_name"] = "transformers"
    found.data["tags"] = [tag for tag in found.data.get("tags") or [] if tag != "lora"]
    front = f"---\n{found.data.to_yaml()}\n---\n"
    use = _use(replace(asking, adapter_room=0))
    return front + re.sub(rf"{_USE}.*?(?=^## )", lambda _: f"{use}\n", found.text, flags=re.DOTALL | re.MULTILINE)


def _front_matter(origin: StudentOrigin, results: Sequence[Mapping[str, Any]]) -> str:
    from huggingface_hub import ModelCardData

    lora = ["lora"] if origin.lora else []
    measured = [_eval_result(row, origin) for row in results if row["model"] == "student"]
    licence = licence_facts(origin.base_licence)
    data = ModelCardData(
        license=licence["license"],
        license_name=licence.get("license_name"),
        base_model=origin.hub_base or None,
        datasets=[origin.hub_source] if origin.hub_source else None,
        library_name="peft" if origin.lora else "transformers",
        pipeline_tag="text-generation",
        tags=["pad-ray", *_TAGS[bool(origin.asking.task)], *lora],
        metrics=["accuracy"],
        model_name=f"{origin.run} student" if measured else None,
        eval_results=measured or None,
    )
    return f"---\n{data.to_yaml()}\n---\n"


def _eval_result(row: Mapping[str, Any], origin: StudentOrigin) -> Any:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type="text-generation",
        dataset_type=row["benchmark"],
        dataset_name=f"{row['benchmark']}, {row['split']}",
        dataset_split=row["split"],
        metric_type="accuracy",
        metric_name=f"right answers of {row['n']}, {row['decoder']}",
        metric_value=round(row["accuracy"], 4),
    )


_TAGS = {False: ("program-aided-distillation", "math-word-problems"), True: ("socratic-distillation",)}


def _opening(origin: StudentOrigin) -> str:
    trained, what = origin.trained, "a LoRA adapter on" if origin.lora else "fine-tuned from"
    if task := origin.asking.task:
        return (
            f"# Student `{task}` of the run {inline(origin.run)}\n\n"
            f"One of two small language models that take turns: this one {_TASKS[task]}. It is {what} {_base(origin)}, "
            f"and learnt from {trained.get('examples', 0):,} dialogues whose last answer is right. It is measured "
            "[together with the other](../README.md).\n"
        )
    return (
        f"# Student of the run {inline(origin.run)}\n\n"
        f"A small language model that answers word problems by writing a program, {what} {_base(origin)}. It learnt "
        f"from {trained.get('examples', 0):,} programs for {trained.get('problems', 0):,} problems, each of which a "
        "sandbox had run and found right.\n"
    )


def _base(origin: StudentOrigin) -> str:
    if origin.hub_base:
        return f"[{origin.hub_base}](https://huggingface.co/{origin.hub_base})"
    return inline(origin.base)


def _accuracy(results: Sequence[Mapping[str, Any]], decoders: bool = False) -> str:
    rows = [row for row in results if row["split"] != "validation"]
    if not any(row["model"] == "student" for row in rows):
        return "## Accuracy\n\nNot measured yet.\n"
    head = ("problems", "model", "worked examples", "n", "right", "95 % interval", "executable")
    cells = [
        (
            f"{row['benchmark']}, {row['split']}",
            f"{row['model']}, {row['decoder']}" if decoders else row["model"],
            str(row["shots"]),
            f"{row['n']:,}",
            f"{100 * row['accuracy']:.1f} %",
            f"{interval(row['low'], row['high'])} %",
            "–" if row["executable_rate"] is None else f"{100 * row['executable_rate']:.1f} %",
        )
        for row in rows
    ]
    return (
        f"## Accuracy\n\n{markdown_table(head, cells)}\nGreedy answers, run and compared with gold; Wilson's interval. "
        "The base model is shown worked examples, the student none.\n"
    )


def _use(asking: Asking) -> str:
    parts = [_USE, f"With {'peft' if asking.adapter_room else 'transformers'}:\n"]
    parts.append(block(transformers_code(asking), "python"))
    if code := vllm_code(asking):
        parts += ["With vLLM:\n", block(code, "python")]
    else:
        parts.append("vLLM does not serve this architecture.\n")
    if not asking.task:
        parts.append("What it writes is a program of nobody you know: run it in a sandbox.\n")
    return "\n".join(parts)


def _data(origin: StudentOrigin) -> str:
    what = "dialogues" if origin.asking.task else "programs"
    total = sum(origin.verdicts.values())
    rows = [(name, f"{count:,}", percent(count, total)) for name, count in origin.verdicts.items()]
    held = f", {origin.trained['validation_examples']:,} held back" if origin.trained.get("validation_examples") else ""
    return (
        f"## Data\n\nProblems of {inline(origin.source)} (licence: {inline(origin.licence)}), {what} by "
        f"{inline(origin.teacher)}. Of {total:,} samples {origin.trained.get('examples', 0):,} were learnt from{held}; "
        f"what they came to:\n\n{markdown_table(('verdict', 'samples', 'share'), rows)}"
    )


def _training(origin: StudentOrigin) -> str:
    trained = origin.trained
    rows = [
        ("method", "LoRA" if origin.lora else "all weights"),
        *((f"LoRA {name}", _plain(value)) for name, value in origin.lora.items()),
        *((name.replace("_", " "), _plain(value)) for name, value in origin.training.items()),
        ("steps", f"{trained.get('steps', 0):,}"),
        ("tokens", f"{trained.get('tokens', 0):,}"),
        ("time at work", f"{trained.get('train_seconds', 0) / 60:.1f} min"),
        *((name.replace("_", " "), _plain(trained[name])) for name in _OUTCOMES if name in trained),
    ]
    return f"## Training\n\n{markdown_table(('', ''), rows)}"


_OUTCOMES = ("replayed", "loss", "validation_loss", "best_epoch", "stopped")


def _origin(origin: StudentOrigin) -> str:
    versions = origin.trained.get("versions") or {}
    rows = [
        ("run", origin.run),
        ("recipe", origin.asking.recipe.name),
        ("licence of the base model", origin.base_licence),
        ("licence of the problems", origin.licence),
        *((f"seed of {name}", _plain(value)) for name, value in origin.seeds.items()),
        ("commit of pad-ray", origin.trained.get("commit") or "not known"),
        *((f"version of {name}", value) for name, value in versions.items()),
    ]
    return (
        f"## Origin\n\n{markdown_table(('', ''), rows)}\n"
        "The licence at the top is the base model's; the terms of the problems and of the teacher may add to it.\n"
    )


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_plain, value))
    return "the model's own" if value is None else str(value)
