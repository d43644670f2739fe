"""Emphasis for people at a terminal; plain text for pipes, files and those who set NO_COLOR."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


def styled(text: str, style: str, on: bool | None = None) -> str:
    """Text in a style, if standard output is a terminal that wants it.

    Args:
        style: one of the names above.
        on: decides it instead.
    """
    if on is None:
        on = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return f"\x1b[{style}m{text}\x1b[0m" if on and text else text


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: str = "") -> list[str]:
    """Lines of a table whose columns are as wide as need be.

    Args:
        rows: cells as plain text; all rows of one length.
        right: numbers of columns that are set to the right.
        indent: what each line begins with.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
