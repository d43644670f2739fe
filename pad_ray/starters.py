"""Configurations to start from: `pad-ray init`. Each key is written with what its model says of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pad_ray.config import apply_override, parse_config
from pad_ray.errors import ConfigError
from pad_ray.key_reference import field_at, takes

_WIDTH = 100


@dataclass(frozen=True)
class Starter:
    """A kind of run.

    Attributes:
        kind: its name.
        summary: what it is for, in a line.
        expect: what to have ready and what to expect, in sentences.
        settings: the keys that it sets.
        further: dotted keys that are worth knowing; written as comments, with their defaults.
    """

    kind: str
    summary: str
    expect: str
    settings: Mapping[str, Any]
    further: Sequence[str] = field(default_factory=tuple)


_TRAINING = {"epochs": 4, "learning_rate": 3e-4, "batch_size": 16}
_COMMON = ("teacher.temperature", "training.epochs", "training.learning_rate", "evaluation.shots")

STARTERS: dict[str, Starter] = {
    starter.kind: starter
    for starter in (
        Starter(
            "quickstart",
            "the whole loop on a laptop's CPU, with generated word problems",
            "Needs no GPU, no account and no data. It took 37 minutes on two busy cores.",
            {
                "problems": {
                    "train": "quickstart",
                    "sizes": {"train": 160, "validation": 100, "test": 300, "unseen": 150},
                },
                "teacher": {
                    "model": "embedded",
                    "context": "nearest",
                    "shots": 2,
                    "samples": 4,
                    "temperature": 0.5,
                    "max_tokens": 96,
                },
                "training": {**_TRAINING, "epochs": 8, "batch_size": 8},
                "evaluation": {
                    "shots": [0, 4, 8],
                    "max_tokens": 96,
                    "decoders": ["greedy", "step-beam"],
                    "decoding": {"budget": {"tokens": 512}},
                },
                "refinement": {"samples": 1, "temperatures": [0.3, 0.7], "max_tokens": 96, "stop": {"rounds": 1}},
            },
        ),
        Starter(
            "own",
            "your own problems, from a JSONL file",
            "Needs problems.jsonl: one JSON object a line with `question` and `answer`, and `id` if there is one.",
            {
                "problems": {"train": "problems.jsonl", "licence": "unknown"},
                "teacher": {"model": "embedded", "shots": 4, "samples": 4},
                "student": {"model": "embedded"},
                "training": _TRAINING,
            },
            (
                "problems.test",
                "problems.holdout",
                "problems.question",
                "problems.answer",
                "teacher.examples",
                *_COMMON[:1],
                "verification.mode",
                "evaluation.shots",
            ),
        ),
        Starter(
            "gsm8k",
            "GSM8K, with a larger teacher and the embedded student",
            "Needs GSM8K's train.jsonl and test.jsonl in <PAD_RAY_DATA>/gsm8k, and a GPU for a teacher of this size.",
            {
                "problems": {"train": "gsm8k/train.jsonl", "test": "gsm8k", "licence": "mit"},
                "teacher": {"model": "Qwen/Qwen2.5-1.5B-Instruct", "shots": 4, "samples": 4},
                "student": {"model": "embedded"},
                "training": _TRAINING,
                "resources": {"engine_gpus": 1, "max_model_len": 1536},
            },
            ("problems.limit", "problems.test_limit", *_COMMON[:1], "evaluation.shots", "resources.engines"),
        ),
        Starter(
            "http",
            "a teacher behind an endpoint that speaks OpenAI's protocol",
            "Needs the endpoint's key in the variable that `api_key_env` names. `pad-ray run FILE --dry-run` says what "
            "it will cost before it is spent.",
            {
                "problems": {"train": "problems.jsonl"},
                "teacher": {
                    "kind": "http",
                    "model": "name-of-the-model",
                    "ask": "chat",
                    "shots": 2,
                    "samples": 4,
                    "max_tokens": 256,
                    "http": {
                        "base_url": "https://host/v1",
                        "api_key_env": "TEACHER_API_KEY",
                        "requests_per_minute": 300,
                        "spending_limit": 5,
                        "price_per_million_prompt_tokens": 0.2,
                        "price_per_million_completion_tokens": 0.6,
                    },
                },
                "student": {"model": "embedded"},
                "training": _TRAINING,
            },
            ("teacher.http.max_in_flight", "teacher.http.retries", "teacher.http.timeout_s", "teacher.system"),
        ),
        Starter(
            "recorded",
            "completions that you have already, from a JSONL file",
            "Needs problems.jsonl with `id`, and completions.jsonl with `problem_id` and `completion`.",
            {
                "problems": {"train": "problems.jsonl"},
                "teacher": {"kind": "recorded", "file": "completions.jsonl", "shots": 0, "samples": 1},
                "student": {"model": "embedded"},
                "training": _TRAINING,
            },
            ("examples.exclude", "examples.per_problem", "verification.mode"),
        ),
        Starter(
            "cluster",
            "several GPUs on a Ray cluster, with runs in storage that all nodes see",
            "Send it with `pad-ray submit FILE --address http://HEAD:8265`. `runs` must be a folder or an s3:// "
            "address that every node reaches.",
            {
                "runs": "s3://bucket/runs",
                "problems": {"train": "openai/gsm8k:main", "test": "gsm8k", "licence": "mit"},
                "teacher": {"model": "Qwen/Qwen2.5-7B-Instruct", "samples": 8},
                "student": {"model": "Qwen/Qwen2.5-0.5B"},
                "training": _TRAINING,
                "resources": {
                    "engines": 4,
                    "engine_gpus": 1,
                    "sandbox_workers": 4,
                    "train_workers": 4,
                    "train_gpus": True,
                    "max_model_len": 2048,
                },
            },
            ("resources.zero_stage", "resources.micro_batch_tokens", "resources.engine_kwargs"),
        ),
    )
}


def starter_named(kind: str) -> Starter:
    """The kind of that name.

    Raises:
        ConfigError: there is none; those that there are are named.
    """
    if kind not in STARTERS:
        raise ConfigError(f"there is no kind of run `{kind}`", f"There are: {', '.join(STARTERS)}")
    return STARTERS[kind]


def starter_text(starter: Starter, file: str, overrides: Sequence[str] = ()) -> str:
    """A commented configuration file.

    Args:
        starter: the kind.
        file: what it will be called, for its launch line.
        overrides: `key.path=value`, written into it.

    Raises:
        ConfigError: an override that the models refuse.
    """
    settings = _copy(starter.settings)
    for override in overrides:
        apply_override(settings, override)
    for key in starter.further:  # a section of comments alone would be none
        section, _, name = key.rpartition(".")
        if section not in starter.settings and "." not in section:
            settings.setdefault(section, {}).setdefault(name, _default_value(key))
    parse_config(settings)
    lines = [f"# pad-ray run {file}", "#", *_comment(f"{_sentence(starter.summary)} {starter.expect}")]
    lines += ["# All keys: docs/configuration.md.", *_mapping(settings, "", starter.further)]
    return "\n".join(lines) + "\n"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _copy(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in settings.items()}


def _mapping(settings: Mapping[str, Any], path: str, further: Sequence[str], indent: str = "") -> Iterator[str]:
    """Lines of a section: its keys with comments, then those of `further` that belong to it."""
    shown = [key for key in further if key.rpartition(".")[0] == path and key.rpartition(".")[2] not in settings]
    for key, value in settings.items():
        dotted = f"{path}.{key}".lstrip(".")
        if isinstance(value, Mapping) and _is_section(dotted):
            if not path:
                yield ""
            yield f"{indent}{key}:"
            yield from _mapping(value, dotted, further, f"{indent}  ")
        else:
            yield from _comment(_about(dotted), indent)
            yield f"{indent}{key}: {_value(value)}"
    for dotted in shown:
        yield from _comment(_about(dotted), indent)
        default = _default_value(dotted)
        yield f"{indent}#{dotted.rpartition('.')[2]}: {'…' if default is None else _value(default)}"


def _is_section(dotted: str) -> bool:
    from pad_ray.section import section_of

    found = field_at(dotted)
    return found is not None and section_of(found.annotation) is not None


def _about(dotted: str) -> str:
    found = field_at(dotted)
    if not found:
        return ""
    words = takes(found).replace("`", "")
    return f"{found.description or ''} {_sentence(words) if words.startswith('one of') else ''}".strip()


def _default_value(dotted: str) -> Any:
    found = field_at(dotted)
    assert found, f"a starter names `{dotted}`, which is no key"
    value = found.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value


def _value(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, default_flow_style=True, width=10**6)).removesuffix("...\n").strip()


def _comment(text: str, indent: str = "") -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(text, _WIDTH - len(indent))]
