"""Texts get verdicts of the same list as programs, by extractor and comparison."""

from __future__ import annotations

import pytest

from pad_ray.errors import ConfigError, DataError
from pad_ray.programs.values import Value, decode
from pad_ray.text_verification import TextVerifier
from pad_ray.verification import Comparison, Mode, Verdict, Verifier

CASES: list[tuple[str | None, Value, str, Verdict]] = [
    ("So 9.\n#### 9", 9, "strict", Verdict.OK),
    ("So 9.\n#### $9.00", "9", "strict", Verdict.OK),
    ("#### 50%", "50%", "strict", Verdict.OK),
    ("The answer is yes.", "yes", "strict", Verdict.OK),
    ("#### (A)", "(A)", "strict", Verdict.OK),
    ("#### 8", 9, "strict", Verdict.WRONG_ANSWER),
    ("The answer is no.", "yes", "strict", Verdict.WRONG_ANSWER),
    ("So 9.", 9, "strict", Verdict.NO_ANSWER),
    ("So 9.", 9, "flexible", Verdict.OK),
    ("So 9 of 10.", 9, "flexible", Verdict.WRONG_ANSWER),
    ("", 9, "flexible", Verdict.NO_ANSWER),
    ("#### 9" + " " * 300_000, 9, "strict", Verdict.NO_ANSWER),
    (None, 9, "strict", Verdict.TEACHER_ERROR),
    ("#### 9", None, "strict", Verdict.OK),
    ("none", None, "strict", Verdict.NO_ANSWER),
]


@pytest.mark.parametrize(("text", "gold", "extractor", "verdict"), CASES)
def test_each_text_gets_its_verdict(text: str | None, gold: Value, extractor: str, verdict: Verdict) -> None:
    with TextVerifier(extractor=extractor) as verifier:
        assert verifier.judge([text], [gold])[0].verdict is verdict


def test_the_answer_that_was_found_is_kept_beside_the_verdict() -> None:
    right, wrong = TextVerifier().judge(["#### 9", "#### 2.5"], [9, 9])
    assert [decode(one.value or "") for one in (right, wrong)] == [9, 2.5]


def test_a_text_has_no_program() -> None:
    assert TextVerifier().judge(["#### 9"], [9])[0].program is None


def test_numbers_are_compared_as_the_comparison_says() -> None:
    [judged] = TextVerifier(Comparison(Mode.ROUND)).judge(["#### 7.4"], [7])
    assert judged.verdict is Verdict.OK


def test_exactly_compared_numbers_may_be_written_with_decimals() -> None:
    [judged] = TextVerifier(Comparison(Mode.EXACT)).judge(["#### 7.00"], [7])
    assert judged.verdict is Verdict.OK


@pytest.mark.parametrize(
    "other",
    [TextVerifier(extractor="flexible"), TextVerifier(Comparison(Mode.ROUND)), TextVerifier(benchmark="gsm_hard.1")],
)
def test_all_that_verdicts_depend_on_is_in_the_version(other: TextVerifier) -> None:
    assert other.version != TextVerifier().version


def test_the_version_names_text_extractor_and_what_judged_programs_is_another() -> None:
    assert TextVerifier().version.startswith("text.1-strict.1-")
    assert TextVerifier().version != Verifier().version


def test_a_gold_that_nothing_can_equal_is_refused_with_its_place() -> None:
    with pytest.raises(DataError, match="gold answer 1"):
        TextVerifier().judge(["#### 1", "#### 1"], [1, ""])


def test_an_unknown_extractor_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="strict"):
        TextVerifier(extractor="loose")
