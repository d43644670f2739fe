"""Rows as text for people: plain where it is piped, with rules and colours on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pad_ray.programs.values import decode

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True)
class Block:
    """A row as it is shown.

    Attributes:
        title: what it is.
        fields: labels and texts; a text of None is left out.
    """

    title: str
    fields: Sequence[tuple[str, str | None]]


def print_blocks(blocks: Iterable[Block]) -> None:
    """Prints blocks to standard output, one below the other."""
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size().columns, 120) if terminal else 0
    print_lines(render(blocks, width=width, colours=terminal and "NO_COLOR" not in os.environ))


def print_lines(lines: Iterable[str]) -> None:
    """Prints lines; a reader that has seen enough (`| head`) is no error."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def render(blocks: Iterable[Block], width: int = 0, colours: bool = False) -> Iterator[str]:
    """The lines of blocks.

    Args:
        width: of the rule between two blocks; without one there is an empty line.
        colours: whether titles are bold and labels dim.
    """
    for number, block in enumerate(blocks):
        if number:
            yield _styled("─" * width, _DIM, colours) if width else ""
        yield _styled(visible(block.title), _BOLD, colours)
        fields = [(label, visible(text).rstrip()) for label, text in block.fields if text is not None]
        margin = max((len(label) for label, text in fields if "\n" not in text), default=0)
        for label, text in fields:
            if "\n" in text:
                yield _styled(f"  {label}", _DIM, colours)
                yield from (f"    {line}".rstrip() for line in text.strip("\n").split("\n"))
            else:
                yield f"  {_styled(label.ljust(margin), _DIM, colours)}  {text}".rstrip()


def visible(text: str) -> str:
    """Text without the characters that act on a terminal or cannot be seen: they are written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if character in "\n\t" or not unicodedata.category(character).startswith("C"):
        return character
    return character.encode("unicode_escape").decode()


def plain_value(tagged: str | None) -> str | None:
    """Tagged text of a value as a person would write it: `48` for `int:48`; lists keep their tags."""
    if tagged is None:
        return None
    try:
        value = decode(tagged)
    except ValueError:
        return tagged
    if isinstance(value, str):
        return value
    return tagged if isinstance(value, list | tuple) or value is None else tagged.partition(":")[2]


def _styled(text: str, style: str, colours: bool) -> str:
    return f"{style}{text}{_PLAIN}" if colours else text
