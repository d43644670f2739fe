"""A file of Ray Serve's (schema v2) that names our application, checked before a cluster sees it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from pad_ray.config import first_problem
from pad_ray.errors import ConfigError
from pad_ray.serving.settings import ServeConfig
from pad_ray.yaml_text import parse_mapping, text_of

_OURS = "pad_ray.serving.app:build_app"


def check_file(file: Path) -> list[ServeConfig]:
    """The settings of our applications in a file.

    Raises:
        ConfigError: no file, nothing of Serve's schema, no application of ours, or settings that cannot be.
    """
    from ray.serve.schema import ServeDeploySchema

    raw = parse_mapping(text_of(file), str(file))
    try:
        schema = ServeDeploySchema.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{file}: {first_problem(error, ServeDeploySchema)}") from None
    ours = [one for one in schema.applications if one.import_path == _OURS]
    if not ours:
        raise ConfigError(f"{file} has no application of `import_path: {_OURS}`", "See jobs/serve.yaml")
    return [_settings(one.args, f"{file}, args of `{one.name}`") for one in ours]


def _settings(args: object, place: str) -> ServeConfig:
    try:
        return ServeConfig.model_validate(args)
    except ValidationError as error:
        raise ConfigError(f"{place}: {first_problem(error, ServeConfig)}") from None
