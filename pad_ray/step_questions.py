"""Subquestions by rule: the steps of a worked solution in GSM8K's form, each asking for its own result.

    Natalia sold 48/2 = <<48/2=24>>24 clips in May.              Natalia sold how many clips in May?
    She sold 48+24 = <<48+24=72>>72 clips altogether.      ─▶    She sold how many clips altogether?

No teacher is needed: what a step computes, with its result, is taken out of its sentence, and what is left asks for it.
GSM8K's own Socratic files (arXiv 2110.14168, appendix B) have questions that a model wrote; those of its training half
are seldom at hand. A step that does not read so, or whose question would give away an earlier result, has no question,
and its problem no subquestions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NUMBER = r"[$(]*\d[\d,]*(?:\.\d+)?(?:/\d+)?[)%]*"
_TERM = rf"{_NUMBER}(?:\s*[A-Za-z][A-Za-z/'-]*){{0,3}}?[)]?"
# What is computed, its calculator note, and the number behind it; a sign before or behind says that it is an amount.
_COMPUTED = re.compile(
    rf"(?:about |only |\()?{_TERM}(?:\s*[-+*/×÷x]\s*{_TERM})+\s*=\s*(\$?)\s*<<[^<>]*>>\s*\$?[\d,.]*\d(%?)"
)
_RESULT = re.compile(r"<<[^<>]*=([^<>]*)>>")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")


def split_solution(question: str, fields: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The subquestions of a problem, each with its step as the answer, in the form of the field `subquestions`.

    Args:
        question: the problem's own; numbers that it names are no secret.
        fields: `rationale`, a solution with calculator notes.

    Returns:
        None where a step does not read as a question.
    """
    rationale = fields.get("rationale")
    steps = [line for line in rationale.splitlines() if "<<" in line] if isinstance(rationale, str) else []
    named, earlier, found = _numbers(question), set[str](), []
    for step in steps:
        asked = question_of(step)
        if asked is None or _numbers(asked) & earlier:
            return None
        found.append({"question": asked, "answer": step.strip()})
        earlier |= _numbers(" ".join(_RESULT.findall(step))) - named
    return found or None


def question_of(step: str) -> str | None:
    """The sentence of a step with what it finds asked for; None where it has not just one computation to take out."""
    found = _COMPUTED.search(step)
    if found is None or step.count("<<") != 1:
        return None
    before, after = step[: found.start()], step[found.end() :].strip()
    counted = not found[1] and not found[2] and after[:1].isalpha()
    asked = f"{before}{'how many' if counted else 'how much'} {after}"
    return re.sub(r"\s+([.,])", r"\1", " ".join(asked.split())).rstrip(" .") + "?"


def _numbers(text: str) -> set[str]:
    return set(_DIGITS.findall(text.replace(",", "")))
