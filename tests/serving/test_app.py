"""The builder as Ray Serve calls it, from a file; nothing is started."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pad_ray.errors import ModelError
from pad_ray.serving.app import build_app


def test_serve_checks_the_args_of_a_file() -> None:
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary

    with pytest.raises(ValidationError, match="decoderz"):
        call_user_app_builder_with_args_if_necessary(build_app, {"decoderz": {"most": 2}})  # type: ignore[arg-type]


def test_a_model_that_there_is_not_ends_the_building() -> None:
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary

    with pytest.raises(ModelError, match="/nowhere"):
        call_user_app_builder_with_args_if_necessary(build_app, {"model": "/nowhere"})  # type: ignore[arg-type]
