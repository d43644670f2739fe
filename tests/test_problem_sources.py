"""Problems from Parquet and from the hub, the latter against a stand-in on the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).parents[1]))

from pad_ray.errors import DataError
from pad_ray.problem_sources import hub_name
from pad_ray.problems import Problem, read_problems
from tests.hub import CONVERTED, MAIN, Hub, Repositories, environment, parquet_of


def _write(path: Path, rows: list[dict[str, Any]]) -> Path:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def test_parquet_is_read_as_json_lines_are(tmp_path: Path) -> None:
    rows = [{"n": 7, "input": "Why?", "target": "because", "level": 3}]
    path = _write(tmp_path / "mine.parquet", rows)
    expected = [Problem("7", "Why?", "because", {"level": 3})]
    assert read_problems(path, question="input", answer="target", id="n") == expected


def test_a_folder_of_parquet_files_is_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        _write(tmp_path / f"{name}.parquet", [{"question": f"{name}?", "answer": 1}])
    assert [problem.question for problem in read_problems(tmp_path)] == ["a?", "b?"]


@pytest.mark.parametrize(("answer", "gold"), [(Decimal("3.00"), 3), (Decimal("2.5"), 2.5), (72.0, 72.0)])
def test_columns_of_numbers_are_gold(tmp_path: Path, answer: object, gold: float) -> None:
    path = _write(tmp_path / "mine.parquet", [{"question": "?", "answer": answer}])
    assert read_problems(path)[0].answer == gold


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": None, "answer": 1}, "field `question` is null"),
        ({"question": "Why?", "answer": None}, "no gold: field `answer` is empty"),
        ({"question": "Good?", "answer": 1}, "was given before, at"),
    ],
)
def test_a_bad_row_is_named_by_file_and_row(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    path = _write(tmp_path / "mine.parquet", [{"question": "Good?", "answer": 1}, row])
    with pytest.raises(DataError, match=says) as caught:
        read_problems(path)
    assert str(caught.value).startswith(f"{path}, row 2: ")
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_told_with_those_there_are(tmp_path: Path) -> None:
    path = _write(tmp_path / "mine.parquet", [{"prompt": "Why?", "answer": 1}])
    with pytest.raises(DataError, match=r"row 1: field `question` is missing.*`prompt`, `answer`"):
        read_problems(path)


def test_what_is_no_parquet_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    path.write_text('{"question": "Why?", "answer": 1}')
    with pytest.raises(DataError, match=r"mine\.parquet: no Parquet file that can be read") as caught:
        read_problems(path)
    assert "\n" not in str(caught.value)


def test_parquet_without_rows_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.parquet"
    parquet.write_table(pyarrow.table({"question": pyarrow.array([], pyarrow.string())}), empty)
    with pytest.raises(DataError, match="has no rows"):
        read_problems(empty)
    with pytest.raises(DataError, match="there is no such file"):
        read_problems(tmp_path / "none.parquet")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("openai/gsm8k", "gsm8k"),
        ("openai/gsm8k:main", "gsm8k"),
        ("org/name.v2", "name.v2"),
        ("gsm8k/train.jsonl", None),
        ("gsm8k/train.parquet", None),
        ("quickstart", None),
        ("/data/mine", None),
        ("a/b/c", None),
    ],
)
def test_a_data_set_is_told_from_a_file_by_its_name(source: str, name: str | None) -> None:
    assert hub_name(source) == name


def test_a_file_that_exists_is_no_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org").mkdir()
    (tmp_path / "org/name").write_text('{"question": "Why?", "answer": 1}')
    assert hub_name("org/name") is None
    assert len(read_problems("org/name")) == 1


SOLUTION = "One and one is <<1+1=2>>2.\n#### 2"


def _parquet(*questions: str) -> bytes:
    return parquet_of({"question": questions, "answer": [SOLUTION] * len(questions)})


REPOSITORIES: Repositories = {
    ("org/maths", CONVERTED): {
        "main/train/0000.parquet": _parquet("One?", "Two?"),
        "main/train/0001.parquet": _parquet("Three?", "One?"),
        "main/test/0000.parquet": _parquet("Test?"),
        "socratic/train/0000.parquet": _parquet("Socratic?"),
    },
    # Never converted: as its owner uploaded it.
    ("org/private", MAIN): {"README.md": b"a card", "data/train-00000-of-00001.parquet": _parquet("Mine?")},
    ("org/text", MAIN): {"README.md": b"a card", "train.csv": b"question,answer\n"},
}


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with Hub(REPOSITORIES) as server:
        yield server.url


READ = """
import sys
from pad_ray.errors import PadRayError
from pad_ray.problems import read_problems
for source in sys.argv[2:]:
    try:
        problems = read_problems(source, split=sys.argv[1])
        print(*(f"{problem.question}={problem.answer}" for problem in problems), len({p.id for p in problems}))
    except PadRayError as error:
        print(type(error).__name__, error)
"""


def _read(endpoint: str, cache: Path, *sources: str, split: str = "train", offline: bool = False) -> list[str]:
    """What a fresh process prints of each source: the hub's address is read when its library is imported."""
    settings = {**environment(endpoint, cache), "HF_HUB_OFFLINE": str(int(offline))}
    command = [sys.executable, "-c", READ, split, *sources]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_data_set_of_the_hub_is_read_by_configuration_and_split(hub: str, tmp_path: Path) -> None:
    assert _read(hub, tmp_path, "org/maths:main", "org/maths:socratic", "org/private") == [
        "One?=2 Two?=2 Three?=2 One?=2 4",  # in the order of its files; a question asked twice has two ids
        "Socratic?=2 1",
        "Mine?=2 1",
    ]
    assert _read(hub, tmp_path, "org/maths:main", split="test") == ["Test?=2 1"]


def test_what_a_data_set_lacks_is_said_in_one_line(hub: str, tmp_path: Path) -> None:
    sources = ("org/maths", "org/maths:none", "org/private", "org/text", "org/gone")
    said = _read(hub, tmp_path, *sources, split="dev")
    assert [line.partition(". ")[0] for line in said] == [
        "ConfigError data set `org/maths` has several configurations: there are main, socratic",
        "ConfigError data set `org/maths:none` has no configuration `none`: there are main, socratic",
        "ConfigError data set `org/private` has no split `dev`: there are train",
        "DataError data set `org/text`: it has no Parquet files",
        "DataError `org/gone` is no file, and no data set on the hub that your token can read",
    ]


@pytest.mark.parametrize("offline", [True, False])
def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path: Path, offline: bool) -> None:
    [line] = _read("http://127.0.0.1:9", tmp_path, "org/maths:main", offline=offline)
    assert line.startswith("DataError `org/maths:main` is no file, and the hub cannot be reached for it. Give")


def test_offline_what_was_read_before_is_read_again(hub: str, tmp_path: Path) -> None:
    online = _read(hub, tmp_path, "org/maths:main", "org/private")
    assert _read(hub, tmp_path, "org/maths:main", "org/private", offline=True) == online


def test_offline_a_part_of_a_split_is_not_taken_for_the_whole(hub: str, tmp_path: Path) -> None:
    _read(hub, tmp_path, "org/maths:main")
    [second] = tmp_path.rglob("main/train/0001.parquet")
    second.unlink()
    [line] = _read(hub, tmp_path, "org/maths:main", offline=True)
    assert "the hub cannot be reached" in line
