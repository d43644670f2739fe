"""`pad-ray verify` on files: complete output or none, and errors that name the place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pad_ray.errors import DataError
from pad_ray.programs.answers import Comparison, Mode
from pad_ray.verification import Verdict, Verifier
from pad_ray.verify_file import verify_file

WriteLines = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteLines:
    def write_lines(*lines: Any) -> Path:
        path = tmp_path / "in.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    return write_lines


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_line_gets_its_verdict(write: WriteLines, tmp_path: Path) -> None:
    source = write(
        {"id": "a", "program": "ans = 42", "answer": 42},
        "",
        {"id": 7, "completion": "```python\nans = '50%'\n```", "answer": "0.5", "other": [1]},
        {"program": "ans = eggs", "answer": "yes"},
        {"id": None, "completion": None, "answer": 1},
    )
    counts = verify_file(source, tmp_path / "out.jsonl")
    rows = _read(tmp_path / "out.jsonl")
    assert [(row["id"], row["verdict"], row["value"]) for row in rows] == [
        ("a", "ok", "int:42"),
        (7, "ok", 'str:"50%"'),
        (4, "name_error", None),
        (None, "teacher_error", None),
    ]
    assert counts == Counter({Verdict.OK: 2, Verdict.NAME_ERROR: 1, Verdict.TEACHER_ERROR: 1})


def test_output_says_how_it_was_judged(write: WriteLines, tmp_path: Path) -> None:
    comparison = Comparison(Mode.ROUND)
    verify_file(write({"program": "ans = 41.6", "answer": 42}), tmp_path / "out.jsonl", comparison=comparison)
    [row] = _read(tmp_path / "out.jsonl")
    assert (row["verdict"], row["verifier"]) == ("ok", Verifier(comparison).version)
    assert [*row] == ["id", "verdict", "value", "error_class", "error", "line", "forged", "tier", "verifier"]


def test_progress_counts_to_the_end(write: WriteLines, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = write(*[{"id": n, "program": f"ans = {n}", "answer": n} for n in range(600)])
    verify_file(source, tmp_path / "out.jsonl", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert seen[-1] == (600, 600)
    assert [row["id"] for row in _read(tmp_path / "out.jsonl")] == list(range(600))


def test_a_file_can_be_judged_in_place(write: WriteLines) -> None:
    source = write({"id": 1, "program": "ans = 1", "answer": 1})
    verify_file(source, source)
    assert _read(source)[0]["verdict"] == "ok"


GOOD = {"program": "ans = 1", "answer": 1}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"answer": ' + "9" * 5_000 + "}", "no JSON"),
        ("[1]", "not an object"),
        ({"answer": 1}, "`program` or `completion` is missing"),
        ({"program": 5, "answer": 1}, "`program` is not a string"),
        ({"completion": ["x"], "answer": 1}, "`completion` is not a string"),
        ({"program": "ans = 1"}, "`answer` is missing"),
        ({"program": "ans = 1", "answer": None}, "`answer` is missing"),
        ({"program": "ans = 1", "answer": [1]}, "`answer` is neither"),
        ({"program": "ans = 1", "answer": ""}, "`answer`: the gold answer is empty"),
        ('{"program": "ans = 1", "answer": NaN}', "`answer`: .*not a finite number"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(
    write: WriteLines, tmp_path: Path, line: Any, complaint: str
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    with pytest.raises(DataError, match=rf"in\.jsonl, line 2: .*{complaint}"):
        verify_file(write(GOOD, line), output)
    assert output.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"program": "\xff", "answer": 1}\n')
    with pytest.raises(DataError, match="line 1: no JSON"):
        verify_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: there is no such file"):
        verify_file(tmp_path / "nowhere.jsonl", tmp_path / "out.jsonl")


def test_an_output_that_cannot_be_written_is_named(write: WriteLines, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written"):
        verify_file(write(GOOD), tmp_path / "nowhere" / "out.jsonl")


def test_an_interrupted_run_leaves_no_output(write: WriteLines, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_file(write(GOOD), tmp_path / "out.jsonl", on_progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_text_that_utf8_cannot_hold_is_written_escaped(write: WriteLines, tmp_path: Path) -> None:
    source = write({"id": "\ud800", "program": "ans = 1", "answer": 1})
    verify_file(source, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes().isascii()
