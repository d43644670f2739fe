"""The divergence from a frozen first student, by the definitions."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.training.distillation import FrozenTeacher, nucleus
from pad_ray.training.objective import Objective
from pad_ray.training.settings import SelfDistillation
from pad_ray.training.students import load_student
from tests.training.tiny import example_rows, make_student, plain_loss, plain_model, tokenized

FULL = parse_config({"training": {"precision": "fp32", "dropout": 0.0}}).training


@pytest.fixture(scope="module", params=["llama", "t5"])
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student(request.param, tmp_path_factory.mktemp("student"))


def _other(student: str) -> Any:
    """A first student: the same with other weights."""
    import torch

    model = load_student(student, None, FULL, on_cpu=True)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def _loss(student: str, model: Any, frozen: FrozenTeacher | None) -> Any:
    objective = Objective(model.config, capacity=10**6, frozen=frozen)
    return objective.loss(model, model, objective.batch(tokenized(student, example_rows(3))))


def test_a_first_student_that_is_the_same_adds_nothing(student: str) -> None:
    model = load_student(student, None, FULL, on_cpu=True)
    frozen = FrozenTeacher(load_student(student, None, FULL, on_cpu=True), SelfDistillation())
    assert _loss(student, model, frozen).item() == pytest.approx(_loss(student, model, None).item(), rel=1e-6)


def test_the_divergence_counts_by_its_weight_and_is_never_negative(student: str) -> None:
    model, other = load_student(student, None, FULL, on_cpu=True), _other(student)
    plain, once, twice = (
        _loss(student, model, FrozenTeacher(other, SelfDistillation(weight=weight)) if weight else None).item()
        for weight in (0, 1, 2)
    )
    assert once > plain
    assert twice - plain == pytest.approx(2 * (once - plain), rel=1e-4)


def test_it_is_the_textbook_divergence(student: str) -> None:
    import torch

    model, other = load_student(student, None, FULL, on_cpu=True), _other(student)
    examples = tokenized(student, example_rows(1))
    objective = Objective(model.config, capacity=10**6)
    batch = objective.batch(examples)
    found = _loss_of(model, batch, FrozenTeacher(other, SelfDistillation()))
    logs = [_logs(one, batch) for one in (other, model)]
    expected = torch.nn.functional.kl_div(logs[1], logs[0], reduction="sum", log_target=True).item()
    assert found == pytest.approx(expected, rel=1e-4)
    assert plain_loss(plain_model(student), examples[0]).item() > 0


def _logs(model: Any, batch: Any) -> Any:
    import torch

    from pad_ray.training.students import choose_targets

    with torch.no_grad():
        choose_targets(model.eval(), batch.places)
        return model(**batch.inputs, use_cache=False).logits.flatten(0, -2).float().log_softmax(-1)


def _loss_of(model: Any, batch: Any, frozen: FrozenTeacher) -> float:
    return float(frozen.divergence(batch, _logs(model, batch)).sum())


def test_only_the_student_learns(student: str) -> None:
    model, other = load_student(student, None, FULL, on_cpu=True), _other(student)
    _loss(student, model, FrozenTeacher(other, SelfDistillation())).backward()
    assert all(parameter.grad is None for parameter in other.parameters())
    assert any(parameter.grad is not None for parameter in model.parameters())


def test_a_nucleus_is_the_fewest_tokens_that_hold_so_much() -> None:
    import torch

    rows = torch.tensor([[0.5, 0.1, 0.3, 0.1], [0.05, 0.9, 0.03, 0.02]])
    assert nucleus(rows, 0.7).tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]
    assert nucleus(rows, 0.99).tolist() == [[1, 1, 1, 1], [1, 1, 1, 1]]
