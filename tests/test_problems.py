"""Problems from files and built in: what is read, and that bad input is named by file, line and field."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import ConfigError, DataError
from pad_ray.problems import Problem, load_problems, read_problems


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "problems.jsonl"


def _write(file: Path, *rows: object) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_a_problem_is_read_with_its_other_fields_as_meta(file: Path) -> None:
    _write(file, {"id": "a", "question": "What is 2 + 2?", "answer": 4, "level": "easy"})
    assert read_problems(file) == [Problem("a", "What is 2 + 2?", 4, {"level": "easy"})]


@pytest.mark.parametrize("answer", [0, -3, 2.5, "yes", "1/2", 10**30])
def test_answers_are_numbers_or_strings_as_written(file: Path, answer: object) -> None:
    assert read_problems(_write(file, {"question": "?", "answer": answer}))[0].answer == answer


def test_fields_may_have_other_names(file: Path) -> None:
    _write(file, {"n": 7, "input": "Why?", "target": "because"})
    assert read_problems(file, question="input", answer="target", id="n") == [Problem("7", "Why?", "because")]


def test_an_id_made_from_the_question_does_not_depend_on_the_line(file: Path) -> None:
    rows: list[object] = [{"question": "One?", "answer": 1}, {"question": "Two?", "answer": 2, "id": None}]
    there = {p.question: p.id for p in read_problems(_write(file, *rows))}
    back = {p.question: p.id for p in read_problems(_write(file, *reversed(rows)))}
    assert there == back
    assert there["One?"] == "q-588216e42df797f3"


def test_a_byte_order_mark_and_blank_lines_are_passed_over(file: Path) -> None:
    file.write_bytes('\ufeff\n{"question": "Où ?", "answer": "là"}\r\n\n'.encode())
    assert [p.question for p in read_problems(file)] == ["Où ?"]


def test_a_line_separator_inside_a_question_does_not_end_the_line(file: Path) -> None:
    file.write_text('{"question": "One\u2028two?", "answer": 1}\n', encoding="utf-8")
    assert read_problems(file)[0].question == "One\u2028two?"


def test_a_limit_stops_before_what_comes_after(file: Path) -> None:
    file.write_text('{"question": "One?", "answer": 1}\nnot JSON\n')
    assert len(read_problems(file, limit=1)) == 1


def test_a_limit_of_nothing_is_refused(file: Path) -> None:
    with pytest.raises(ConfigError, match="limit of 0"):
        read_problems(file, limit=0)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"answer": 1}, "field `question` is missing"),
        ({"question": "", "answer": 1}, "field `question` is empty"),
        ({"question": None, "answer": 1}, "field `question` is null"),
        ({"question": ["Why?"], "answer": 1}, "field `question` is a list"),
        ({"question": "Why?"}, "no gold: field `answer` is missing"),
        ({"question": "Why?", "answer": None}, "no gold: field `answer` is empty"),
        ({"question": "Why?", "answer": "  "}, "no gold: field `answer` is empty"),
        ({"question": "Why?", "answer": True}, "field `answer` is a boolean"),
        ({"question": "Why?", "answer": {"value": 1}}, "field `answer` is an object"),
        ({"question": "Why?", "answer": float("nan")}, "field `answer` is nan"),
        ({"question": "Why?", "answer": float("-inf")}, "field `answer` is -inf"),
        ({"question": "Why?", "answer": "NaN"}, "field `answer` is NaN"),
        ({"question": "Why?", "answer": 1, "id": 1.5}, "field `id` is a number"),
        ({"question": "Why?", "answer": 1, "id": ""}, "field `id` is empty"),
        ({"question": "Why?", "answer": 1, "id": "a"}, "field `id`: a was given before, at"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_field(file: Path, fields: dict[str, Any], says: str) -> None:
    _write(file, {"id": "a", "question": "Good?", "answer": 1}, fields)
    with pytest.raises(DataError) as caught:
        read_problems(file)
    assert str(caught.value).startswith(f"{file}, line 2: {says}")
    assert "\n" not in str(caught.value)
    assert caught.value.mend


def test_a_file_with_a_bad_row_is_closed_while_its_error_is_still_held(file: Path) -> None:
    file.write_text('{"question": null}\n{"question": "Why?", "answer": 1}\n')
    with pytest.raises(DataError) as caught:
        read_problems(file)
    assert caught.value
    held = [os.readlink(one.path) for one in os.scandir("/proc/self/fd") if os.path.exists(one.path)]
    assert str(file) not in held


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"question": "Why?", "answer": 1', "malformed JSON at column 33"),
        (b'["Why?", 1]', "a list, not an object"),
        (b'{"question": "\xff", "answer": 1}', "not UTF-8"),
        (b'{"question": "\\ud800", "answer": 1}', "half of a character"),
        (b'{"question": "Why?", "answer": ' + b"9" * 5_000 + b"}", "JSON that cannot be read"),
        (b"[" * 100_000, "JSON that cannot be read"),
        (b'{"question": "Why?", "answer": 1e999}', "field `answer` is inf"),
    ],
)
def test_a_line_that_is_no_row_is_named(file: Path, line: bytes, says: str) -> None:
    file.write_bytes(b'{"question": "Good?", "answer": 1}\n\n' + line)
    with pytest.raises(DataError, match=re.escape(f"{file}, line 3: {says}")):
        read_problems(file)


def test_the_same_question_twice_without_ids_is_refused(file: Path) -> None:
    row = {"question": "Why?", "answer": 1}
    with pytest.raises(DataError, match="a question asked twice needs ids"):
        read_problems(_write(file, row, row))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: there is no such file"):
        read_problems(tmp_path / "nowhere.jsonl")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_problems(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_rows_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(DataError, match="has no rows"):
        read_problems(file)


def test_quickstart_has_four_splits_of_problems() -> None:
    splits = load_problems("quickstart", seed=4, sizes={"train": 30})
    assert {split: len(problems) for split, problems in splits.items()} == {
        "train": 30,
        "validation": 120,
        "test": 300,
        "unseen": 150,
    }
    assert splits["train"][0].meta == {"template": "buy_more", "operations": 1}


@pytest.mark.parametrize("source", ["coin_flip", "last_letters"])
def test_a_symbolic_problem_brings_its_program_and_its_rationale(source: str) -> None:
    problem = load_problems(source, seed=4, sizes={"train": 1})["train"][0]
    assert problem.id == f"{source}-train-0"
    assert problem.meta["names"] == 4
    assert problem.meta["program"].startswith("def solution():\n")
    assert problem.meta["rationale"].endswith(f"\n#### {problem.answer}")


def test_an_unknown_built_in_source_gets_the_names_there_are() -> None:
    with pytest.raises(DataError, match="Built in: quickstart, coin_flip, last_letters"):
        load_problems("slowstart")


@pytest.mark.parametrize(
    ("final", "gold"),
    [
        ("#### 18", 18),
        ("####18", 18),
        ("#### 1,234,567", 1234567),
        ("#### -5", -5),
        ("#### 2.50", 2.5),
        ("#### 1/2", "1/2"),
        ("#### 1\n#### 2\n", 2),
    ],
)
def test_the_final_line_of_a_solution_is_gold_and_the_solution_is_kept(file: Path, final: str, gold: object) -> None:
    solution = f"Half of it is <<36/2=18>>18.\n{final}"
    [problem] = read_problems(_write(file, {"question": "?", "answer": solution}))
    assert (problem.answer, type(problem.answer)) == (gold, type(gold))
    assert problem.meta == {"rationale": solution}


def test_hashes_inside_a_line_are_no_final_answer(file: Path) -> None:
    assert read_problems(_write(file, {"question": "?", "answer": "see #### 18"}))[0].answer == "see #### 18"


def test_a_long_gold_is_cut_in_errors(file: Path) -> None:
    with pytest.raises(DataError, match=r"field `answer` is 9{59}…"):
        read_problems(_write(file, {"question": "?", "answer": "9" * 5_000}))
