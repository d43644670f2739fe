"""The card of a checkpoint between a student and its base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pad_ray.markdown import inline

_KEPT = ("license", "license_name", "base_model", "datasets", "library_name", "pipeline_tag", "tags")


def averaged_card(student: str, base: str, share: float, adapter: bool, hub_base: str | None = None) -> str:
    """The Markdown of a card, with YAML front matter.

    Licence, base and data sets are the student's; figures are not taken over, since they are of other weights.

    Args:
        student, base: resolved models.
        share: of the student.
        adapter: the student is an adapter, written by that factor.
        hub_base: the base's name on the hub; None where it has none.
    """
    from huggingface_hub import ModelCardData

    facts = _facts(student) | {"library_name": "peft" if adapter else "transformers"}
    facts.setdefault("base_model", hub_base)
    facts["tags"] = list(dict.fromkeys([*(facts.get("tags") or []), "pad-ray", "merge"]))
    front = ModelCardData(**{name: value for name, value in facts.items() if value}).to_yaml()
    ours, theirs = inline(_name(student)), inline(_name(base))
    what = (
        f"The LoRA adapter {ours} by the factor {share:g}, for {theirs}: that share of what it learnt."
        if adapter
        else f"{share:g} of the weights of {ours} and {1 - share:g} of those of its base {theirs}, tensor by tensor."
    )
    return (
        f"---\n{front}\n---\n\n# A student averaged with its base\n\n{what}\n\n"
        "It is asked as the student is. The student's figures are not its own: `pad-ray ability` measures what it can "
        "besides, `pad-ray evaluate` what it was taught.\n"
    )


def _facts(student: str) -> dict[str, Any]:
    """What the student's card says of itself; nothing where it has none that can be read."""
    from huggingface_hub import ModelCard

    path = Path(student) / "README.md"
    if not path.is_file():
        return {}
    try:
        data = ModelCard.load(path, ignore_metadata_errors=True).data.to_dict()
    except (OSError, ValueError):
        return {}
    return {name: data[name] for name in _KEPT if name in data}


def _name(model: str) -> str:
    """A model's folder and the one above it (`mine/student`), without the machine's."""
    path = Path(model)
    return "/".join(path.parts[-2:]) if path.is_dir() else model
