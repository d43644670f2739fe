"""A program that failed, as text in a prompt: what the student is asked to repair (PaD, section 3.3).

    Question: Ann has 3 nuts and finds 4. How many has she?
    ErrorCode:
    def solution():
        nuts = 3
        return nut + 4
    Error: NameError: name 'nut' is not defined (line 3)
    Solution:
    def solution():

The slot is empty where a question is asked for the first time. Its words are plain vocabulary, no added tokens. What
stands in it, and the question above it, is data: a line that reads like a heading is quoted, a message is one line,
and what a tokenizer could take for one of its special tokens is broken up. So the headings of a prompt are exactly
those that the recipe wrote, whatever a question, a program or an interpreter says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

HEADINGS = ("Question", "ErrorCode", "Error", "Solution")
MAX_MESSAGE = 200

_BREAK = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
# Bodies of functions are indented by more, so their lines are never touched.
_HEADING = re.compile(rf"(?<![^{_BREAK}])(?=(?:> )*[ \t]{{0,3}}(?:{'|'.join(HEADINGS)})[ \t]*:)", re.IGNORECASE)
# <|im_end|>, <s>, </s>, <extra_id_0>, and those that are written with a wide bar.
_SPECIAL = re.compile(r"<(?=(?:[|\uff5c][^<>\s]{1,40}[|\uff5c]|/?[A-Za-z]\w{0,19})>)")


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """What stands in the slot.

    Attributes:
        program: the broken program; empty where there is none yet.
        message: what the interpreter said; None where that is unknown or shall not be told.

    Raises:
        ValueError: a message without a program.
    """

    program: str = ""
    message: str | None = None

    def __post_init__(self) -> None:
        if self.message is not None and not self.program.strip():
            raise ValueError("a message without the program that it is about")

    @classmethod
    def of(cls, program: str, error_class: str | None, error: str | None, line: int | None) -> Self:
        """With the message that an interpreter would end with: class, text and line, as far as they are known.

        Args:
            program: as it was run.
            error_class: the class of the exception.
            error: its text.
            line: the line of the program at fault, from 1.
        """
        said = ": ".join(part for part in (error_class, one_line(error or "")) if part)
        place = f" (line {line})" if line and said else ""
        return cls(program, said[: MAX_MESSAGE - len(place)] + place if said else None)

    def without_message(self) -> ErrorCode:
        """The same program, and nothing of what the interpreter said."""
        return ErrorCode(self.program)

    @property
    def text(self) -> str:
        """The lines of the slot, its heading first."""
        program = as_data(self.program).strip("\n").rstrip()
        lines = ["ErrorCode:", *([program] if program else [])]
        if self.message is not None:
            lines.append(f"Error: {as_data(one_line(self.message))[:MAX_MESSAGE]}")
        return "\n".join(lines) + "\n"


EMPTY = ErrorCode()


def as_data(text: str) -> str:
    """A text that is no part of a prompt's structure: lines that read like headings are quoted.

    Text without such lines and without what reads like a special token is not changed.
    """
    # Half a surrogate pair would stop a tokenizer.
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return _SPECIAL.sub("< ", _HEADING.sub("> ", sound))


def one_line(text: str) -> str:
    """The text with every run of white space, line breaks too, as one space."""
    return " ".join(text.split())
