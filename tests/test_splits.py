"""The problems of a run in splits: what is held out, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from pad_ray.errors import ConfigError, DataError
from pad_ray.problem_settings import ProblemsConfig
from pad_ray.records import Row, columns
from pad_ray.splits import bare_questions, measured_benchmarks, problem_rows


def _write(path: Path, *rows: dict[str, Any]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def _numbered(count: int, prefix: str = "p") -> list[dict[str, Any]]:
    return [{"id": f"{prefix}{n}", "question": f"What is {n} + 1?", "answer": n + 1} for n in range(count)]


def _rows(**settings: Any) -> list[Row]:
    return list(problem_rows(ProblemsConfig(**settings)))


def _ids(rows: list[Row], split: str) -> list[str]:
    return [row["id"] for row in rows if row["split"] == split]


@pytest.fixture
def train(tmp_path: Path) -> str:
    return _write(tmp_path / "mine.jsonl", *_numbered(40))


def test_built_in_problems_come_in_the_sizes_asked_for() -> None:
    rows = _rows(sizes={"train": 5, "validation": 2, "test": 3, "unseen": 4})
    assert Counter(row["split"] for row in rows) == {"train": 5, "validation": 2, "test": 3, "unseen": 4}
    assert {row["benchmark"] for row in rows} == {"quickstart"}


@pytest.mark.parametrize(
    ("source", "sizes"),
    [
        ("quickstart", {"train": 600, "validation": 120, "test": 300, "unseen": 150}),
        ("coin_flip", {"train": 350, "validation": 50, "test": 150, "unseen": 100}),
        ("last_letters", {"train": 350, "validation": 50, "test": 150, "unseen": 100}),
    ],
)
def test_built_in_problems_come_in_their_own_sizes_by_default(source: str, sizes: dict[str, int]) -> None:
    assert Counter(row["split"] for row in _rows(train=source)) == sizes


def test_symbolic_problems_are_named_after_their_source() -> None:
    assert {row["benchmark"] for row in _rows(train="coin_flip", sizes={"train": 1})} == {"coin_flip"}


def test_a_row_is_a_problem_record_with_tagged_gold(tmp_path: Path) -> None:
    path = _write(tmp_path / "mine.jsonl", *_numbered(5), {"id": "x", "question": "Is it?", "answer": "yes", "n": [1]})
    [row] = [row for row in _rows(train=path) if row["id"] == "x"]
    assert [*row] == columns("problem")
    assert (row["gold"], json.loads(row["meta"])) == ('str:"yes"', {"n": [1]})


def test_a_share_of_train_is_held_out_for_splits_without_a_file(train: str) -> None:
    rows = _rows(train=train, holdout=0.2)
    assert Counter(row["split"] for row in rows) == {"train": 24, "validation": 8, "test": 8}
    assert len({row["id"] for row in rows}) == 40


def test_what_is_held_out_depends_on_the_seed_and_not_on_the_order_of_lines(train: str, tmp_path: Path) -> None:
    back = _write(tmp_path / "back.jsonl", *reversed(_numbered(40)))
    first, reordered, other = _rows(train=train), _rows(train=back), _rows(train=train, seed=1)
    assert set(_ids(first, "test")) == set(_ids(reordered, "test"))
    assert set(_ids(first, "test")) != set(_ids(other, "test"))


def test_train_keeps_the_order_of_its_file(train: str) -> None:
    kept = _ids(_rows(train=train), "train")
    assert kept == sorted(kept, key=lambda id: int(id[1:]))


def test_a_split_with_a_file_takes_nothing_from_train(train: str, tmp_path: Path) -> None:
    test = _write(tmp_path / "test.jsonl", *_numbered(3, "t"))
    rows = _rows(train=train, test=test)
    assert _ids(rows, "test") == ["t0", "t1", "t2"]
    assert (len(_ids(rows, "train")), len(_ids(rows, "validation"))) == (36, 4)


def test_limits_cut_train_and_test_only(train: str) -> None:
    whole, cut = _rows(train=train, holdout=0.2), _rows(train=train, holdout=0.2, limit=5, test_limit=2)
    assert _ids(cut, "train") == _ids(whole, "train")[:5]
    assert _ids(cut, "test") == _ids(whole, "test")[:2]
    assert _ids(cut, "validation") == _ids(whole, "validation")


@pytest.mark.parametrize(
    ("test", "settings", "name"),
    [
        (None, {}, "mine"),
        ("hard.jsonl", {}, "hard"),
        ("gsm8k/test.jsonl", {}, "gsm8k"),
        ("gsm8k/test.jsonl", {"benchmark": "GSM8K"}, "GSM8K"),
    ],
)
def test_the_benchmark_is_named_after_its_file(
    train: str, tmp_path: Path, test: str | None, settings: dict[str, str], name: str
) -> None:
    files = {"test": _write(tmp_path / test, *_numbered(2, "t"))} if test else {}
    assert {row["benchmark"] for row in _rows(train=train, **files, **settings)} == {name}


def test_three_problems_are_enough_and_two_are_not(tmp_path: Path) -> None:
    three = _rows(train=_write(tmp_path / "three.jsonl", *_numbered(3)))
    assert Counter(row["split"] for row in three) == {"train": 1, "validation": 1, "test": 1}
    with pytest.raises(DataError, match=r"two\.jsonl: 2 problems are too few to hold some out"):
        _rows(train=_write(tmp_path / "two.jsonl", *_numbered(2)))


def test_a_problem_in_two_splits_is_refused(train: str, tmp_path: Path) -> None:
    test = _write(tmp_path / "test.jsonl", *_numbered(1))
    with pytest.raises(DataError, match="problem p0 is in train and in test"):
        _rows(train=train, test=test, validation=_write(tmp_path / "v.jsonl", *_numbered(1, "v")))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_file_beside_built_in_problems_is_not_passed_over(split: str) -> None:
    with pytest.raises(ConfigError, match=rf"problems\.{split} is a file and problems\.train is `quickstart`"):
        _rows(**{split: "mine.jsonl"})


@pytest.mark.parametrize("answer", ["x" * 70_000, 10**4000])
def test_gold_that_nothing_can_equal_is_refused_before_anything_starts(tmp_path: Path, answer: object) -> None:
    path = _write(tmp_path / "mine.jsonl", *_numbered(5), {"id": "odd", "question": "Why?", "answer": answer})
    with pytest.raises(DataError, match="problem odd: no gold that can be compared"):
        _rows(train=path)


def test_a_problem_file_is_found_under_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    lines = [json.dumps({"question": f"What is {n} + 1?", "answer": n + 1}) for n in range(20)]
    (folder / "train.jsonl").write_text("\n".join(lines))
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    rows = list(problem_rows(ProblemsConfig(train="mine/train.jsonl")))
    assert {row["benchmark"] for row in rows} == {"mine"}


def _file(path: Path, questions: list[str]) -> str:
    return _write(path, *({"id": n, "question": question, "answer": n} for n, question in enumerate(questions)))


def test_plain_ids_of_different_questions_carry_the_name_of_the_later_split(tmp_path: Path) -> None:
    train = _file(tmp_path / "a.jsonl", ["One?", "Two?", "Three?"])
    test = _file(tmp_path / "b.jsonl", ["Four?", "Five?"])
    validation = _write(tmp_path / "v.jsonl", *_numbered(2, "v"))
    rows = _rows(train=train, test=test, validation=validation)
    assert {split: _ids(rows, split) for split in ("train", "validation", "test")} == {
        "train": ["0", "1", "2"],
        "validation": ["v0", "v1"],
        "test": ["test:0", "test:1"],
    }


def test_all_rows_of_a_split_are_renamed_whatever_the_limits(tmp_path: Path) -> None:
    train = _file(tmp_path / "a.jsonl", ["One?"])
    test = _file(tmp_path / "b.jsonl", ["Two?", "Three?"])
    validation = _file(tmp_path / "v.jsonl", ["Four?", "Five?"])
    settings = {"train": train, "test": test, "validation": validation}
    whole, cut = _rows(**settings), _rows(**settings, validation_limit=1, test_limit=1)
    assert _ids(whole, "validation") == ["validation:0", "validation:1"]
    assert _ids(whole, "test") == ["test:0", "test:1"]
    assert _ids(cut, "test") == ["test:0"]


def test_the_same_question_under_one_id_is_refused_among_clashes_too(tmp_path: Path) -> None:
    train = _file(tmp_path / "a.jsonl", ["One?", "Two?"])
    test = _file(tmp_path / "b.jsonl", ["Three?", "Two?"])
    with pytest.raises(DataError, match="problem 1 is in train and in test"):
        _rows(train=train, test=test, validation=_write(tmp_path / "v.jsonl", *_numbered(1, "v")))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a part of SVAMP."""
    _write(tmp_path / "svamp" / "test.jsonl", *_numbered(5, "svamp-test-"))
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path))
    return tmp_path


def test_test_may_be_a_benchmark_by_name(data: Path, train: str) -> None:
    rows = _rows(train=train, test="svamp")
    assert _ids(rows, "test") == [f"svamp-test-{n}" for n in range(5)]
    assert {row["benchmark"] for row in rows} == {"svamp"}


def test_a_benchmark_is_read_by_its_own_field_names(data: Path, tmp_path: Path) -> None:
    rows = [{"input": f"What is {n} + 2?", "target": n + 2} for n in range(9)]
    train = _write(tmp_path / "named.jsonl", *rows)
    assert len(_ids(_rows(train=train, test="svamp", question="input", answer="target"), "test")) == 5


def test_a_name_that_is_no_benchmark_gets_the_nearest(data: Path, train: str) -> None:
    with pytest.raises(ConfigError, match="Did you mean `svamp`"):
        _rows(train=train, test="svam")


@pytest.mark.parametrize("source", ["svamp", "svamp/test.jsonl"])
def test_training_on_an_evaluation_set_is_refused_by_its_name(data: Path, source: str) -> None:
    with pytest.raises(ConfigError, match=r"the evaluation set svamp.*allow_contamination: true"):
        _rows(train=source)
    assert len(_rows(train=source, allow_contamination=True)) == 5


def test_parquet_is_a_source_of_problems(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(_numbered(20)), path)
    rows = _rows(train=str(path))
    assert (len(rows), {row["benchmark"] for row in rows}) == (20, {"mine"})


def test_nothing_is_held_out_where_nothing_shall_be(train: str) -> None:
    assert {row["split"] for row in _rows(train=train, holdout=0)} == {"train"}


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("gsm8k/test_socratic.jsonl", "gsm8k"),
        ("noisy_cot/gsm8k_test_model_solutions.jsonl", "gsm8k"),
        ("pot_codex/gsm8k_fewshot.jsonl", "gsm8k"),
        ("pot_codex/svamp_zeroshot.jsonl", "svamp"),
        ("pot_codex/multiarith_zeroshot.jsonl", "multiarith"),
    ],
)
def test_answers_to_evaluation_questions_are_not_trained_on(tmp_path: Path, place: str, name: str) -> None:
    path = _write(tmp_path / place, *_numbered(9))
    with pytest.raises(ConfigError, match=f"whose questions are those of the evaluation set {name}"):
        _rows(train=path)
    assert _rows(train=path, allow_contamination=True)


@pytest.mark.parametrize(
    ("test", "name"), [("gsm_hard", "gsm_hard"), ("bbh/navigate.jsonl", "bbh_navigate"), ("mine.jsonl", None)]
)
def test_test_problems_are_known_as_a_benchmark(
    tmp_path: Path, train: str, monkeypatch: pytest.MonkeyPatch, test: str, name: str | None
) -> None:
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path / "data"))
    for place in ("gsm_hard/test.jsonl", "bbh/navigate.jsonl", "mine.jsonl"):
        (tmp_path / "data").mkdir(exist_ok=True)
        _write(tmp_path / "data" / place, *_numbered(3, "t"))
    found = measured_benchmarks(ProblemsConfig(train=train, test=test))
    assert [benchmark.name for benchmark in found.values()] == ([name] if name else [])
    [called] = {row["benchmark"] for row in _rows(train=train, test=test, holdout=0)}
    assert called == (name or "mine")


def _asked(count: int) -> list[dict[str, Any]]:
    return [{"id": f"t{n}", "question": f"And {n} + 2?", "answer": n + 2} for n in range(count)]


def _fold(train: str, test: str, fold: int, **settings: Any) -> list[Row]:
    return _rows(train=train, test=test, folds=4, fold=fold, holdout=0, **settings)


def test_each_problem_of_train_and_test_is_measured_in_one_fold(train: str, tmp_path: Path) -> None:
    test = _write(tmp_path / "other.jsonl", *_asked(8))
    measured = [id for fold in range(4) for id in _ids(_fold(train, test, fold), "test")]
    assert sorted(measured) == sorted([*(f"p{n}" for n in range(40)), *(f"t{n}" for n in range(8))])


def test_a_fold_trains_on_the_rest_of_train_and_never_on_test(train: str, tmp_path: Path) -> None:
    test = _write(tmp_path / "other.jsonl", *_asked(8))
    for fold in range(4):
        rows = _fold(train, test, fold)
        learnt, measured = set(_ids(rows, "train")), set(_ids(rows, "test"))
        assert learnt == {f"p{n}" for n in range(40)} - measured


def test_a_question_that_is_asked_twice_is_on_one_side(tmp_path: Path) -> None:
    twice = [{**row, "id": f"{row['id']}-{n}"} for row in _numbered(12) for n in range(2)]
    train, test = _write(tmp_path / "twice.jsonl", *twice), _write(tmp_path / "other.jsonl", *_asked(4))
    for fold in range(4):
        rows = _fold(train, test, fold)
        sides = [{row["question"] for row in rows if row["split"] == split} for split in ("train", "test")]
        assert not sides[0] & sides[1]


def test_results_of_folds_have_a_name_of_their_own(train: str, tmp_path: Path) -> None:
    test = _write(tmp_path / "other.jsonl", *_asked(8))
    assert {row["benchmark"] for row in _fold(train, test, 0)} == {"other_folds4"}


def test_folds_without_a_test_file_are_of_train_alone(train: str) -> None:
    rows = _rows(train=train, folds=4, holdout=0)
    assert Counter(row["split"] for row in rows) == {"train": 30, "test": 10}


def test_validation_is_held_out_of_what_is_trained_on(train: str) -> None:
    rows = _rows(train=train, folds=4, holdout=0.1)
    assert Counter(row["split"] for row in rows) == {"train": 27, "validation": 3, "test": 10}


@pytest.mark.parametrize("settings", [{"folds": 4, "fold": 4}, {"fold": 1}])
def test_a_fold_that_is_not_there_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="there is no fold"):
        ProblemsConfig(**settings)


@pytest.mark.parametrize("settings", [{"folds": 4}, {"context": "rationale"}])
def test_built_in_problems_have_no_folds_and_no_context(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"is of files"):
        _rows(**settings)


def test_context_stands_before_the_question_and_is_told_from_it(tmp_path: Path) -> None:
    path = _write(tmp_path / "mine.jsonl", *({**row, "facts": "It is so.\nSo it is."} for row in _numbered(5)))
    settings = ProblemsConfig(train=path, context="facts", holdout=0.2)
    rows = list(problem_rows(settings))
    assert {row["question"].partition("What")[0] for row in rows} == {"It is so. So it is. "}
    assert set(bare_questions(rows, settings).values()) == {row["question"] for row in _numbered(5)}


def test_a_problem_without_the_context_that_is_asked_for_is_refused(train: str) -> None:
    with pytest.raises(DataError, match="has no text in field `facts`"):
        _rows(train=train, context="facts")


def test_strategyqa_is_a_source_of_problems(data_folder: Path) -> None:
    rows = _rows(train="strategyqa/train.jsonl", test="strategyqa", holdout=0, data=str(data_folder))
    assert Counter(row["split"] for row in rows) == {"train": 2061, "test": 229}
    assert {row["gold"] for row in rows} == {'str:"yes"', 'str:"no"'}
    assert all(json.loads(row["meta"])["subquestions"] for row in rows)


@pytest.fixture
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAD_RAY_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    for name in ("gsm8k", "svamp", "gsm_hard"):
        _write(tmp_path / "data" / name / "test.jsonl", *_numbered(6, "s" if name == "svamp" else "t"))


@pytest.mark.usefixtures("sets")
def test_of_several_sources_each_has_a_name_and_all_are_the_split_test(train: str, tmp_path: Path) -> None:
    own = _write(tmp_path / "own.jsonl", *_numbered(2, "own"))
    rows = _rows(train=train, test=["gsm8k", "svamp", own], test_limit=4)
    tests = Counter(row["benchmark"] for row in rows if row["split"] == "test")
    assert tests == {"gsm8k": 4, "svamp": 4, "own": 2}
    assert {row["benchmark"] for row in rows if row["split"] != "test"} == {"mine"}
    assert [*measured_benchmarks(ProblemsConfig(train=train, test=("gsm8k", "svamp", own)))] == ["gsm8k", "svamp"]


@pytest.mark.usefixtures("sets")
def test_evaluation_sets_that_share_problems_are_told_apart_by_id(train: str) -> None:
    rows = _rows(train=train, test=["gsm8k", "gsm_hard"], test_limit=1)
    assert _ids(rows, "test") == ["t0", "gsm_hard:t0"]


@pytest.mark.usefixtures("sets")
def test_a_list_of_one_is_that_one(train: str) -> None:
    assert _rows(train=train, test=["svamp"]) == _rows(train=train, test="svamp")


@pytest.mark.usefixtures("sets")
def test_a_training_problem_in_any_of_several_sources_is_refused(train: str, tmp_path: Path) -> None:
    own = _write(tmp_path / "own.jsonl", *_numbered(1))
    with pytest.raises(DataError, match="problem p0 is in train and in test"):
        _rows(train=train, test=["svamp", own], holdout=0)


def test_two_sources_that_results_would_call_the_same_are_refused(train: str, tmp_path: Path) -> None:
    paths = [_write(tmp_path / folder / "own.jsonl", *_numbered(1, folder)) for folder in ("a", "b")]
    with pytest.raises(ConfigError, match=r"problems\.test names .* which results would both call `own`"):
        _rows(train=train, test=paths)
