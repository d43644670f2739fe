"""KubeRay's own schemas of its resources, made strict: a field that they do not name is refused."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from tests.cluster.manifests import Json

_KEPT = "x-kubernetes-preserve-unknown-fields"


@cache
def crd(folder: Path, kind: str) -> Json:
    """The OpenAPI schema of version v1 of a kind."""
    [file] = folder.glob(f"ray.io_{kind.lower()}s.yaml")
    versions = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)["spec"]["versions"]
    [schema] = [version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1"]
    strict: Json = _strict(schema)
    # The schema says no more of metadata than that it is an object; Kubernetes knows the rest.
    strict["properties"]["metadata"] = {"type": "object"}
    return strict


def part(schema: Json, *path: str) -> Json:
    """What a schema says of a field further within."""
    for name in path:
        schema = schema["items"] if name == "*" else schema["properties"][name]
    return schema


def problems(schema: Json, value: object) -> list[str]:
    """What a schema has against a value: place and message."""
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]


def _strict(schema: Json) -> Json:
    made: Json = dict(schema)
    if "properties" in schema:
        made["properties"] = {name: _strict(one) for name, one in schema["properties"].items()}
        if not schema.get(_KEPT):
            made["additionalProperties"] = False
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            made[name] = _strict(schema[name])
    return made
