"""The loss of a micro-batch: examples do not see each other, only targets count, each by its weight."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.config import parse_config
from pad_ray.training.attention import PACKED, packs_apart
from pad_ray.training.objective import Objective
from pad_ray.training.settings import TrainingConfig
from pad_ray.training.students import load_student
from pad_ray.training.tokens import TokenizedExample
from tests.training.tiny import KINDS, example_rows, make_student, plain_loss, plain_model, tokenized

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FULL = TrainingConfig(precision="fp32", dropout=0.0)


@pytest.fixture(scope="module", params=KINDS)
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def examples(student: str) -> list[TokenizedExample]:
    plain = tokenized(student, example_rows(5))
    return [
        TokenizedExample(one.prompt, one.target, tuple(0.25 + n % 3 for n in range(len(one.target)))) for one in plain
    ]


def _gradient(model: Any, loss: Any) -> Any:
    import torch

    model.zero_grad()
    loss.backward()
    return torch.cat([parameter.grad.flatten().clone() for parameter in model.parameters()])


@pytest.mark.parametrize(("on_cpu", "multiple"), [(True, 1), (True, 64), (False, 1), (False, 64)])
def test_a_batch_has_the_loss_and_gradient_of_its_examples_on_their_own(
    student: str, examples: list[TokenizedExample], on_cpu: bool, multiple: int
) -> None:
    model, plain = load_student(student, None, FULL, on_cpu=on_cpu), plain_model(student)
    objective = Objective(model.config, capacity=10**6, multiple=multiple)
    together = objective.loss(model, model, objective.batch(examples))
    alone = sum(plain_loss(plain, example) for example in examples)
    assert together.item() == pytest.approx(alone.item(), rel=1e-5)
    found, expected = _gradient(model, together), _gradient(plain, alone)
    assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_logits_are_computed_at_targets_only(student: str, examples: list[TokenizedExample]) -> None:
    model = load_student(student, None, FULL, on_cpu=True)
    objective = Objective(model.config, capacity=10**6)
    seen = []
    model.get_output_embeddings().register_forward_hook(lambda layer, given, made: seen.append(made.shape))
    objective.loss(model, model, objective.batch(examples))
    assert [shape[:-1].numel() for shape in seen] == [sum(len(example.target) for example in examples)]


def test_attention_goes_example_by_example_on_a_cpu_where_the_architecture_allows_it(tmp_path: Any) -> None:
    llama = load_student(make_student("llama", tmp_path), None, FULL, on_cpu=True)
    assert llama.config._attn_implementation == PACKED


def test_a_window_narrower_than_an_example_is_left_to_transformers(tmp_path: Any) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(make_student("llama", tmp_path))
    config.sliding_window = 64
    assert packs_apart(config, max_tokens=64)
    assert not packs_apart(config, max_tokens=65)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_validation_loss_is_that_of_all_examples_whoever_computes_it(
    student: str, examples: list[TokenizedExample], workers: int
) -> None:
    import torch

    model, plain = load_student(student, None, FULL, on_cpu=True), plain_model(student)
    objective = Objective(model.config, capacity=300)
    shares = [objective.validation_loss(model, model, examples, workers, rank) for rank in range(workers)]
    with torch.no_grad():
        alone = sum(plain_loss(plain, example) for example in examples)
    assert float(sum(shares)) == pytest.approx(float(alone), rel=1e-5)


def test_dropout_is_set_on_all_that_the_architecture_has(student: str) -> None:
    import torch

    training = parse_config({"training": {"dropout": 0.5, "precision": "fp32"}}).training
    model = load_student(student, None, training, on_cpu=True)
    rates = {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {0.5}
    assert rates or model.config.attention_dropout == 0.5
