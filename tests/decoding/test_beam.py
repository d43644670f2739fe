"""The step-verified beam, with a scripted model and the real sandbox."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pad_ray.decoding.beam import Outcome, StepBeam
from pad_ray.decoding.scorers import ExecutionScorer, Scorer
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch, Fate
from pad_ray.sandbox import Sandbox, Status, StepVerdict
from tests.decoding.scripted import Script, ScriptedEngine

OPENING = "def solution():"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def _lines(tree: dict[str, Sequence[tuple[str, float]]]) -> Script:
    """A script by the last line of the text; a line break comes first, as after a function's header."""
    return lambda text: tree[text.splitlines()[-1].strip()] if text.strip() else tree[""] if text else [("\n", 1.0)]


def _solve(sandbox: Sandbox, script: Script, scorers: Sequence[Scorer] = (), **options: Any) -> Outcome:
    return _search(ScriptedEngine(script), sandbox, scorers, **options)


def _search(engine: ScriptedEngine, sandbox: Sandbox, scorers: Sequence[Scorer] = (), **options: Any) -> Outcome:
    config = DecodingConfig.model_validate({"candidates": 6, **options})
    return asyncio.run(StepBeam(engine, sandbox, config, scorers).solve("How many?", "Question\n" + OPENING, OPENING))


def _of(outcome: Outcome, fate: Fate) -> list[Branch]:
    return [branch for branch in outcome.trace.branches if branch.fate is fate]


def test_a_step_that_cannot_run_is_dropped_though_it_is_more_likely(sandbox: Sandbox) -> None:
    script = _lines({"": [("    return y\n", 0.7), ("    return 3\n", 0.3)]})
    found = _solve(sandbox, script)
    assert (found.answer, found.ran) == (3, True)
    [dead] = _of(found, Fate.BROKEN)
    assert dead.as_json()["died_of"] == "NameError"


def test_a_return_that_runs_ends_the_search(sandbox: Sandbox) -> None:
    found = _solve(sandbox, _lines({"": [("    return 6 * 7\n", 1.0)]}))
    assert (found.answer, found.program, found.trace.stopped) == (42, OPENING + "\n    return 6 * 7\n", "done")


def test_branches_with_one_state_are_one_branch_with_the_probability_of_both(sandbox: Sandbox) -> None:
    script = _lines(
        {
            "": [("    x = 2 + 3\n", 0.5), ("    x = 5\n", 0.3), ("    x = 7\n", 0.2)],
            "x = 2 + 3": [("    return x\n", 1.0)],
            "x = 5": [("    return x\n", 1.0)],
            "x = 7": [("    return x\n", 1.0)],
        }
    )
    found = _solve(sandbox, script, candidates=40, beams=2)
    [merged] = _of(found, Fate.MERGED)
    leader = found.trace.branches[(merged.into or 0) - 1]
    assert {merged.step.strip(), leader.step.strip()} == {"x = 5", "x = 2 + 3"}
    assert math.exp(leader.logprob) == pytest.approx(0.8)


def test_the_same_line_drawn_twice_counts_once(sandbox: Sandbox) -> None:
    found = _solve(sandbox, _lines({"": [("    return 5\n", 1.0)]}), candidates=8)
    assert [math.exp(branch.logprob) for branch in found.trace.branches] == [1.0]


def test_comments_and_open_brackets_belong_to_the_statement_that_they_lead_to(sandbox: Sandbox) -> None:
    script = _lines(
        {
            "": [("    # how many are left\n", 1.0)],
            "# how many are left": [("    x = sum([\n", 1.0)],
            "x = sum([": [("        1, 2])\n", 1.0)],
            "1, 2])": [("    return x\n", 1.0)],
        }
    )
    found = _solve(sandbox, script)
    assert found.answer == 3
    assert [branch.step.count("\n") for branch in found.trace.branches] == [4, 1]


def test_a_step_that_leads_back_to_a_state_is_not_followed(sandbox: Sandbox) -> None:
    script = _lines(
        {
            "": [("    x = 1\n", 1.0)],
            "x = 1": [("    x = 2\n", 0.8), ("    return x\n", 0.2)],
            "x = 2": [("    x = 1\n", 1.0)],
        }
    )
    found = _solve(sandbox, script, candidates=30, choose="score", beams=3)
    assert found.answer == 1
    assert [(branch.depth, branch.step, branch.into) for branch in _of(found, Fate.MERGED)] == [(3, "    x = 1\n", 1)]


@pytest.mark.parametrize("nothing", ["# so", "'''What is asked.'''", "pass", "x if x else x"])
def test_a_line_that_changes_nothing_is_no_step_of_its_own(sandbox: Sandbox, nothing: str) -> None:
    script = _lines(
        {"": [("    x = 1\n", 1.0)], "x = 1": [(f"    {nothing}\n", 1.0)], nothing: [("    return x\n", 1.0)]}
    )
    found = _solve(sandbox, script)
    assert found.answer == 1
    assert [branch.step for branch in found.trace.branches] == ["\n    x = 1\n", f"    {nothing}\n    return x\n"]


def test_a_docstring_may_come_first(sandbox: Sandbox) -> None:
    text = "'''What is asked.'''"
    assert _solve(sandbox, _lines({"": [(f"    {text}\n", 1.0)], text: [("    return 4\n", 1.0)]})).answer == 4


def test_as_many_steps_are_drawn_after_a_comment_as_without(sandbox: Sandbox) -> None:
    returns = [(f"    return {n}\n", 0.02) for n in range(1, 51)]
    engine = ScriptedEngine(
        _lines({"": [("    # so\n", 0.5), ("    # thus\n", 0.5)], "# so": returns, "# thus": returns})
    )
    found = _search(engine, sandbox, candidates=40)
    assert len({branch.step.strip() for branch in found.trace.branches}) > 20
    assert engine.tokens == 1 + 2 * 40  # the line break, of which there is no doubt, a comment and a statement of each


def test_one_state_before_another_indentation_is_another_branch(sandbox: Sandbox) -> None:
    def script(text: str) -> Sequence[tuple[str, float]]:
        if not text:
            return [("\n    ", 1.0)]
        if "for" not in text:
            return [("for x in [1, 2]:\n        ", 1.0)]
        if "y" not in text:
            return [("y = x\n        ", 0.5), ("y = x\n    ", 0.5)]
        return [("return y\n", 1.0)]

    engine = ScriptedEngine(script, ended=lambda line: "\n" not in line)
    found = _search(engine, sandbox, candidates=20)
    assert not _of(found, Fate.MERGED)
    # Within the loop its first pass returns; after it, the last value is left.
    assert {branch.verdict.value for branch in _of(found, Fate.FINISHED) if branch.verdict} == {1, 2}


def test_a_return_within_an_unfinished_try_leaves_a_program_that_runs(sandbox: Sandbox) -> None:
    found = _solve(sandbox, _lines({"": [("    try:\n", 1.0)], "try:": [("        return 6\n", 1.0)]}))
    [execution] = sandbox.run([found.program])
    assert (found.answer, execution.value) == (6, 6)


def test_a_return_of_nothing_is_no_answer(sandbox: Sandbox) -> None:
    found = _solve(sandbox, _lines({"": [("    return\n", 0.9), ("    return 4\n", 0.1)]}), candidates=60)
    assert found.answer == 4
    assert [branch.step for branch in _of(found, Fate.ENDED)] == ["\n    return\n"]


def test_a_statement_outside_of_the_function_ends_it(sandbox: Sandbox) -> None:
    found = _solve(sandbox, _lines({"": [("    x = 1\n", 1.0)], "x = 1": [("print(1)\n", 1.0)]}))
    assert [branch.step for branch in _of(found, Fate.ENDED)] == ["print(1)\n"]


def test_programs_of_one_answer_in_other_words_do_not_end_the_search(sandbox: Sandbox) -> None:
    words = [(f"    return {text}\n", 0.05) for text in ("1", "1 + 0", "1 * 1", "2 - 1")]
    script = _lines({"": [*words, ("    x = 7\n", 0.8)], "x = 7": [("    return x\n", 1.0)]})
    assert _solve(sandbox, script, candidates=80, beams=4).answer == 7


def test_a_worker_that_the_sandbox_lost_condemns_no_step(sandbox: Sandbox) -> None:
    class Shaky:
        """Every other call finds its worker gone."""

        calls = 0

        async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
            self.calls += 1
            verdicts = await sandbox.check_steps_async(prefix, candidates)
            return [StepVerdict(Status.CRASH) for _ in verdicts] if self.calls % 2 else verdicts

    engine = ScriptedEngine(_lines({"": [("    return 5\n", 1.0)]}))
    beam = StepBeam(engine, Shaky(), DecodingConfig())
    assert asyncio.run(beam.solve("How many?", OPENING, OPENING)).answer == 5


def test_prompts_that_no_cache_held_count_against_the_budget(sandbox: Sandbox) -> None:
    ends = [("    return x\n", 1.0)]
    script = _lines({"": [("    x = 1\n", 0.6), ("    x = 2\n", 0.4)], "x = 1": ends, "x = 2": ends})
    # Of the line break one is drawn; then the likeliest and another one, each for itself; then a return of each.
    short: dict[str, Any] = {"candidates": 2, "beams": 1, "step_tokens": 4}
    spent = _solve(sandbox, script, **short).trace.cost
    assert (spent.completion_tokens, spent.prompt_tokens) == (4, 4)
    assert _solve(sandbox, script, **short, budget={"tokens": 11, "finish": 0}).ran
    assert _solve(sandbox, script, **short, budget={"tokens": 7, "finish": 0}).trace.stopped == "tokens"


def test_where_a_step_is_all_but_certain_nothing_else_is_drawn(sandbox: Sandbox) -> None:
    script = _lines({"": [("    return 5\n", 0.95), ("    return 6\n", 0.05)]})
    engine = ScriptedEngine(script)
    assert len(_search(engine, sandbox, candidates=40).trace.branches) == 1
    assert engine.tokens == 2
    assert len(_search(ScriptedEngine(script), sandbox, candidates=40, certain=0.96).trace.branches) == 2


@pytest.mark.parametrize("wrong", ["    return y\n", "    return", "    return None\n"])
def test_a_step_that_is_certain_and_wrong_is_not_the_only_one(sandbox: Sandbox, wrong: str) -> None:
    found = _solve(sandbox, _lines({"": [(wrong, 0.92), ("    return 6\n", 0.08)]}), candidates=60)
    assert found.answer == 6


def test_when_the_budget_ends_the_best_beam_is_written_to_its_end(sandbox: Sandbox) -> None:
    def script(text: str) -> Sequence[tuple[str, float]]:
        n = text.count("=")
        if not text:
            return [("\n", 1.0)]
        return [("    return x\n", 1.0)] if n == 6 else [(f"    x = {n}\n", 0.6), (f"    x = {-n}\n", 0.4)]

    short: dict[str, Any] = {"candidates": 4, "beams": 4, "step_tokens": 4}
    found = _solve(sandbox, script, **short, budget={"tokens": 40})
    assert (found.trace.stopped, found.ran, found.answer) == ("tokens", True, 5)
    assert found.trace.cost.completion_tokens <= 40


def test_near_the_end_of_a_budget_fewer_lines_are_drawn_and_none_is_cut(sandbox: Sandbox) -> None:
    numbers = [(f"    x{n} = {n}\n", 0.05) for n in range(1, 21)]
    ends = {f"x{n} = {n}": [(f"    return x{n}\n", 1.0)] for n in range(1, 21)}
    # Calls: 8 line breaks and 8 statements, each with a beam read; 18 of 38 tokens are spent, room is left for 5 draws.
    options: dict[str, Any] = {"candidates": 8, "beams": 4, "step_tokens": 4}
    found = _solve(sandbox, _lines({"": numbers, **ends}), budget={"tokens": 38}, **options)
    assert [branch.depth for branch in _of(found, Fate.FINISHED)] == [2, 2, 2, 2]
    assert not _of(found, Fate.TOO_LONG)


def test_what_was_whole_when_the_budget_ran_out_counts(sandbox: Sandbox) -> None:
    first = [("    return 5\n", 0.5), ("    # so\n", 0.5)]
    script = _lines({"": first, "# so": [("    return 6\n", 1.0)]})
    # Nothing is left to go on after the comment.
    found = _solve(sandbox, script, candidates=8, step_tokens=4, budget={"tokens": 41})
    assert (found.ran, found.answer) == (True, 5)


def test_a_vote_goes_by_the_weight_behind_an_answer(sandbox: Sandbox) -> None:
    lines = [("    return 1\n", 0.4), ("    return 2\n", 0.35), ("    return 1 + 1\n", 0.25)]
    by = {how: _solve(sandbox, _lines({"": lines}), candidates=40, choose=how).answer for how in ("score", "vote")}
    assert by == {"score": 1, "vote": 2}


def test_the_execution_score_prefers_what_a_word_problem_can_have_as_its_answer(sandbox: Sandbox) -> None:
    lines = [("    return 10**13\n", 0.55), ("    return 4\n", 0.45)]
    assert _solve(sandbox, _lines({"": lines}), candidates=40, choose="score").answer == 10**13
    assert _solve(sandbox, _lines({"": lines}), [ExecutionScorer()], candidates=40, choose="score").answer == 4


def test_without_an_answer_the_best_unfinished_program_comes_back(sandbox: Sandbox) -> None:
    found = _solve(sandbox, lambda text: [(f"    x{len(text)} = 1\n" if text else "\n", 1.0)], budget={"steps": 3})
    assert (found.ran, found.answer, found.trace.stopped) == (False, None, "steps")
    assert found.program.count("= 1") == 3


def test_an_end_without_an_answer_is_no_program(sandbox: Sandbox) -> None:
    script = _lines({"": [("    x = 1\n", 1.0)], "x = 1": [("    y = 2", 0.9), ("    return x", 0.1)]})
    found = _solve(sandbox, script, candidates=40)
    assert found.answer == 1
    assert [branch.step for branch in _of(found, Fate.ENDED)] == ["    y = 2"]


def test_time_that_runs_out_in_the_engine_gives_the_best_so_far(sandbox: Sandbox) -> None:
    class Stuck(ScriptedEngine):
        async def propose(self, *asked: object) -> object:  # type: ignore[override]
            if len(self.asked) > 1:
                await asyncio.Event().wait()
            return await super().propose(*asked)  # type: ignore[arg-type]

    script = _lines({"": [("    x = 1\n", 1.0)], "x = 1": [("    return x\n", 1.0)]})
    found = _search(Stuck(script), sandbox, budget={"seconds": 1.0})
    assert (found.trace.stopped, found.program) == ("seconds", OPENING + "\n    x = 1\n")


def test_an_engines_own_timeout_is_not_taken_for_the_end_of_the_time(sandbox: Sandbox) -> None:
    class Failing(ScriptedEngine):
        async def propose(self, *asked: object) -> object:  # type: ignore[override]
            raise TimeoutError("the engine is gone")

    with pytest.raises(TimeoutError, match="the engine is gone"):
        _search(Failing(_lines({})), sandbox, budget={"seconds": 60})


# Random models: each text may be followed by any of these, some of which cannot run.
_STATEMENTS = (
    "    a = 1\n",
    "    a = a + 1\n",
    "    b = a * 2\n",
    "    b = c\n",
    "    if a > 1:\n",
    "        b = 5\n",
    "    return a\n",
    "    return b / 0\n",
    "    return b",
    "    # so\n",
    "    pass\n",
    "    try:\n",
    "        return a\n",
    "    return\n",
    "  odd = 3\n",
)


def _random_script(weights: list[int]) -> Script:
    total = sum(weights)
    return lambda text: (
        [(line, w / total) for line, w in zip(_STATEMENTS, weights, strict=True) if w] if text else [("\n", 1.0)]
    )


_MODELS = st.lists(st.integers(0, 9), min_size=len(_STATEMENTS), max_size=len(_STATEMENTS)).filter(any)
_CONFIGS = st.fixed_dictionaries(
    {
        "beams": st.integers(1, 4),
        "candidates": st.integers(1, 5),
        "choose": st.sampled_from(["score", "vote"]),
        "seed": st.integers(0, 99),
        "step_tokens": st.integers(4, 8),
        "budget": st.fixed_dictionaries({"steps": st.integers(1, 6), "tokens": st.integers(1, 120)}),
    }
)
_PATIENT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@_PATIENT
@given(weights=_MODELS, options=_CONFIGS)
def test_a_program_that_runs_is_chosen_whenever_one_was_found(
    sandbox: Sandbox, weights: list[int], options: dict[str, Any]
) -> None:
    found = _solve(sandbox, _random_script(weights), [ExecutionScorer()], **options)
    assert found.ran == bool(_of(found, Fate.FINISHED))
    if found.ran:
        [execution] = sandbox.run([found.program])
        assert (execution.status, execution.value) == ("ok", found.answer)


@_PATIENT
@given(weights=_MODELS, options=_CONFIGS)
def test_budgets_hold(sandbox: Sandbox, weights: list[int], options: dict[str, Any]) -> None:
    config = DecodingConfig.model_validate(options)
    engine = ScriptedEngine(_random_script(weights))
    found = _search(engine, sandbox, **options)
    assert engine.tokens == found.trace.cost.completion_tokens <= config.budget.tokens
    assert max((branch.depth for branch in found.trace.branches), default=0) <= config.budget.steps
    for depth in range(1, config.budget.steps + 1):
        # Branches of one depth are followed from no more than the width of the beam.
        later = {one.parent for one in found.trace.branches if one.depth == depth + 1}
        assert len(later) <= config.beams


@_PATIENT
@given(weights=_MODELS, options=_CONFIGS)
def test_the_same_seed_grows_the_same_tree(sandbox: Sandbox, weights: list[int], options: dict[str, Any]) -> None:
    first, second = (_solve(sandbox, _random_script(weights), [ExecutionScorer()], **options) for _ in range(2))
    assert [branch.as_json() for branch in first.trace.branches] == [b.as_json() for b in second.trace.branches]


@_PATIENT
@given(weights=_MODELS, options=_CONFIGS)
def test_a_search_never_expands_a_state_twice(sandbox: Sandbox, weights: list[int], options: dict[str, Any]) -> None:
    steps: list[Sequence[Branch]] = []
    config = DecodingConfig.model_validate({"candidates": 6, **options})
    beam = StepBeam(ScriptedEngine(_random_script(weights)), sandbox, config, on_step=steps.append)
    found = asyncio.run(beam.solve("How many?", "Question\n" + OPENING, OPENING))
    # What the model writes to its end after the search is no step of it, and may come back to a state.
    parents = {branch.parent for branches in steps for branch in branches} - {0}
    expanded = [found.trace.branches[n - 1] for n in parents]
    assert all(branch.fate is Fate.KEPT for branch in expanded)
    states = [(branch.verdict.fingerprint, branch.tail) for branch in expanded if branch.verdict]
    assert len(states) == len(set(states))
