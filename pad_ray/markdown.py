"""Pieces of Markdown that nothing in them can break: what models and data sets wrote is shown as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def percent(count: int, total: int) -> str:
    """A share with one decimal; a dash of nothing."""
    return f"{100 * count / total:.1f} %" if total else "–"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with its head."""
    lines = [head, ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """Text that stays within its cell and is shown as it stands."""
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", " ".join(text.split()))


def inline(text: str) -> str:
    """Text as code within a line; backquotes, which would end it, become apostrophes."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"


def block(text: str, language: str = "text") -> str:
    """Text as a block of code, whose fence is longer than any run of backquotes in the text."""
    fence = "`" * max([3, *(1 + len(run) for run in re.findall("`+", text))])
    return f"{fence}{language}\n{text.strip()}\n{fence}\n"
