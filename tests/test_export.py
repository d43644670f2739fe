"""What a run made leaves it whole: a merged adapter answers as the adapter, a hub has the files, lines their origin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))

from pad_ray.errors import InputError
from pad_ray.export import MERGED, merge_adapter, write_jsonl
from pad_ray.storage import Storage
from pad_ray.training.students import load_model
from tests.past_run import QUESTIONS, write_run
from tests.trained_run import write_trained
from tests.training.tiny import make_student
from tests.upload_hub import TOKEN, UploadHub


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("llama", tmp_path_factory.mktemp("base"))


@pytest.fixture
def plain(tmp_path: Path, base: str) -> Storage:
    """A run whose student is a plain checkpoint."""
    return write_trained(tmp_path, base, lora=False)


@pytest.fixture
def adapted(tmp_path: Path, base: str) -> Storage:
    """A run whose student is an adapter."""
    return write_trained(tmp_path, base, lora=True)


def _logits(model: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(input_ids=torch.arange(3, 40)[None]).logits


def test_a_merged_adapter_is_a_plain_checkpoint_that_answers_the_same(adapted: Storage, base: str) -> None:
    from peft import PeftModel
    from transformers import AutoTokenizer

    merged = merge_adapter(adapted).path
    assert merged == (adapted / MERGED).path
    expected = _logits(PeftModel.from_pretrained(load_model(base, "fp32"), (adapted / "student").path))
    assert _logits(load_model(merged, "fp32")).allclose(expected, atol=1e-5)
    assert not _logits(load_model(base, "fp32")).allclose(expected, atol=1e-2)
    assert len(AutoTokenizer.from_pretrained(merged)) == len(AutoTokenizer.from_pretrained(base))


def test_the_card_of_a_merged_adapter_is_that_of_a_plain_checkpoint(adapted: Storage) -> None:
    before = (adapted / "student").read_text("README.md") or ""
    text = merge_adapter(adapted).read_text("README.md") or ""
    assert "AutoPeftModelForCausalLM" in before
    assert "peft" not in text.partition("## Data")[0]
    assert "AutoModelForCausalLM" in text
    assert text.partition("## Data")[2] == before.partition("## Data")[2].rstrip("\n") + text[len(text.rstrip("\n")) :]


def test_a_plain_student_has_nothing_to_merge(plain: Storage) -> None:
    with pytest.raises(InputError, match="is no LoRA adapter"):
        merge_adapter(plain)


def test_a_folder_of_something_else_is_not_replaced(adapted: Storage, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something that is no checkpoint"):
        merge_adapter(adapted, Storage.open(str(tmp_path)))
    assert (tmp_path / "thesis.txt").exists()


def test_a_run_without_a_student_has_nothing_to_export(tmp_path: Path) -> None:
    run = write_run(tmp_path).storage
    with pytest.raises(InputError, match="there is no finished student in"):
        merge_adapter(run)


def test_a_run_in_object_storage_is_exported_too(adapted: Storage, tmp_path: Path) -> None:
    from pyarrow import fs

    bucket = fs.SubTreeFileSystem(adapted.path, fs.LocalFileSystem())
    run = Storage(bucket, "", scheme="s3", address="s3://bucket")
    assert "config.json" in merge_adapter(run, Storage.open(str(tmp_path / "merged"))).names()
    assert write_jsonl(run, tmp_path / "lines.jsonl") == 1


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_examples_are_pairs_that_name_their_origin(tmp_path: Path) -> None:
    run = write_run(tmp_path).storage
    assert write_jsonl(run, tmp_path / "out" / "lines.jsonl") == 1
    [line] = _lines(tmp_path / "out" / "lines.jsonl")
    assert line == {
        "prompt": f"Question: {QUESTIONS['train-1']}\nSolution:\ndef solution():",
        "completion": "\n    nuts = 1\n    return nuts + 20\n",
        "id": line["id"],
        "sample_id": line["sample_id"],
        "problem_id": "train-1",
    }
    assert line["sample_id"].startswith("aaaaaa")


def test_examples_are_turns_of_a_chat(tmp_path: Path) -> None:
    write_jsonl(write_run(tmp_path).storage, tmp_path / "lines.jsonl", "messages")
    [line] = _lines(tmp_path / "lines.jsonl")
    assert [turn["role"] for turn in line["messages"]] == ["user", "assistant"]
    assert QUESTIONS["train-1"] in line["messages"][0]["content"]
    assert "def solution():\n    nuts = 1\n    return nuts + 20\n" in line["messages"][1]["content"]
    assert line["problem_id"] == "train-1"


def test_a_run_without_examples_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="there are no examples in"):
        write_jsonl(Storage.open(str(tmp_path / "empty")), tmp_path / "lines.jsonl")


@pytest.fixture
def hub() -> Iterator[UploadHub]:
    with UploadHub() as running:
        yield running


def _push(hub: UploadHub, run: Storage, *arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """The command, as a user types it; large files go by LFS, which a stand-in can speak."""
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_TOKEN": token, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-m", "pad_ray.cli", "export", run.path, "--push", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_student_is_pushed_with_all_that_loads_it(hub: UploadHub, plain: Storage) -> None:
    done = _push(hub, plain, "org/small")
    assert done.returncode == 0, done.stderr
    assert f"{hub.url}/org/small/commit/" in done.stdout
    assert hub.repos["org/small"]["visibility"] == "private"
    student = Path(plain.path) / "student"
    kept = {path.name: path.read_bytes() for path in student.iterdir() if path.name != "done.json"}
    assert {name: data for name, data in hub.files["org/small"].items() if name != ".gitattributes"} == kept


def test_a_public_repository_is_made_when_asked_for(hub: UploadHub, plain: Storage) -> None:
    _push(hub, plain, "org/small", "--public")
    assert hub.repos["org/small"]["visibility"] == "public"


def test_an_adapter_whose_base_nobody_has_is_pushed_merged_only(hub: UploadHub, adapted: Storage) -> None:
    refused = _push(hub, adapted, "org/small")
    assert (refused.returncode, hub.files.get("org/small")) == (2, None)
    assert "is a folder that nobody else has. Push the two merged, with --merged" in refused.stderr
    assert _push(hub, adapted, "org/small", "--merged").returncode == 0
    assert {"config.json", "model.safetensors", "README.md"} <= hub.files["org/small"].keys()


def test_a_pushed_adapter_names_its_base_by_its_name_on_the_hub(hub: UploadHub, adapted: Storage) -> None:
    config = yaml.safe_load(adapted.read_text("run.yaml") or "")
    config["student"]["model"] = "embedded"
    adapted.write_text("run.yaml", yaml.safe_dump(config))
    assert _push(hub, adapted, "org/small").returncode == 0
    named = json.loads(hub.files["org/small"]["adapter_config.json"])["base_model_name_or_path"]
    assert named == "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.mark.parametrize(
    ("repo", "token", "says"),
    [
        ("org/small", "", "there is no token for the hub. Set HF_TOKEN in the environment"),
        ("org/small", "hf_reads", "did not take org/small"),
        ("a/b/c", TOKEN, "`a/b/c` is no name that the hub allows"),
    ],
)
def test_what_the_hub_cannot_take_is_one_line(hub: UploadHub, plain: Storage, repo: str, token: str, says: str) -> None:
    done = _push(hub, plain, repo, token=token)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "hf_" not in done.stderr
