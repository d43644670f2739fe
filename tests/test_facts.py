"""Facts as solutions of subquestions."""

from __future__ import annotations

import json
from pathlib import Path

from pad_ray.facts import sentences, share_out

SEATS = "The General Assembly has 140 seats."
GUARD = "The Swiss Guard consists of 135 men."
ASKED = ["What is the size of the Swiss Guard?", "How many seats has the General Assembly?", "Is #1 greater than #2?"]


def test_a_fact_goes_to_the_subquestion_that_shares_its_words_whatever_their_order() -> None:
    assert share_out([SEATS, GUARD], ASKED) == [GUARD, SEATS, ""]


def test_the_last_subquestion_takes_what_is_left_in_order() -> None:
    assert share_out(["One is so.", SEATS, GUARD, "All is so."], ASKED) == [GUARD, SEATS, "One is so. All is so."]


def test_without_a_word_in_common_the_order_counts() -> None:
    assert share_out(["A b.", "C d."], ["Who?", "What?", "Is it?"]) == ["A b.", "C d.", ""]


def test_no_fact_is_given_twice() -> None:
    assert share_out([GUARD], ASKED) == [GUARD, "", ""]


def test_a_single_subquestion_takes_all() -> None:
    assert share_out([SEATS, GUARD], ["Is it?"]) == [f"{SEATS} {GUARD}"]


def test_sentences_end_before_a_capital_and_not_within_a_number() -> None:
    assert sentences("It is 3.5 m tall. It weighs approx. two kg.  So?") == [
        "It is 3.5 m tall.",
        "It weighs approx. two kg.",
        "So?",
    ]


def test_most_of_strategyqa_has_a_fact_for_each_subquestion(data_folder: Path) -> None:
    rows = [json.loads(line) for line in (data_folder / "strategyqa/dev.jsonl").read_text().splitlines()]
    shared = [share_out(sentences(row["rationale"]), [one["question"] for one in row["subquestions"]]) for row in rows]
    assert sum(all(solutions[:-1]) for solutions in shared) == 189
