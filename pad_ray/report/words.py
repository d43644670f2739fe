"""How numbers and verdicts are spelt in the report."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pad_ray.verification import Verdict

MEANINGS: dict[Verdict, str] = {
    Verdict.OK: "the value equals gold",
    Verdict.WRONG_ANSWER: "it ran, and the value is another one",
    Verdict.SYNTAX_ERROR: "it is no Python",
    Verdict.NAME_ERROR: "it uses a name that does not exist",
    Verdict.UNBOUND_LOCAL: "it uses a variable before it has a value",
    Verdict.RUNTIME_ERROR: "another exception ended it",
    Verdict.TIMEOUT: "it took longer than it may",
    Verdict.OUT_OF_MEMORY: "it took more memory than it may",
    Verdict.FORBIDDEN: "it tried what the sandbox forbids",
    Verdict.NO_PROGRAM: "the completion holds no program",
    Verdict.NO_ANSWER: "it ran, and returned nothing",
    Verdict.BAD_VALUE: "it ran, and the value is of no use",
    Verdict.TEACHER_ERROR: "there is no completion",
    Verdict.SANDBOX_ERROR: "it could not be judged",
}

_SCALAR = re.compile(r"(?:int|float|bool|fraction|decimal):(.*)", re.DOTALL)


def meaning(verdict: str) -> str:
    """What a verdict says, in a few words; empty for one that is not known here."""
    return MEANINGS[Verdict(verdict)] if verdict in set(Verdict) else ""


def percent(share: float) -> str:
    """`41.3 %`, with a space that does not break."""
    return f"{100 * share:.1f}\u00a0%"


def interval(low: float, high: float) -> str:
    """`35.9–47.0`, in per cent."""
    return f"{100 * low:.1f}–{100 * high:.1f}"


def unbroken(text: str) -> str:
    """The same, with dashes at which no line ends."""
    return text.replace("–", "\u2060–\u2060")


def points(gain: float) -> str:
    """`+29.3`, in percentage points."""
    number = f"{100 * gain:.1f}"
    return number.replace("-", "−") if number.startswith("-") else f"+{number}"


def counted(number: int, noun: str) -> str:
    """`1 problem`, `1,200 problems`."""
    return f"{number:,}\u00a0{noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """`under 0.1 s`, `0.4 s`, `48 s`, `7 min 30 s`, `2 h 05 min`."""
    if seconds < 0.05:
        return "under 0.1\u00a0s"
    if seconds < 9.95:
        return f"{seconds:.1f}\u00a0s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}\u00a0s"
    if whole < 3600:
        return f"{whole // 60}\u00a0min {whole % 60:02}\u00a0s"
    return f"{whole // 3600}\u00a0h {whole % 3600 // 60:02}\u00a0min"


def moment(seconds: float) -> str:
    """`22 Nov 2026, 02:29 UTC`, from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y, %H:%M UTC").lstrip("0")


def plain_value(text: str | None, limit: int = 200) -> str:
    """A tagged value as one reads it: `48` for `int:48`; lists keep their tags."""
    found = _SCALAR.fullmatch(text or "")
    return shortened(found[1] if found else text or "", limit)


def shortened(text: str, limit: int) -> str:
    """The text, cut at a length with a note of how much is missing."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} more characters)"
