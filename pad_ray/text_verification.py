"""completion → final answer in its text → verdict against gold. No program, no sandbox.

    with TextVerifier(extractor="strict") as verifier:
        judgements = verifier.judge(completions, golds)

The verdicts are those of `pad_ray.verification`, of which four can come up: `ok`, `wrong_answer`, `no_answer` (the
extractor found none) and `teacher_error`. The interface is that of `Verifier`, so that who judges need not know which
of them it holds. The extractor is told the kind of the gold answer, and nothing else of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Self, TypeAlias

from pad_ray.extractors import MAX_TEXT_CHARS, extractor_named
from pad_ray.programs.answers import Comparison, Gold, Outcome, compare
from pad_ray.programs.values import Value, encode
from pad_ray.verification import Judgement, Rules, Verdict, Verifier, read_gold

__all__ = ["AnyVerifier", "TextVerifier", "verifier_by"]


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
        self.rules = Rules(comparison or Comparison(), benchmark=benchmark, extractor=extractor)
        self._extract = extractor_named(extractor)

    def under(self, rules: Rules) -> Self:
        """The same verifier by other rules."""
        other = copy(self)
        other.rules, other._extract = rules, extractor_named(rules.extractor)
        return other

    @property
    def version(self) -> str:
        """Names all that verdicts depend on, see `Rules.version`."""
        return self.rules.version

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
            return Judgement(Verdict.NO_ANSWER, error=f"extractor {self.rules.extractor} finds no answer")
        try:
            found = encode(value)
        except ValueError as problem:
            return Judgement(Verdict.BAD_VALUE, error=str(problem))
        return Judgement(self._verdict(value, gold), value=found)

    def _verdict(self, value: Value, gold: Gold | None) -> Verdict:
        if gold is None or compare(value, gold, self.rules.comparison) is Outcome.EQUAL:
            return Verdict.OK
        return Verdict.WRONG_ANSWER


AnyVerifier: TypeAlias = Verifier | TextVerifier


def verifier_by(rules: Rules) -> AnyVerifier:
    """Who judges by these rules: texts where they name an extractor, programs where they do not.

    Raises:
        ConfigError: no extractor of that name.
    """
    if rules.extractor:
        return TextVerifier(rules.comparison, rules.extractor, rules.benchmark).under(rules)
    return Verifier.by(rules)
