"""JSON Lines as people write them: every line an object, every complaint with file and line; written, too."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.errors import DataError, InputError


@dataclass(frozen=True)
class Row:
    """One line of a file: where it stands ("problems.jsonl, line 3") and its fields."""

    place: str
    fields: dict[str, Any]

    def text(self, field: str) -> str:
        """The field's value, which must be a string with something in it; DataError otherwise."""
        if field not in self.fields:
            have = ", ".join(f"`{name}`" for name in self.fields) or "none"
            raise DataError(f"{self.place}: field `{field}` is missing", f"The line's fields are: {have}.")
        value = self.fields[field]
        if not isinstance(value, str):
            raise DataError(f"{self.place}: field `{field}` is {json_type(value)}", "It must be a string.")
        if not value.strip():
            raise DataError(f"{self.place}: field `{field}` is empty", "Give it a text or remove the line.")
        return value


def read_rows(path: Path) -> Generator[Row, None, None]:
    """Read line by line. Blank lines and a byte order mark are passed over; NaN comes through as a float.

    The file stays open until the last row: who may stop before it (an error, a limit) closes the generator.

    Raises:
        DataError: no such file, an unreadable one, one without rows, a line that is no JSON object in UTF-8.
    """
    empty = True
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                row = _parse(line, f"{path}, line {number}")
                if row:
                    empty = False
                    yield row
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file", "Check the path.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", "Give the path of a JSON Lines file.") from None
    if empty:
        raise DataError(f"{path}: the file has no rows", "Write one JSON object a line.")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes one JSON object a line, and the folder if need be.

    Raises:
        InputError: it cannot be written.
    """
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: Path, text: str) -> None:
    """Writes a file of the user's, and its folder if need be.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}", "Name another file") from None


def json_type(value: object) -> str:
    """What JSON calls a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def _parse(line: bytes, place: str) -> Row | None:
    """None for a blank line."""
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise DataError(f"{place}: not UTF-8", "Save the file as UTF-8.") from None
    if not text:
        return None
    try:
        fields = json.loads(text)
        # An escaped half of a surrogate pair is legal JSON, but no text that Parquet or a tokenizer takes.
        json.dumps(fields, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DataError(
            f"{place}: malformed JSON at column {error.colno} ({error.msg})", "Write one JSON object a line."
        ) from None
    except UnicodeEncodeError:
        raise DataError(f"{place}: half of a character as a \\u escape", "Write the character itself.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: JSON that cannot be read ({error})", "Write one flat JSON object a line.") from None
    if not isinstance(fields, dict):
        raise DataError(f"{place}: {json_type(fields)}, not an object", "Write one JSON object a line.")
    return Row(place, fields)
