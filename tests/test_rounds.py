"""A round is a record that can be kept, compared and stopped by."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.evaluation.stopping import StopRule, stop_reason
from pad_ray.rounds import Round, change_of, standings, table_of, taught
from pad_ray.verification import Verdict

VERDICTS = st.dictionaries(st.text(max_size=2), st.sampled_from([str(verdict) for verdict in Verdict]))
BEFORE = {"a": "ok", "b": "name_error", "c": "wrong_answer", "d": "ok", "only before": "ok"}
AFTER = {"a": "ok", "b": "ok", "c": "wrong_answer", "d": "timeout", "only after": "ok"}


def _round(number: int = 0, right: int = 3, **facts: Any) -> Round:
    verdicts = {f"p{n}": "ok" if n < right else "wrong_answer" for n in range(60)}
    facts = {"inputs": {"student": f"s{number}"}, "checkpoint": f"c{number}", "verdicts": verdicts, **facts}
    return Round(number, **facts)


def test_a_change_names_problems_and_counts_errors() -> None:
    change = change_of(BEFORE, AFTER)
    assert (change.gained, change.lost) == (("b",), ("d",))
    assert change.errors == {"name_error": (1, 0), "timeout": (0, 1), "wrong_answer": (1, 1)}
    assert (change.difference, change.p_value) == (0.0, 1.0)
    assert change.low < 0 < change.high


@given(VERDICTS, VERDICTS)
def test_the_way_back_is_the_change_turned_round(before: dict[str, str], after: dict[str, str]) -> None:
    there, back = change_of(before, after), change_of(after, before)
    assert (there.gained, there.lost) == (back.lost, back.gained)
    assert there.errors == {name: (b, a) for name, (a, b) in back.errors.items()}
    assert there.difference == -back.difference
    assert there.p_value == back.p_value


@given(VERDICTS)
def test_nothing_changes_from_a_round_to_itself(verdicts: dict[str, str]) -> None:
    change = change_of(verdicts, verdicts)
    assert (change.gained, change.lost, change.difference) == ((), (), 0.0)
    assert all(before == after for before, after in change.errors.values())


@given(VERDICTS, VERDICTS, st.integers(0, 9))
def test_a_manifest_is_read_back_as_it_was_written(before: dict[str, str], after: dict[str, str], number: int) -> None:
    facts: dict[str, Any] = {"kept": {"reasoning": 3, "mined:name_error": 1}, "left_out": {"repair ratio": 2}}
    written = _round(number, verdicts=after, change=change_of(before, after), evaluation=[{"low": 0.1}], **facts)
    assert Round.from_json(written.to_json()) == written


@pytest.mark.parametrize("text", ["", "{}", "[]", _round().to_json()[:-20], _round().to_json().replace("inputs", "x")])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Round.from_json(text)


def test_a_round_is_known_by_its_inputs() -> None:
    assert _round(1).id == _round(1, right=50, checkpoint="x").id
    assert len({_round(1).id, _round(2).id, _round(1, inputs={"student": "other"}).id}) == 3


def test_what_is_taught_is_counted_by_lesson_and_what_is_not_by_reason() -> None:
    rows: list[dict[str, Any]] = [
        {"used": True, "lesson": None, "why_not": None},
        {"used": True, "lesson": None, "why_not": None},
        {"used": True, "lesson": "mined:name_error", "why_not": None},
        {"used": False, "lesson": "injected:order", "why_not": "repair ratio"},
        {"used": False, "lesson": None, "why_not": "forged"},
    ]
    assert taught(rows) == ({"mined:name_error": 1, "reasoning": 2}, {"forged": 1, "repair ratio": 1})


def test_manifests_are_what_the_stop_rule_reads() -> None:
    rounds = [_round(2, 30), _round(0, 3, tokens=5), _round(1, 30, tokens=5), _round(3, 30)]
    assert stop_reason(standings(rounds[:3]), StopRule()) is None
    assert stop_reason(standings(rounds), StopRule()) == "no_gain"
    assert stop_reason(standings(rounds[:3]), StopRule(tokens=10)) == "tokens"


def test_a_missing_round_is_told() -> None:
    with pytest.raises(ValueError, match=r"\[0, 2\]"):
        standings([_round(0), _round(2)])


def test_the_table_has_a_line_for_each_round() -> None:
    first = _round()
    facts: dict[str, Any] = {
        "kept": {"reasoning": 7, "mined:x": 2, "injected:y": 1},
        "sampled": {"ok": 4, "timeout": 1},
    }
    second = _round(1, 10, change=change_of(first.verdicts, _round(1, 10).verdicts), tokens=9, **facts)
    rows = table_of([second, first])
    assert json.loads(json.dumps(rows)) == rows
    assert [row["round"] for row in rows] == [0, 1]
    assert rows[0]["gained"] is None
    names = ("n", "correct", "gained", "lost", "sampled", "reasoning", "repairs", "tokens")
    told = {name: rows[1][name] for name in names}
    assert told == {
        "n": 60,
        "correct": 10,
        "gained": 7,
        "lost": 0,
        "sampled": 5,
        "reasoning": 7,
        "repairs": 3,
        "tokens": 9,
    }
