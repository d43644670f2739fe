"""The answer in what a model wrote where a short answer was asked, and programs that it wrote instead.

A completion is read by these rules, in this order (`READING_VERSION` is raised whenever one of them changes):

1.  It is a program, and no answer is looked for, if one of its lines defines, returns, imports, prints or assigns
    (`def …`, `return …`, `result = 3 * 4`), if it opens a fence of Python, or if it begins with a bare sum
    (`15 + 3 + 2`; with an `=` and a number behind it, it is a text that calculates). A student of programs goes on in
    the middle of one, so `def` alone would miss most.
2.  The answer is what follows the last "The answer is" or "####".
3.  Without such a mark it is what the first line begins with: of a choice a letter, as `(B)`, `B)`, `B.` or alone, or
    the whole line is the text of one option.
4.  Where that is no answer of the kind that is asked for, the last one of that kind in the text counts; of a choice
    the last letter in brackets.

The kind (number, yes or no, choice, text) is that of the gold answer, of which the reader knows nothing else.
"""

from __future__ import annotations

import re

from pad_ray.extractors import flexible, strict
from pad_ray.programs.answers import Kind
from pad_ray.programs.values import Value

READING_VERSION = "1"

_PROGRAM_LINE = re.compile(
    r"""
    ^[ \t]*(?:
        def[ ]\w+[ ]*\(
      | return(?:[ ]+\S+(?:[ ]+[-+*/%<>=!]+[ ]+\S+)*)?[ ]*$              # `return to the start` is text
      | print\( | import[ ]\w+[ ]*$ | from[ ]\w+[ ]import\b
      | [A-Za-z_]\w*(?:[ ]*,[ ]*[A-Za-z_]\w*)*[ ]*(?:[-+*/]|//|\*\*)?=(?!=)[ ]*[\w("'\[{+-]
    )
    | ^```(?:python|py)\b
    """,
    re.VERBOSE | re.MULTILINE,
)
_TERM = r"[-+]?\(*[ ]*[-+]?(?:\d[\d.,]*|[a-z_]+_\d+)[ ]*\)*"
_SUM = re.compile(rf"\s*{_TERM}(?:[ ]+(?:\*\*|//|[-+*/%])[ ]+{_TERM})+(?P<equals>[ ]*=[ ]*[-+$]?\d)?", re.ASCII)
_LETTER = re.compile(r"\(?([A-Za-z])(?:[).:]|\s*$)")
_IN_BRACKETS = re.compile(r"\(([A-Za-z])\)")
_OPTION = re.compile(r"^\(([A-Z])\)[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def is_program(text: str) -> bool:
    """Whether a completion is a program, or a part of one."""
    if _PROGRAM_LINE.search(text):
        return True
    found = _SUM.match(text)
    return found is not None and not found["equals"]


def read_answer(text: str, kind: Kind, question: str = "") -> Value:
    """The answer in a completion that is no program.

    Args:
        text: what the model wrote.
        kind: of answer that is asked for.
        question: with its options, of a choice.

    Returns:
        A number or text; None where there is no answer of that kind.
    """
    lines = text.strip().splitlines()
    if not lines:
        return None
    marked = strict(text, kind)
    if marked is not None:
        return marked
    if kind is Kind.CHOICE:
        return _choice(lines[0], text, question)
    begun = strict(f"#### {lines[0]}", kind)
    return flexible(text, kind) if begun is None else begun


def _choice(line: str, text: str, question: str) -> str | None:
    if found := _LETTER.match(line):
        return f"({found[1].upper()})"
    named = [letter for letter, option in _OPTION.findall(question) if _plain(option) == _plain(line)]
    letters = named if len(named) == 1 else _IN_BRACKETS.findall(text)[-1:]
    return f"({letters[0].upper()})" if letters else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().strip(" \t.\"'").split())
