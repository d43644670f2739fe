"""A student made on the spot learns 32 problems by heart, is saved, and answers them alike when it is loaded again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pad_ray.config import ResourcesConfig
from pad_ray.generation.transformers import TransformersTeacher
from pad_ray.recipes import recipe_named
from pad_ray.records import table
from pad_ray.storage import Storage
from pad_ray.training.engine import build_engine
from pad_ray.training.loop import train_step
from pad_ray.training.objective import Objective
from pad_ray.training.result import write_student
from pad_ray.training.settings import TrainingConfig
from pad_ray.verification import Verifier
from pad_ray.word_problems import generate
from tests.training.tiny import example_rows, in_processes, make_student, tokenized

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

COUNT = 32
STEPS = 500
TRAINING = TrainingConfig(
    precision="fp32", dropout=0.0, learning_rate=2e-3, schedule="cosine", warmup=0.1, batch_size=16, max_tokens=512
)
GREEDY = json.dumps({"temperature": 0.0, "top_p": 1.0, "max_tokens": 160, "stop": []})


def _learn(student: str, folder: str) -> list[str]:
    """Trains until the loss is next to nothing, saves, and says what the model in memory answers."""
    resources = ResourcesConfig(train_workers=1, micro_batch_tokens=4096)
    engine = build_engine(student, None, TRAINING, resources)
    objective, examples = Objective(engine.module.config, 4096), tokenized(student, example_rows(COUNT))
    for step in range(STEPS):
        train_step(engine, objective, examples, step, STEPS, TRAINING)
    write_student(engine, student, Storage.open(folder))
    teacher = TransformersTeacher(folder)
    teacher._model = engine.module.eval()
    teacher._model.config.use_cache = True
    teacher._model.set_attn_implementation("sdpa")  # that of training has no cache to write on from
    from pad_ray.training.students import choose_targets

    choose_targets(teacher._model, None)
    return _answers(teacher)


def _answers(teacher: TransformersTeacher) -> list[str]:
    rows = [
        {"id": str(n), "rid": str(n), "attempt": 0, "problem_id": str(n), "k": 0, "gold": "", "model": "m"}
        | {"prompt": row["prompt"], "sampling": GREEDY}
        for n, row in enumerate(example_rows(COUNT))
    ]
    found: dict[str, str] = {row["id"]: row["completion"] for row in teacher(table("request", rows)).to_pylist()}
    return [found[str(n)] for n in range(COUNT)]


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_it_answers_all_right_and_the_same_when_loaded_again(tmp_path: Path, kind: str) -> None:
    student, folder = make_student(kind, tmp_path / "new", width=96), str(tmp_path / "taught")
    before = in_processes(1, _learn, student, folder)[0]
    after = _answers(TransformersTeacher(folder))
    assert after == before
    recipe = recipe_named("pad")
    problems = generate(0, {"train": COUNT, "validation": 3, "test": 3, "unseen": 3})["train"]
    with Verifier() as verifier:
        judged = verifier.judge([recipe.solution(text) for text in after], [problem.answer for problem in problems])
    assert [str(one.verdict) for one in judged] == ["ok"] * COUNT
