"""Weights between a student's and its base's, in folders that load."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.errors import ConfigError, InputError, ModelError
from pad_ray.remedies.averaging import average
from pad_ray.storage import Storage
from pad_ray.student_file import StudentFile
from pad_ray.training.settings import LoraConfig
from pad_ray.training.students import load_model, with_adapter
from tests.training.tiny import make_student


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student("llama", tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory, base: str) -> str:
    """The base with every weight moved by 0.5, in several files."""
    import torch
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("student")
    model = load_model(base, "fp32")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.5
    model.save_pretrained(folder, max_shard_size="50KB")
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    StudentFile("cot", True).write(Storage.open(str(folder)))
    (folder / "README.md").write_text("---\nlicense: mit\nbase_model: org/base\ntags: [pad-ray]\n---\n\n# Student\n")
    (folder / "done.json").write_text('{"id": "abc"}')
    return str(folder)


def _moved(model: Any, base: str) -> set[float]:
    """By how much weights differ from the base's."""
    pairs = zip(model.parameters(), load_model(base, "fp32").parameters(), strict=True)
    return {round(float(value), 3) for ours, theirs in pairs for value in (ours - theirs).flatten().tolist()}


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_weight_is_between_the_two(student: str, base: str, tmp_path: Path, share: float) -> None:
    found = average(student, base, share, str(tmp_path / "out"))
    assert _moved(load_model(found.folder, "fp32"), base) == {0.5 * share}
    assert found.distance == pytest.approx(0.5, rel=1e-3)


def test_the_folder_is_whole(student: str, base: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = average(student, base, 0.5, str(tmp_path / "out")).folder
    assert AutoTokenizer.from_pretrained(folder)("nuts")["input_ids"]
    assert StudentFile.read(folder) == StudentFile("cot", True)
    assert not (Path(folder) / "done.json").exists()


def test_the_card_says_what_was_averaged_and_under_which_licence(student: str, base: str, tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    folder = average(student, base, 0.25, str(tmp_path / "out")).folder
    card = ModelCard.load(Path(folder) / "README.md")
    assert (card.data.license, card.data.base_model) == ("mit", "org/base")
    assert "0.25 of the weights" in card.text
    assert str(tmp_path) not in card.content


def test_an_adapter_is_written_by_the_factor(base: str, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel

    model = with_adapter(load_model(base, "fp32"), LoraConfig(rank=2))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(tmp_path / "adapter")
    found = average(str(tmp_path / "adapter"), base, 0.5, str(tmp_path / "out"), adapter=True)
    whole, half = (
        PeftModel.from_pretrained(load_model(base, "fp32"), str(place)).merge_and_unload()
        for place in (tmp_path / "adapter", found.folder)
    )
    plain = load_model(base, "fp32")
    for ours, theirs, before in zip(half.parameters(), whole.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours - before, 0.5 * (theirs - before), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(student: str, base: str, tmp_path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="is no share"):
        average(student, base, share, str(tmp_path / "out"))


def test_a_folder_that_holds_something_is_left_alone(student: str, base: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        average(student, base, 0.5, str(tmp_path))


def test_another_architecture_is_no_base(student: str, tmp_path: Path) -> None:
    other = make_student("gpt2", tmp_path / "gpt2")
    with pytest.raises(ModelError, match="is missing in the"):
        average(student, other, 0.5, str(tmp_path / "out"))


def test_a_base_of_another_width_is_refused(student: str, tmp_path: Path) -> None:
    other = make_student("llama", tmp_path / "wide", width=64)
    with pytest.raises(ModelError, match="in the base"):
        average(student, other, 0.5, str(tmp_path / "out"))
