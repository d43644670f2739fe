"""The comparison of decoders: resumed, cut to equal budgets, tested by pairs."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.trace import Trace
from pad_ray.problems import Problem
from tests.bench.decoders import Answers, Arm, Row, answer_all, arms, mcnemar, row_of, within

PROBLEMS = [Problem(f"p{n}", f"What is {n}?", n) for n in range(6)]
GREEDY = arms(1000, 8, False)[0]


def test_mcnemar_is_the_binomial_test_on_the_pairs_that_differ() -> None:
    one = {str(n): n < 10 for n in range(20)}
    other = {str(n): n in (0, 1, 11) for n in range(20)}
    first, second, p = mcnemar(one, other)
    assert (first, second) == (8, 1)
    assert p == pytest.approx(2 * (1 + 9) / 2**9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_mcnemar_has_no_side(pairs: list[tuple[bool, bool]]) -> None:
    one, other = ({str(n): pair[side] for n, pair in enumerate(pairs)} for side in (0, 1))
    a, b, p = mcnemar(one, other)
    assert mcnemar(other, one) == (b, a, p)
    assert 0 < p <= 1
    assert a != b or p == 1 or math.isclose(p, 1)


def test_samples_vote_as_far_as_the_budget_goes() -> None:
    samples = [[text, 20, True] for text in "abc"]
    row = {"prompt": 100, "read": 120, "written": 60, "program": "?", "samples": samples}
    # The prompt with the first sample takes 120; each of the others 20, and 10 to read the end of the prompt again.
    for budget, votes in ((10, 1), (120, 1), (149, 1), (150, 2), (179, 2), (180, 3), (1000, 3)):
        cut = within(row, budget, lambda texts: texts[-1])
        assert (cut["votes"], cut["program"]) == (votes, "abc"[votes - 1])
        assert cut["read"] + cut["written"] <= max(budget, 120)


def test_what_is_answered_is_not_asked_again_and_a_torn_line_is(tmp_path: Path) -> None:
    asked: list[str] = []

    async def ask(arm: Arm, problem: Problem) -> Row:
        asked.append(problem.id)
        return row_of(arm, Outcome("def solution():\n    return 1\n", 1, True, 0, Trace()))

    asyncio.run(answer_all(ask, [GREEDY], PROBLEMS[:4], tmp_path, 2))
    [path] = tmp_path.iterdir()
    path.write_text(path.read_text()[:-20])
    asyncio.run(answer_all(ask, [GREEDY], PROBLEMS, tmp_path, 2))
    assert sorted(asked) == ["p0", "p1", "p2", "p3", "p3", "p4", "p5"]
    assert list(Answers(tmp_path, GREEDY.name).rows) == [problem.id for problem in PROBLEMS]


def test_scorers_are_switched_off_in_turn() -> None:
    found = {arm.name: arm.settings.weights.model_dump() for arm in arms(1000, 8, True) if arm.decoder == "step-beam"}
    assert found["step-beam -execution"] == {**found["step-beam"], "execution": 0}
    assert found["step-beam -faithfulness"] == {**found["step-beam"], "faithfulness": 0}
