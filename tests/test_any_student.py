"""Students that are no plain decoders go the whole way: trained, measured in bulk, told of in a card, exported."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from pad_ray.config import parse_config
from pad_ray.export import merge_adapter
from pad_ray.pipeline import Pipeline
from pad_ray.release import engine_mark
from pad_ray.training.trainer import train
from tests.training.tiny import make_student, write_recorded

# Ray, vLLM and DeepSpeed warn of much that is theirs; what we call wrongly is an error in the tests of each module.
pytestmark = pytest.mark.filterwarnings("default")

SIZES = {"train": 16, "validation": 3, "test": 4, "unseen": 3}


def _pipeline(folder: Path, student: dict[str, Any], **sections: Any) -> Pipeline:
    settings = {
        "name": "any",
        "runs": str(folder / "runs"),
        "problems": {"sizes": SIZES},
        "teacher": {"kind": "recorded", "file": write_recorded(folder / "bought.jsonl", SIZES), "samples": 1},
        "student": student,
        "training": {"epochs": 1, "batch_size": 4, "precision": "fp32"},
        "evaluation": {"shots": [0, 2], "max_tokens": 24},
        "resources": {"train_workers": 1, "threads": 1},
        **sections,
    }
    return Pipeline(parse_config(settings))


def _run(pipeline: Pipeline) -> list[dict[str, Any]]:
    import ray

    try:
        return pipeline.run()
    finally:
        ray.shutdown()


def _printed(card: Path, number: int) -> str:
    """What the n-th program of a card prints, run as it stands in the card's folder."""
    found = re.findall(r"^(`{3,})python\n(.*?)^\1$", card.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (_, code) = found[number]
    (card.parent / "ask.py").write_text(code)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    command = [sys.executable, "ask.py"]
    try:
        done = subprocess.run(command, cwd=card.parent, env=environment, capture_output=True, text=True)
    finally:
        (card.parent / "ask.py").unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _marked(mark: dict[str, str]) -> list[int]:
    """Processes on this machine with these environment variables."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().items() >= mark.items():
                found.append(process.pid)
    return found


@pytest.mark.slow  # test_refinement.py takes one the same way by default
def test_an_encoder_decoder_goes_the_whole_way(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, {"model": make_student("t5", tmp_path / "t5")})
    results = _run(pipeline)
    assert {(row["model"], row["split"]) for row in results} == {
        ("base", "validation"),
        *((model, split) for model in ("base", "student") for split in ("test", "unseen")),
    }
    assert all(row["completion"] is not None for row in pipeline.stages["student_test"].read_rows())
    card = Path(pipeline.stages["student"].storage.path) / "README.md"
    text = card.read_text(encoding="utf-8")
    assert "vLLM does not serve this architecture" in text
    assert "AutoModelForSeq2SeqLM" in text
    [row] = [row for row in results if row["model"] == "student" and row["split"] == "test"]
    assert f"| {100 * row['accuracy']:.1f} % |" in text
    assert _printed(card, 0).startswith("Question: Ann has 3 nuts")
    assert (Path(pipeline.folder.storage.path) / "tensorboard" / pipeline.stages["student"].id).is_dir()


@pytest.mark.slow
@pytest.mark.engine
def test_an_adapter_goes_the_whole_way_through_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a tiny model whose heads have a width that vLLM's CPU kernels take; no engine is left when training starts."""
    left: list[list[int]] = []

    def watched(*stages: Any, **settings: Any) -> dict[str, Any]:
        left.append(_marked(engine_mark()))
        return train(*stages, **settings)

    monkeypatch.setattr("pad_ray.learning.train", watched)
    base = make_student("llama", tmp_path / "llama", width=128)
    pipeline = _pipeline(tmp_path, {"model": base, "lora": {"rank": 65, "alpha": 65}})
    results = _run(pipeline)
    assert left == [[]]
    assert {row["model"] for row in results} == {"base", "student"}
    student = Path(pipeline.stages["student"].storage.path)
    assert json.loads((student / "adapter_config.json").read_text())["r"] == 65
    assert all(row["finish_reason"] != "error" for row in pipeline.stages["student_test"].read_rows())
    merged = Path(merge_adapter(pipeline.folder.storage).path)
    said = [_printed(student / "README.md", 0), _printed(merged / "README.md", 0)]
    assert said[0] == said[1]
    for card in (student / "README.md", merged / "README.md"):
        assert "Question: Ann has 3 nuts" in _printed(card, 1)


@pytest.mark.slow
def test_a_student_may_learn_from_the_one_before_it(tmp_path: Path) -> None:
    training = {"epochs": 1, "batch_size": 4, "precision": "fp32", "self_distillation": {"weight": 1.0, "top_p": 0.99}}
    pipeline = _pipeline(tmp_path, {"model": make_student("t5", tmp_path / "t5")}, training=training)
    import ray

    try:
        pipeline.run("student")
    finally:
        ray.shutdown()
    first, second = (Path(pipeline.folder.storage.path) / name for name in ("student-first", "student"))
    marks = [json.loads((place / "done.json").read_text()) for place in (first, second)]
    assert marks[0]["steps"] == marks[1]["steps"] == SIZES["train"] // 4
    assert (first / "model.safetensors").read_bytes() != (second / "model.safetensors").read_bytes()
