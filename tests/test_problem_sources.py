"""Problems from Parquet and from the hub, the latter against a stand-in on the loopback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow
import pytest
from pyarrow import parquet

from pad_ray.errors import DataError
from pad_ray.problem_sources import hub_name
from pad_ray.problems import Problem, read_problems


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
CONVERTED, MAIN = "refs/convert/parquet", "main"
COMMIT = "1" * 40


def _parquet(*questions: str) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table({"question": questions, "answer": [SOLUTION] * len(questions)}), buffer)
    return buffer.getvalue()


REPOSITORIES: dict[tuple[str, str], dict[str, bytes]] = {
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


class Hub(BaseHTTPRequestHandler):
    """The addresses of the hub that list a data set's files and give one."""

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        for (repository, revision), files in REPOSITORIES.items():
            if path == f"/api/datasets/{repository}/revision/{revision}":
                siblings = [{"rfilename": file} for file in files]
                return self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode())
            if path in [f"/api/datasets/{repository}/tree/{place}" for place in (revision, COMMIT)]:
                listed = [{"type": "file", "path": file, "size": len(files[file]), "oid": "0" * 40} for file in files]
                return self._send(json.dumps(listed).encode())
            file = path.removeprefix(f"/datasets/{repository}/resolve/{COMMIT}/")
            if file in files:
                return self._send(files[file], {"ETag": f'"{abs(hash(path))}"', "X-Repo-Commit": COMMIT})
        known = any(repository in path for repository, _ in REPOSITORIES)
        self._send(b"", {"X-Error-Code": "RevisionNotFound" if known else "RepoNotFound"}, status=404)

    do_HEAD = do_GET

    def _send(self, body: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


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
    settings = {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline)), "HF_HOME": str(cache)}
    settings |= {"NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_XET": "1"}
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
