"""A run folder on an S3-compatible server: the same promises as on a disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from pad_ray.cli import main
from pad_ray.config import load_config
from pad_ray.errors import InputError, StageError
from pad_ray.models import local_folder
from pad_ray.pipeline import Pipeline
from pad_ray.records import Row, schema, table
from pad_ray.run_folder import RunFolder, once
from pad_ray.run_lock import LOCK, run_lock
from pad_ray.run_tables import RunTables
from pad_ray.storage import Storage
from tests.chaos.resume import needed_whole_cpus
from tests.hub import CONVERTED, Hub, environment, parquet_of
from tests.s3_server import BUCKET, ENVIRONMENT, S3Server, find_rclone

PROBLEMS = 2000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    rclone = find_rclone()
    if not rclone:
        pytest.skip("no S3 server: `rclone` is not installed (it is in requirements/dev.txt)")
    with S3Server(rclone, tmp_path_factory.mktemp("s3")) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield server


@pytest.fixture
def uri(server: S3Server, tmp_path: Path) -> str:
    """A folder of its own for each test."""
    return f"s3://{BUCKET}/{tmp_path.name}/runs?endpoint_override={server.url}&scheme=http"


@pytest.fixture
def storage(uri: str) -> Storage:
    return Storage.open(uri)


def test_text_comes_back_and_is_replaced_whole(storage: Storage) -> None:
    storage.write_text("a.json", "a long text, é\r\n")
    storage.write_text("a.json", "short")
    assert storage.read_text("a.json") == "short"
    assert storage.read_text("b.json") is None
    assert (storage.has("a.json"), storage.has("b.json")) == (True, False)


def test_tables_come_back(storage: Storage) -> None:
    assert storage.parquet(schema("example")) is None
    for name in ("b", "a"):
        storage.write_parquet(f"{name}.parquet", table("example", [{"id": name, "prompt": "p" * 100_000}]))
    found = storage.parquet(schema("example"))
    assert found is not None
    assert found.to_table(["id", "prompt"]).to_pylist() == [{"id": name, "prompt": "p" * 100_000} for name in "ab"]


def test_files_and_folders_are_told_apart(storage: Storage) -> None:
    (storage / "deep" / "er").write_text("a.json", "")
    storage.write_text("b.json", "")
    assert (storage.names(), storage.folders()) == (["b.json"], ["deep"])
    assert ((storage / "deep").names(), (storage / "deep").folders()) == ([], ["er"])
    assert ((storage / "none").names(), (storage / "none").folders()) == ([], [])


def test_a_file_is_one_object_and_its_folders_are_none(server: S3Server, storage: Storage) -> None:
    before = list(server.folder_marks)
    storage.make()
    (storage / "deep" / "er").write_text("a.json", "")
    assert server.folder_marks == before


def test_a_folder_is_emptied(storage: Storage) -> None:
    (storage / "deep" / "er").write_text("a.json", "")
    storage.write_text("b.json", "")
    storage.clear()
    assert (storage.names(), storage.folders()) == ([], [])
    storage.remove("c.json")


@pytest.mark.parametrize("name", ["quickstart", "a b%20c", "é+&?#"])
def test_its_address_opens_again(storage: Storage, uri: str, name: str) -> None:
    deep = storage / name / "events"
    deep.write_text("a.json", name)
    assert Storage.open(deep.uri).read_text("a.json") == name
    assert storage.uri == uri


def test_the_environment_may_name_the_server(
    server: S3Server, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write_text("a.json", "text")
    address = storage.uri.partition("?")[0]
    # By its name: addresses of numbers are never taken for a host that has a bucket as its subdomain.
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url.replace("127.0.0.1", "localhost"))
    named = Storage.open(address)
    assert (named.read_text("a.json"), named.uri) == ("text", address)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    assert Storage.open(address).read_text("a.json") == "text"


def test_another_process_needs_no_more_than_the_credentials(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    storage = Storage.open(f"s3://{BUCKET}/pickled")
    storage.write_text("a.json", "text")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    # pyarrow ends S3 well where `pyarrow.fs` was imported, as Ray Data's workers do.
    program = "import pickle, pyarrow.fs, sys; print(pickle.load(sys.stdin.buffer).read_text('a.json'))"
    read = subprocess.run([sys.executable, "-c", program], input=pickle.dumps(storage), capture_output=True, check=True)
    assert read.stdout == b"text\n"
    assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"].encode() not in pickle.dumps(storage)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://user:hush@bucket/runs",
        "s3://hush@bucket/runs",
        "s3://bucket/runs?secret_key=hush",
        "s3://bucket/runs?endpoint_override=http://me:hush@127.0.0.1:9",
        "abfs://container@account.dfs.core.windows.net/runs?client_secret=hush",
    ],
)
def test_an_address_with_credentials_is_refused_without_saying_them(uri: str) -> None:
    with pytest.raises(InputError, match=r"holds credentials.*Set them in the environment") as caught:
        Storage.open(uri)
    assert "hush" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(uri: str) -> None:
    with pytest.raises(InputError, match=r"cannot write to s3://none/.*: there is no bucket none\. Choose another"):
        Storage.open(uri.replace(BUCKET, "none", 1)).make()


def test_wrong_credentials_are_named_in_one_line(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(InputError, match=r"cannot write to s3://.*ACCESS_DENIED.*credentials .* environment") as caught:
        RunFolder.open(uri, "small")
    assert "\n" not in str(caught.value)


def test_a_store_that_takes_no_trailing_checksums_is_told_from_others(
    server: S3Server, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REQUEST_CHECKSUM_CALCULATION")
    with pytest.raises(InputError, match=r"Set AWS_REQUEST_CHECKSUM_CALCULATION=when_required for this store"):
        Storage.open(uri.replace(server.url, server.direct)).write_text("a.json", "text")


def test_stages_are_done_when_their_mark_is_written(uri: str) -> None:
    folder = RunFolder.open(uri, "small")
    stage = folder.stage("examples", [], record="example")

    def fail(mark: dict[str, Any]) -> None:
        stage.write_rows([{"id": "a"}])
        raise StageError("failed")

    with pytest.raises(StageError, match="failed"):
        once(folder, stage, fail)
    assert stage.done is None
    with folder.working(stage) as mark:
        assert stage.count() == 0  # what the broken try wrote was cleared
        stage.write_rows([{"id": "b"}])
        mark["rows"] = 1
    assert stage.done is not None
    assert (stage.done["rows"], stage.read_rows(["id"])) == (1, [{"id": "b"}])
    assert [event["event"] for event in folder.events()] == ["examples"]


_HOLD = """
import sys
from pad_ray.run_lock import run_lock
from pad_ray.storage import Storage
with run_lock(Storage.open(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(uri: str) -> Iterator[subprocess.Popen[str]]:
    """A driver at work in another process."""
    command = [sys.executable, "-c", _HOLD, uri]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_driver_is_told_who_is_at_work(storage: Storage, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(InputError, match=f"process {holder.pid} on .* is at work on s3://"):
        run_lock(storage).__enter__()


def test_a_lock_ends_with_its_block(storage: Storage, holder: subprocess.Popen[str]) -> None:
    holder.communicate("")
    assert storage.names() == []
    with run_lock(storage):
        assert storage.names() == [LOCK]


def test_a_driver_that_was_killed_here_holds_no_lock(storage: Storage, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with run_lock(storage):
        pass


def _rewritten(storage: Storage, **facts: Any) -> None:
    storage.write_text(LOCK, json.dumps({**json.loads(storage.read_text(LOCK) or ""), **facts}))


def test_a_driver_elsewhere_holds_its_lock_while_it_gives_signs(
    storage: Storage, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    _rewritten(storage, processes="another machine", host="far")
    with pytest.raises(InputError, match=f"process {holder.pid} on far is at work"):
        run_lock(storage).__enter__()
    _rewritten(storage, beat=time.time() - 121)
    with run_lock(storage):
        pass


def test_a_lock_that_another_driver_took_over_is_left_to_it(storage: Storage) -> None:
    with run_lock(storage):
        _rewritten(storage, token="of another driver")
    assert "of another driver" in (storage.read_text(LOCK) or "")


def test_a_lock_that_cannot_be_read_is_taken_over(storage: Storage) -> None:
    storage.write_text(LOCK, "[")
    with run_lock(storage):
        pass


@pytest.fixture
def config(tmp_path: Path, uri: str) -> Path:
    rows: list[Row] = [{"id": f"p{n}", "question": f"What is {n} plus 1?", "answer": n + 1} for n in range(PROBLEMS)]
    recorded = [{"problem_id": row["id"], "completion": f"\n    return {row['id'][1:]} + 1\n"} for row in rows]
    for name, lines in {"problems": rows, "recorded": recorded, "test": [{**rows[0], "question": "Why?"}]}.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    settings = {
        "runs": uri,
        "problems": {
            "train": str(tmp_path / "problems.jsonl"),
            "test": str(tmp_path / "test.jsonl"),
            "holdout": 0,
        },
        "teacher": {"kind": "recorded", "file": str(tmp_path / "recorded.jsonl"), "samples": 1, "shots": 0},
        "resources": {"cpus": needed_whole_cpus()},
    }
    path = tmp_path / "remote.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def _start(config: Path, *more: str, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pad_ray.cli", "run", str(config), "--until", "examples", *more]
    with (config.parent / "log.txt").open("ab") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **environment}
        )


def test_a_model_is_brought_to_the_cache_once(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path / "cache"))
    storage.write_text("config.json", "{}")
    (storage / "deep").write_text("a.txt", "a")
    folder = Path(local_folder(storage))
    assert {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")} == {
        "config.json": "{}",
        "deep/a.txt": "a",
    }
    (folder / "mark").touch()
    assert local_folder(storage) == str(folder)
    assert (folder / "mark").exists()


def test_a_model_that_was_written_anew_is_fetched_anew(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path / "cache"))
    storage.write_text("config.json", "{}")
    before = Path(local_folder(storage))
    storage.write_text("config.json", '{"layers": 2}')
    after = Path(local_folder(storage))
    assert (after / "config.json").read_text() == '{"layers": 2}'
    assert not before.exists()


def test_a_model_on_a_disk_is_loaded_where_it_lies(tmp_path: Path) -> None:
    assert local_folder(Storage.open(str(tmp_path))) == str(tmp_path)


def test_a_folder_knows_its_name_and_the_one_above(storage: Storage, uri: str) -> None:
    inner = storage / "quickstart"
    assert (inner.name, inner.parent, inner.parent.uri) == ("quickstart", storage, uri)


@pytest.mark.chaos
def test_a_run_that_was_killed_goes_on_and_answers_each_request_once(
    config: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Pipeline(load_config(config))
    samples = pipeline.sampling.samples
    process = _start(config)
    while process.poll() is None and not any(name.endswith(".parquet") for name in samples.storage.names()):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    written = samples.count()
    assert 0 < written < PROBLEMS
    assert samples.done is None

    assert _start(config).wait() == 0, (config.parent / "log.txt").read_text()
    asked = [row["id"] for row in pipeline.sampling.requests.read_rows(["id"])]
    answered = [row["id"] for row in samples.read_rows(["id"])]
    assert len(set(answered)) == len(answered) == PROBLEMS
    assert answered == asked
    assert samples.done is not None
    assert samples.done["rows"] == PROBLEMS
    assert pipeline.example_stage.done is not None
    text = pipeline.folder.storage.read_text("run.yaml") or ""
    assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in text
    assert yaml.safe_load(text)["runs"] == uri
    _look_at(pipeline, config, capsys)


def _look_at(pipeline: Pipeline, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the other commands say of the run."""
    run = pipeline.folder.storage.uri

    def says(*command: str) -> str:
        assert main([*command]) == 0
        return capsys.readouterr().out

    [line] = says("samples", run, "--limit", "1", "--json").splitlines()
    sample = json.loads(line)
    assert (sample["verdict"], sample["question"]) == ("ok", f"What is {sample['problem_id'][1:]} plus 1?")
    chain = says("show", run, sample["id"])
    assert all(f"{what} {sample['rid']}" in chain for what in ("example", "sample", "request"))
    assert "plus 1?" in chain
    assert "judged 0 samples again" in says("verify", run)
    again = says("verify", run, "--set", "verification.absolute=0.5")
    assert f"judged {PROBLEMS:,} samples again; 0 verdicts changed; none was bought" in again
    with run_lock(pipeline.folder.storage):
        assert main(["run", str(config), "--until", "examples"]) == 2
    assert f"process {os.getpid()} on " in capsys.readouterr().err
    assert _start(config, "--set", "name=other", "--set", f"samples.from={run}").wait() == 0
    place = (pipeline.folder.storage.parent / "other" / "samples").uri
    assert f"\nin {place}\n" in (config.parent / "log.txt").read_text()
    adopted = RunTables.find("other", pipeline.config.runs).newest("samples")
    assert adopted is not None
    assert {name.partition("-")[0] for name in adopted.storage.names()} == {"adopted", "done.json"}


@pytest.mark.chaos
def test_a_run_on_problems_of_the_hub_is_kept_in_object_storage(uri: str, tmp_path: Path) -> None:
    """GSM8K's form, from a data set to examples: notes of a solution become its program."""
    questions = [f"What is {n} plus {n}?" for n in range(100)]
    answers = [f"It is <<{n}+{n}={2 * n}>>{2 * n}.\n#### {2 * n}" for n in range(100)]
    file = parquet_of({"question": questions, "answer": answers})
    settings = {
        "runs": uri,
        "problems": {"train": "org/maths:main", "holdout": 0.1},
        "teacher": {"kind": "annotations", "samples": 1, "shots": 0},
        "resources": {"cpus": needed_whole_cpus()},
    }
    (tmp_path / "hub.yaml").write_text(yaml.safe_dump(settings))
    with Hub({("org/maths", CONVERTED): {"main/train/0000.parquet": file}}) as hub:
        process = _start(tmp_path / "hub.yaml", **environment(hub.url, tmp_path / "hub"))
        assert process.wait() == 0, (tmp_path / "log.txt").read_text()
    run = RunTables.find("hub", uri)
    samples = run.newest("samples")
    assert samples is not None
    assert [row["verdict"] for row in samples.read_rows(["verdict"])] == ["ok"] * 80
