"""A run folder with students in it: real tiny checkpoints and adapters, as a training leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pad_ray.config import RunConfig, parse_config
from pad_ray.generation.teachers import Teacher
from pad_ray.rounds import Round, write_round
from pad_ray.storage import Storage
from pad_ray.student_card import student_origin
from pad_ray.training.card import model_card
from pad_ray.training.settings import LoraConfig
from pad_ray.training.students import load_model, with_adapter
from tests.past_run import write_run


def write_trained(folder: Path, base: str, lora: bool, rounds: int = 0) -> Storage:
    """A run with its student.

    Args:
        folder: for the run.
        base: what was trained.
        lora: the students are adapters.
        rounds: so many rounds are over, each with a student of its own, `round-<n>/student`.
    """
    run = write_run(folder).storage
    settings: dict[str, Any] = {"name": "small", "student": {"model": base}, "training": {"precision": "fp32"}}
    if lora:
        settings["student"]["lora"] = {"rank": 4}
    config = parse_config(settings)
    run.write_text("run.yaml", yaml.safe_dump(config.model_dump(mode="json", by_alias=True)))
    for number in range(rounds + 1):
        place = run / (f"round-{number}/student" if number else "student")
        _write_student(place, config, base, seed=number)
        write_round(run, Round(number, {}, f"abc{number}", {}, place=place.uri))
    return run


def _write_student(place: Storage, config: RunConfig, base: str, seed: int) -> None:
    import torch
    from transformers import AutoTokenizer

    model = load_model(base, "fp32")
    torch.manual_seed(seed)
    if config.student.lora:
        model = with_adapter(model, LoraConfig(rank=4))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    folder = Path(place.path)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    (folder / "README.md").write_text(_card(config, base))
    (folder / "done.json").write_text(f'{{"id": "abc{seed}"}}')


def _card(config: RunConfig, base: str) -> str:
    return model_card(student_origin(config, base, Teacher("annotations", "notes", "notes"), {"ok": 2}, {}))
