"""Students that vLLM does not serve, on real deployments: asked over HTTP, started by hand or sent to a cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.serving.launch import answers, serving, student_of
from pad_ray.serving.settings import ServeConfig
from tests.conftest import ROOT
from tests.ray_cluster import cluster_environment, free_ports, ray_cluster
from tests.serving.web import QUESTION
from tests.trained_run import write_trained
from tests.training.tiny import make_student

# Ray warns of much that is its own.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
BRIEF: dict[str, Any] = {"beams": 2, "candidates": 2, "budget": {"steps": 4, "tokens": 512}}
PATIENCE = 600.0


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("t5", tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def address(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of an encoder-decoder that was trained as an adapter: the student of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAD_RAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        model = student_of(write_trained(tmp_path_factory.mktemp("run"), base, lora=True, rounds=1))
        with serving(ServeConfig(model=model, name="adapted", port=free_ports(1)[0])) as address:
            assert answers(address, PATIENCE)
            yield address


def test_an_encoder_decoder_solves(address: str) -> None:
    body = httpx.post(f"{address}/v1/solve", json={"question": QUESTION, **BRIEF}, timeout=PATIENCE).json()
    assert body["model"] == "adapted"
    assert body["usage"]["completion_tokens"] > 0
    assert body["branches"]


def test_an_encoder_decoder_chats(address: str) -> None:
    asked = {"model": "adapted", "messages": [{"role": "user", "content": QUESTION}], "pad_ray": BRIEF}
    body = httpx.post(f"{address}/v1/chat/completions", json=asked, timeout=PATIENCE).json()
    assert body["choices"][0]["message"]["content"].startswith("```python\ndef solution():")


def test_a_file_is_deployed_to_a_cluster_that_runs(base: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    file = yaml.safe_load((ROOT / "jobs" / "serve.yaml").read_text())
    file |= {"proxy_location": "HeadOnly", "http_options": {"host": "127.0.0.1", "port": port}}
    file["applications"][0]["args"]["model"] = base
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump(file))
    with ray_cluster(cpus=4) as dashboard:
        command = [sys.executable, "-m", "pad_ray.cli", "serve", "deploy", str(tmp_path / "serve.yaml")]
        sent = subprocess.run([*command, "--address", dashboard], env=cluster_environment(), timeout=PATIENCE)
        assert sent.returncode == 0
        url = f"http://127.0.0.1:{port}"
        assert _comes_up(url)
        assert httpx.post(f"{url}/v1/solve", json={"question": QUESTION, **BRIEF}, timeout=PATIENCE).status_code == 200


def _comes_up(url: str) -> bool:
    """Whether it answers: `serve deploy` returns before anything listens."""
    import time

    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if answers(url, PATIENCE):
            return True
        time.sleep(1)
    return False
