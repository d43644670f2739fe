"""The reference of all settings, made from the models that check them: `python -m pad_ray.key_reference`.

`docs/configuration.md` is its output, and a test sees that it is current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pad_ray.config import RunConfig
from pad_ray.section import section_of

_HEAD = """\
# Configuration

<!-- Made by `make docs` from the models in pad_ray/config.py: change a description there. -->

A run is one YAML file. Every key has a default but where it says otherwise; an unknown key is refused, and the nearest
one is named. On the command line `--set section.key=value` overrides a key, as often as you like; the value is read as
YAML (`--set evaluation.shots=[0,4]`).

What defines a result stands in the sections that stage ids are hashed from. `resources` says how a run is executed and
never changes an id: a run may go on with more engines or workers.

`pad-ray init KIND` writes a commented file to start from.
"""


def reference() -> str:
    """The whole page, as Markdown."""
    sections = "\n".join(_section(model, path) for path, model in _sections(RunConfig))
    return f"{_HEAD}\n{sections}"


def field_at(key: str) -> FieldInfo | None:
    """The field of a dotted key (`training.epochs`), None if there is none."""
    model: type[BaseModel] | None = RunConfig
    found = None
    for part in key.split("."):
        fields = {field.alias or name: field for name, field in model.model_fields.items()} if model else {}
        if part not in fields:
            return None
        found = fields[part]
        model = section_of(found.annotation)
    return found


def _sections(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    yield path, model
    for name, field in model.model_fields.items():
        if inner := section_of(field.annotation):
            yield from _sections(inner, f"{path}.{field.alias or name}".lstrip("."))


def _section(model: type[BaseModel], path: str) -> str:
    about = " ".join((model.__doc__ or "").split())
    plain = {name: field for name, field in model.model_fields.items() if not section_of(field.annotation)}
    rows = [_row(field.alias or name, field) for name, field in plain.items()]
    table = "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *rows])
    return f"## {f'`{path}`' if path else 'A run'}\n\n{about}\n\n{table}\n"


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | {takes(field)} | {_default(field)} | {_cell(field.description or '')} |"


def takes(field: FieldInfo) -> str:
    """What a field takes, in words: `one of a, b`, `number above 0`, `text, or nothing`."""
    words, nothing, _ = _type(field.annotation).partition(", or nothing")
    bounds = " and ".join(filter(None, (_bound(rule) for rule in field.metadata)))
    return _cell(f"{words} {bounds}".strip() + nothing)


_BOUNDS = {"gt": "above {}", "ge": "from {}", "lt": "below {}", "le": "to {}"}


def _bound(rule: Any) -> str:
    parts = [words.format(f"{getattr(rule, name):g}") for name, words in _BOUNDS.items() if hasattr(rule, name)]
    return " ".join(parts)


_NAMES: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def _type(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in inside)
    if origin in (Union, UnionType):
        some = [_type(one) for one in inside if one is not type(None)]
        return " or ".join(some) + (", or nothing" if type(None) in inside else "")
    if origin is tuple:
        return f"list of {_type(inside[0])}"
    if origin is dict:
        return "mapping"
    return str(getattr(annotation, "__name__", annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value is None or value == {}:
        return "–"
    return f"`{_cell(json.dumps(value) if not isinstance(value, str) else value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")
