"""Settings as people write them: YAML, with every complaint naming the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pad_ray.errors import ConfigError


def text_of(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: there is no such file, or it is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        raise ConfigError(f"configuration file {path} does not exist", "Give the path of a YAML file") from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"configuration file {path} cannot be read: {' '.join(str(error).split())}") from None


def parse_mapping(text: str, place: str) -> dict[str, Any]:
    """Reads a mapping; an empty text is an empty one.

    Args:
        text: the YAML.
        place: what errors call it.

    Raises:
        ConfigError: no YAML, no mapping, or a key that stands twice in one section.
    """
    import yaml

    try:
        _refuse_twice(text, place)
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date in the 13th month
        raise ConfigError(f"configuration file {place} cannot be read: {_yaml_problem(error)}") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError(f"configuration file {place} must be a mapping of keys to values")
    return raw


def _refuse_twice(text: str, place: str) -> None:
    """Refuses a key that stands twice in one section: YAML would drop the first of the two without a word."""
    import yaml

    pending, seen = [yaml.compose(text, yaml.SafeLoader)], set()
    while pending:
        node = pending.pop()
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if not isinstance(node, yaml.MappingNode):
            pending += node.value
            continue
        pending += [value for _, value in node.value]
        keys: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in keys:
                line = key.start_mark.line + 1
                raise ConfigError(f"{place}, line {line}: key `{key.value}` stands twice", "Keep one of the two")
            keys.add(str(key.value))


def _yaml_problem(error: Exception) -> str:
    """Line, column and what is wrong there, where YAML knows."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or not problem:
        return " ".join(str(error).replace('in "<unicode string>", ', "at ").split())
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
