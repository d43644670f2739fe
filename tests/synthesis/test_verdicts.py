"""Samples judged again: only what this verifier has not judged, by a sandbox of its own, and laid over the samples."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.answers import rules_of
from pad_ray.benchmarks import benchmark_named
from pad_ray.config import VerificationConfig
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, table
from pad_ray.run_folder import RunFolder, Stage
from pad_ray.synthesis.verdicts import judge_again, read_judged
from pad_ray.verification import Rules
from tests.past_run import sample

NOW = Rules().version


class Run:
    """A stage of samples, and a new stage for each judgement of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = RunFolder.open(str(folder), "small")
        self.samples = self.folder.stage("samples", [], record="sample")

    def write(self, *rows: Row) -> None:
        name = f"{len(self.samples.storage.names())}.parquet"
        self.samples.storage.write_parquet(name, table("sample", list(rows)))

    def judge(self, benchmark: str | None = None, **settings: Any) -> tuple[dict[str, Any], Stage]:
        known = benchmark_named(benchmark) if benchmark else None
        rules = rules_of(VerificationConfig(**settings), recipe_named("pad"), known)
        verdicts = self.folder.stage("verdicts", rules.version, [self.samples], "verdict")
        verdicts.storage.clear()
        return judge_again(self.samples, verdicts, recipe="pad", rules=rules), verdicts


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def _judged(run: Run, verdicts: Stage) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in read_judged(run.samples, verdicts, ["id", "verdict"])}


def test_what_this_verifier_judged_stays_as_it_is(run: Run) -> None:
    run.write(sample("a", verifier=NOW, verdict="wrong_answer"))  # in truth it is right
    facts, verdicts = run.judge()
    assert (facts["judged"], facts["changed"], verdicts.count()) == (0, 0, 0)
    assert _judged(run, verdicts) == {"a-0": "wrong_answer"}


def test_what_another_verifier_judged_is_judged_again(run: Run) -> None:
    run.write(sample("a", verdict="wrong_answer"), sample("b"))
    facts, verdicts = run.judge()
    assert (facts["judged"], facts["changed"], facts["ok"]) == (2, 1, 2)
    assert _judged(run, verdicts) == {"a-0": "ok", "b-0": "ok"}
    assert {row["verifier"] for row in verdicts.read_rows(["id", "verifier"])} == {NOW}


def test_trouble_of_the_sandbox_is_judged_again_by_the_same_verifier(run: Run) -> None:
    run.write(sample("a", verifier=NOW, verdict="sandbox_error"), sample("b", verifier=NOW))
    facts, verdicts = run.judge()
    assert (facts["judged"], facts["changed"]) == (1, 1)
    assert [row["id"] for row in verdicts.read_rows(["id"])] == ["a-0"]


def test_the_samples_themselves_are_not_touched(run: Run) -> None:
    run.write(sample("a", verdict="wrong_answer"))
    run.judge()
    assert run.samples.read_rows(["verdict", "verifier"]) == [{"verdict": "wrong_answer", "verifier": "1-first"}]


def test_another_tolerance_gives_other_verdicts(run: Run) -> None:
    run.write(sample("near", gold="int:22"), sample("far", gold="int:30"))
    strict, _ = run.judge()
    loose, verdicts = run.judge(absolute=1.5)
    assert (strict["wrong_answer"], loose["wrong_answer"], loose["ok"]) == (2, 1, 1)
    assert _judged(run, verdicts) == {"near-0": "ok", "far-0": "wrong_answer"}
    assert strict["digest"] != loose["digest"]


def test_the_digest_is_of_what_was_found_and_not_of_who_found_it(run: Run) -> None:
    run.write(sample("a"), sample("b", gold="int:30", verdict="wrong_answer"))
    strict, _ = run.judge()
    looser, _ = run.judge(absolute=0.5)
    assert strict["digest"] == looser["digest"]


def test_a_teachers_failure_stays_one(run: Run) -> None:
    run.write(sample("a", completion=None, finish_reason="error", verdict="teacher_error", program=None))
    facts, _ = run.judge()
    assert (facts["teacher_error"], facts["changed"]) == (1, 0)


def test_a_bad_program_harms_no_other(run: Run) -> None:
    hostile = ("\n    while True: pass\n", "\n    return 'x' * 10**10\n", "\n    import os\n    os._exit(1)\n")
    run.write(*(sample(f"bad{n}", completion=text) for n, text in enumerate(hostile)), sample("good"))
    facts, verdicts = run.judge(cpu_seconds=0.5)
    assert (facts["judged"], facts["ok"]) == (4, 1)
    assert _judged(run, verdicts)["good-0"] == "ok"


def test_the_latest_attempt_is_what_is_judged(run: Run) -> None:
    run.write(sample("a", completion=None, finish_reason="error", verdict="teacher_error"))
    run.write(sample("a", attempt=1))
    facts, verdicts = run.judge()
    assert facts["judged"] == 1
    assert _judged(run, verdicts) == {"a-1": "ok"}


def test_columns_of_both_tables_may_be_asked_for(run: Run) -> None:
    run.write(sample("b", verdict="wrong_answer", completion_tokens=5), sample("a", verifier=NOW, completion_tokens=6))
    _, verdicts = run.judge()
    rows = read_judged(run.samples, verdicts, ["completion_tokens", "verifier"])
    assert rows == [{"completion_tokens": 6, "verifier": NOW}, {"completion_tokens": 5, "verifier": NOW}]
    assert set(read_judged(run.samples, verdicts)[0]) == set(run.samples.read_rows()[0])


@pytest.mark.parametrize(
    ("benchmark", "value", "gold", "verdict"),
    [
        (None, "3431581", "int:3431580", "ok"),
        ("gsm_hard", "3431581", "int:3431580", "wrong_answer"),
        (None, "18.4", "int:18", "wrong_answer"),
        ("gsm8k_paper", "18.4", "int:18", "ok"),
        (None, "['a', 'b']", 'str:"a b"', "ok"),
        ("bbh_word_sorting", "['a', 'b']", 'str:"a b"', "ok"),
        ("bbh_date_understanding", "'(B) 12/25/1937'", 'str:"(B)"', "ok"),
    ],
)
def test_an_evaluation_set_is_judged_by_its_own_rule_and_the_verdict_says_so(
    run: Run, benchmark: str | None, value: str, gold: str, verdict: str
) -> None:
    run.write(sample("a", completion=f"\n    return {value}\n", gold=gold, verifier="older"))
    _, verdicts = run.judge(benchmark)
    [row] = verdicts.read_rows()
    assert row["verdict"] == verdict
    assert (f"-{benchmark}.1-" in row["verifier"]) is bool(benchmark)


def test_each_problem_is_judged_by_its_own_rules(run: Run) -> None:
    strict = rules_of(VerificationConfig(mode="exact"), recipe_named("pad"))
    rules = replace(Rules(), by_problem={"train-2": strict})
    told: Row = {"completion": "\n    return 21.0001\n", "gold": "int:21", "verdict": "wrong_answer"}
    run.write(sample("a", **told), sample("b", "train-2", **told))
    verdicts = run.folder.stage("verdicts", rules.version, [run.samples], "verdict")
    facts = judge_again(run.samples, verdicts, recipe="pad", rules=rules)
    assert _judged(run, verdicts) == {"a-0": "ok", "b-0": "wrong_answer"}
    assert [row["verifier"] for row in verdicts.read_rows(["id", "verifier"])] == [NOW, strict.version]
    assert facts["verifier"] == rules.version
