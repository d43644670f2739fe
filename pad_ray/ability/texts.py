"""Plain texts to measure perplexity on: by default the facts behind StrategyQA's dev questions."""

from __future__ import annotations

from pathlib import Path

from pad_ray.errors import DataError
from pad_ray.jsonl import read_rows
from pad_ray.problem_sources import data_folder, found

FACTS = "strategyqa/dev.jsonl"
FACTS_FIELD = "rationale"
_JSON_LINES = (".jsonl", ".ndjson")


def read_texts(
    source: str | None = None, field: str | None = None, limit: int | None = None, data: str | None = None
) -> list[str]:
    """The texts of a file.

    Args:
        source: JSON Lines, each with a text in `field`, or a file of plain text whose paragraphs (with an empty line
            between) are the texts; there or under the data folder. By default the facts of StrategyQA (`FACTS`).
        field: by default `text`, of the default source `rationale`.
        limit: at most so many of the first texts.
        data: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        DataError: no such file, one that cannot be read, or one without texts.
    """
    if source is None and data_folder(data) is None:
        raise DataError(
            f"perplexity needs a text, and there is no data folder with {FACTS}",
            "Name a file with --text, or the folder in PAD_RAY_DATA",
        )
    path = found(source or FACTS, data)
    if path.suffix in _JSON_LINES:
        field = field or ("text" if source else FACTS_FIELD)
        return [row.text(field) for row in read_rows(path)][:limit]
    return _paragraphs(path)[:limit]


def _paragraphs(path: Path) -> list[str]:
    try:
        parts = path.read_text(encoding="utf-8-sig").split("\n\n")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file", "Check the path.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8", "Save the file as UTF-8.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", "Give the path of a text file.") from None
    texts = [part.strip() for part in parts if part.strip()]
    if not texts:
        raise DataError(f"{path}: there is no text in it", "Give a file with some.")
    return texts
