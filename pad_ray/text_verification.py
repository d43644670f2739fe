"""completion → final answer in its text → verdict against gold. No program, no sandbox.

    with TextVerifier(extractor="strict") as verifier:
        judgements = verifier.judge(completions, golds)

The verdicts are those of `pad_ray.verification`, of which four can come up: `ok`, `wrong_answer`, `no_answer` (the
extractor found none) and `teacher_error`. The interface is that of `Verifier`, so that who judges need not know which
of them it holds. The extractor is told the kind of the gold answer, and nothing else of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Self

from pad_ray.extractors import EXTRACTOR_VERSION, MAX_TEXT_CHARS, extractor_named
from pad_ray.programs.answers import Comparison, Gold, Outcome, compare
from pad_ray.programs.values import Value, encode
from pad_ray.verification import Judgement, Verdict, read_gold

__all__ = ["TEXT_VERIFIER_VERSION", "TextVerifier"]

# To be raised whenever the same answer and gold may get another verdict; the extractors have a version of their own.
TEXT_VERIFIER_VERSION = "1"


class TextVerifier:
    """Judges texts by their final answer. Holds nothing; the `with` block is there for the sake of the interface.

    Args:
        comparison: how answers are compared with gold.
        extractor: name of the extractor that finds the answer.
        benchmark: name and version of the evaluation set whose own comparison it is; or empty.

    Raises:
        ConfigError: no extractor of that name.
    """

    def __init__(self, comparison: Comparison | None = None, extractor: str = "strict", benchmark: str = "") -> None:
        self._comparison = comparison or Comparison()
        self._name = extractor
        self._extract = extractor_named(extractor)
        self._benchmark = benchmark

    @property
    def version(self) -> str:
        """Names all that verdicts depend on: "text.1-strict.1-9f86d081"."""
        settings = json.dumps(asdict(self._comparison), sort_keys=True)
        parts = (
            f"text.{TEXT_VERIFIER_VERSION}",
            f"{self._name}.{EXTRACTOR_VERSION}",
            self._benchmark,
            hashlib.sha256(settings.encode()).hexdigest()[:8],
        )
        return "-".join(filter(None, parts))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def judge(self, completions: Sequence[str | None], golds: Sequence[Value]) -> list[Judgement]:
        """Judge each completion against the gold answer at the same place.

        Args:
            completions: what the teacher or student wrote; None (it gave nothing) is a teacher_error.
            golds: strings and numbers as in a data set. Without gold (None) any answer is ok.

        Returns:
            One judgement for each completion, in order; its value is the answer that was found.

        Raises:
            DataError: a gold answer that nothing can equal (not finite, empty, a list).
            ValueError: not as many golds as completions.
        """
        if len(completions) != len(golds):
            raise ValueError(f"{len(completions)} completions, {len(golds)} gold answers")
        references = [read_gold(gold, place) for place, gold in enumerate(golds)]
        return [self._judge(text, gold) for text, gold in zip(completions, references, strict=True)]

    def _judge(self, text: str | None, gold: Gold | None) -> Judgement:
        if text is None:
            return Judgement(Verdict.TEACHER_ERROR, error="there is no completion")
        if len(text) > MAX_TEXT_CHARS:
            return Judgement(Verdict.NO_ANSWER, error=f"the text is longer than {MAX_TEXT_CHARS:,} characters")
        value = self._extract(text, gold.kind if gold else None)
        if value is None:
            return Judgement(Verdict.NO_ANSWER, error=f"extractor {self._name} finds no answer")
        try:
            found = encode(value)
        except ValueError as problem:
            return Judgement(Verdict.BAD_VALUE, error=str(problem))
        return Judgement(self._verdict(value, gold), value=found)

    def _verdict(self, value: Value, gold: Gold | None) -> Verdict:
        if gold is None or compare(value, gold, self._comparison) is Outcome.EQUAL:
            return Verdict.OK
        return Verdict.WRONG_ANSWER
