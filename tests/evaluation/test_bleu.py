"""BLEU: the published figure of sacreBLEU's own example, and the properties that define it."""

from __future__ import annotations

import math

import pytest

from pad_ray.evaluation.bleu import bleu, tokens_of

# The example of sacreBLEU's documentation: BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943, lengths 17 and 18).
WRITTEN = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
REFERENCES = [
    ["The dog bit the man.", "The dog had bit the man."],
    ["It was not unexpected.", "No one was surprised."],
    ["The man bit him first.", "The man had bitten the dog."],
]


def test_the_documented_example_gives_the_documented_figure() -> None:
    assert round(bleu(WRITTEN, REFERENCES), 2) == 48.53


def test_the_same_text_is_a_hundred() -> None:
    assert bleu(["How many eggs are left?"], [["How many eggs are left?"]]) == pytest.approx(100)


def test_nothing_in_common_is_zero() -> None:
    assert bleu(["a b c d e"], [["v w x y z"]]) == 0


@pytest.mark.parametrize("text", ["", "one two three"])
def test_texts_too_short_for_the_highest_order_are_zero(text: str) -> None:
    assert bleu([text], [["one two three four"]]) == 0


def test_a_text_that_is_too_short_pays_for_it() -> None:
    assert bleu(["a b c d"], [["a b c d e f g h"]]) == pytest.approx(100 * math.exp(1 - 8 / 4))


def test_a_word_counts_no_oftener_than_in_a_reference() -> None:
    # Unigrams 2 of 7 (Papineni's example), no longer match: halved precisions of the other orders.
    expected = 100 * math.exp(sum(map(math.log, (2 / 7, 1 / 12, 1 / 20, 1 / 32))) / 4)
    assert bleu(["the the the the the the the"], [["the cat is on the mat x"]]) == pytest.approx(expected)


def test_segments_are_pooled_and_not_averaged() -> None:
    right, wrong = "one two three four", "five six seven eight"
    pooled = bleu([right, "a b c d"], [[right], [wrong]])
    assert pooled == pytest.approx(50)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("How many, then?", ["How", "many", ",", "then", "?"]),
        ("It costs $3.50.", ["It", "costs", "$", "3.50", "."]),
        ("1,000 (or so)", ["1,000", "(", "or", "so", ")"]),
        ("a 3-day trip", ["a", "3", "-", "day", "trip"]),
        ("wasn't", ["wasn't"]),
        ("a &amp; b", ["a", "&", "b"]),
    ],
)
def test_tokens_are_those_of_mteval(text: str, tokens: list[str]) -> None:
    assert tokens_of(text) == tokens


def test_as_many_texts_as_references_are_needed() -> None:
    with pytest.raises(ValueError, match="1 texts"):
        bleu(["a"], [])


def test_a_segment_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="no reference"):
        bleu(["a"], [[]])
