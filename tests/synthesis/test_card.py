"""The card of a run's samples says what they are, in Markdown that no sample can break."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from pad_ray.config import ExamplesConfig
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, table
from pad_ray.storage import Storage
from pad_ray.synthesis.card import Counts, Origin, dataset_card
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.marks import mark_samples

ORIGIN = Origin(
    run="quickstart",
    teacher="embedded",
    source="gsm8k/train.jsonl",
    license="mit",
    sampling={"temperature": 0.7, "stop": ["\nQuestion:"]},
    created="2026-03-01",
    folder="0123456789ab",
    evaluation_sets=("gsm8k", "svamp"),
)
QUESTIONS = {f"p{n}": f"What are {n} and 7?" for n in range(4)}
HONEST = "def solution():\n    return {n} + 7"


def _sample(id: str, n: int, program: str = HONEST, verdict: str = "ok", **facts: Any) -> Row:
    return {
        "id": id,
        "problem_id": f"p{n}",
        "program": program.format(n=n),
        "completion": "",
        "verdict": verdict,
        "forged": False,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "cost": 0.5,
        "verifier": "1-abc",
        **facts,
    }


SAMPLES = [
    _sample("a", 0),
    _sample("b", 0),
    _sample("c", 1, "def solution():\n    return 8"),
    _sample("d", 2, verdict="wrong_answer"),
    _sample("e", 2, verdict="syntax_error", cost=None, verifier=None),
    _sample("f", 2, verdict="wrong_answer"),
]


def _card(samples: Sequence[Row] = SAMPLES, questions: dict[str, str] = QUESTIONS, **origin: Any) -> str:
    marks = mark_samples(samples, questions, lambda question: ["gsm8k"] if question == questions["p1"] else [])
    examples = make_examples(samples, questions, recipe_named("pad"), ExamplesConfig(), marks)
    counts = Counts()
    for sample in samples:
        counts.add(sample, marks[sample["id"]])
    for example in examples:
        counts.add_example(example)
    return dataset_card(counts, questions, Origin(**{**vars(ORIGIN), **origin}))


def _cells(card: str, first: str) -> list[str]:
    """The cells of the table row that begins with `first`."""
    [line] = [line for line in card.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def _front(card: str) -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)
    assert found
    facts: dict[str, Any] = yaml.safe_load(found[1])
    return facts


def test_the_front_matter_is_what_the_hub_reads() -> None:
    facts = _front(_card())
    assert facts["license"] == "mit"
    assert facts["size_categories"] == ["n<1K"]
    assert facts["configs"] == [{"config_name": "default", "data_files": "0123456789ab/*.parquet"}]


def test_a_licence_that_the_hub_does_not_know_keeps_its_name() -> None:
    facts = _front(_card(license="CC BY-NC 2.5: see the site"))
    assert (facts["license"], facts["license_name"]) == ("other", "CC BY-NC 2.5: see the site")


@pytest.mark.parametrize(
    ("row", "rest"),
    [
        ("ok", ["3", "50.0 %"]),
        (r"wrong\_answer", ["2", "33.3 %"]),
        (r"syntax\_error", ["1", "16.7 %"]),
        ("used", ["1"]),
        ("not used: duplicate", ["1"]),
        ("not used: contaminated:gsm8k", ["1"]),
        ("gsm8k", ["1", "33.3 %"]),
        ("svamp", ["0", "0.0 %"]),
        (r"constant\_program", ["returns one literal", "1", "33.3 %"]),
        ("prompt tokens", ["600"]),
        ("completion tokens", ["60"]),
        ("cost", ["2.50"]),
        ("verifier", ["1-abc, unknown"]),
        ("temperature", ["0.7"]),
        ("date", ["2026-03-01"]),
        ("run", ["quickstart"]),
        ("licence of the problems", ["mit"]),
    ],
)
def test_a_row_of_a_table(row: str, rest: list[str]) -> None:
    assert _cells(_card(), row)[1:] == rest


def test_solved_problems_and_duplicates_are_counted() -> None:
    card = _card()
    assert "2 of 3 problems (66.7 %)" in card
    assert "1 of 3 right samples (33.3 %) repeat" in card


def test_what_was_found_is_shown() -> None:
    card = _card()
    assert "In `gsm8k`, `p1`:\n\n```text\nWhat are 1 and 7?\n```" in card
    assert "`constant_program`, sample `c`:\n\n```text\nWhat are 1 and 7?\n\ndef solution():\n    return 8\n```" in card


def test_at_most_three_of_each_finding_are_shown() -> None:
    samples = [_sample(f"{n}", 1, f"def solution():\n    return 8{n}") for n in range(9)]
    assert _card(samples).count("`constant_program`, sample") == 3


def test_without_evaluation_sets_the_card_says_so() -> None:
    card = dataset_card(Counts(), {}, Origin(**{**vars(ORIGIN), "evaluation_sets": ()}))
    assert "not compared with an evaluation set" in card


def test_a_run_without_samples_has_a_card() -> None:
    assert "0 programs" in dataset_card(Counts(), {}, ORIGIN)


def test_no_text_breaks_out_of_its_block() -> None:
    attack = "def solution():\n    '''\n````\n# Fake heading\n```'''\n    return 8"
    card = _card([_sample("c", 1, attack)])
    open_fence = ""
    headings = []
    for line in card.splitlines():
        fence = re.match("(`{3,})", line)
        if fence and not open_fence:
            open_fence = fence[1]
        elif open_fence and line == open_fence:
            open_fence = ""
        elif not open_fence and line.startswith("#"):
            headings.append(line)
    assert "# Fake heading" in card
    assert "# Fake heading" not in headings


def test_a_name_cannot_break_a_table_or_the_front_matter() -> None:
    card = _card(run="a|b`c\n---\n# x", teacher="<b>|")
    assert _cells(card, "teacher")[1:] == [r"\<b\>\|"]
    assert _front(card)["pretty_name"].startswith("pad-ray samples: a|b`c")


def test_the_card_tells_how_to_load_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Storage.open(str(tmp_path)) / ORIGIN.folder
    stage.write_parquet("rows.parquet", table("sample", SAMPLES))
    stage.write_text("done.json", "{}")
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(import pyarrow.*?)```", _card(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    assert found["samples"].num_rows == len(SAMPLES)


def test_a_cost_has_its_currency() -> None:
    assert _cells(_card(currency="EUR"), "cost") == ["cost", "2.50 EUR"]


def test_contaminated_worked_examples_are_told() -> None:
    assert "\n**Beware.** They are test questions.\n" in _card(beware="They are test questions.")
    assert "Beware" not in _card()
