"""What examples are worth: by the definitions, whatever else is in the batch."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.training.valuation import Order, Valuer
from tests.training.tiny import example_rows, make_student, plain_model, tokenized

COUNT = 6


@pytest.fixture(scope="module", params=["llama", "gpt2", "t5"])
def student(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_student(request.param, tmp_path_factory.mktemp("student"))


def _values(student: str, order: Order, count: int = COUNT) -> list[float]:
    import pyarrow

    rows = [{**row, "question": row["prompt"]} for row in example_rows(count)]
    asked = pyarrow.Table.from_pylist(
        [{key: row[key] for key in ("id", "prompt", "target", "question")} for row in rows]
    )
    found = Valuer(student, order, on_gpu=False, capacity=400)(asked).to_pylist()
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    return [row["value"] for row in found]


def _logits(model: Any, example: Any) -> Any:
    """At the targets of one example on its own."""
    import torch

    if model.config.is_encoder_decoder:
        return model(input_ids=torch.tensor([example.prompt]), labels=torch.tensor([example.target])).logits[0]
    ids = torch.tensor([[*example.prompt, *example.target]])
    return model(input_ids=ids).logits[0, len(example.prompt) - 1 : -1]


def test_entropy_is_that_of_the_next_token_over_the_target(student: str) -> None:
    import torch

    model = plain_model(student)
    expected = [
        torch.distributions.Categorical(logits=_logits(model, one)).entropy().mean().item()
        for one in tokenized(student, example_rows(COUNT))
    ]
    assert _values(student, "entropy") == pytest.approx(expected, rel=1e-4)


def test_the_gradient_norm_is_that_of_the_mean_loss_in_the_output_layer(student: str) -> None:
    import torch

    model = plain_model(student)
    layer = torch.nn.Parameter(model.get_output_embeddings().weight.detach().clone())
    model.get_output_embeddings().weight = layer  # untied, so that the gradient is of this layer alone
    expected: list[float] = []
    for one in tokenized(student, example_rows(COUNT)):
        layer.grad = None
        torch.nn.functional.cross_entropy(_logits(model, one), torch.tensor(one.target)).backward()
        assert layer.grad is not None
        expected.append(layer.grad.norm().item())
    assert _values(student, "gradient_norm") == pytest.approx(expected, rel=1e-3)


def test_a_program_that_speaks_of_the_question_is_more_faithful() -> None:
    import pyarrow

    question = "Ann has 3 red apples and buys 4 green apples."
    targets = ["\n    red_apples = 3\n    green_apples = 4\n", "\n    zebra_velocity = 3\n    q = 4\n"]
    rows = [{"id": str(n), "prompt": "", "target": text, "question": question} for n, text in enumerate(targets)]
    found = Valuer("", "faithfulness", on_gpu=False, capacity=1)(pyarrow.Table.from_pylist(rows)).to_pylist()
    assert found[0]["value"] > found[1]["value"]
