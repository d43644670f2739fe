"""What an example is worth to a student, so that a share of the data can be the best of it (PaD, figure 14).

    faithfulness    how much its statements are like sentences of the question, by an embedder
    gradient_norm   the norm of the loss's gradient in the output layer (GraNd, arXiv 2107.07075)
    entropy         how unsure the base is of the next token, on average over the target

All are of the base before any training. The most faithful, the steepest and the least certain come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pad_ray.config import ResourcesConfig
from pad_ray.records import Row
from pad_ray.training.settings import LossConfig, TrainingConfig

Order = Literal["faithfulness", "gradient_norm", "entropy"]

_BATCH = 64


def values_of(
    rows: Sequence[Row], questions: Mapping[str, str], order: Order, model: str, resources: ResourcesConfig
) -> dict[str, float]:
    """The value of each example, computed where engines run.

    Args:
        rows: example rows.
        questions: problem id to question.
        order: which value.
        model: the base model, resolved.
        resources: how many at once, on which devices.

    Returns:
        Example id to value; larger comes first.
    """
    import ray.data
    from ray.data import ActorPoolStrategy

    asked = [{"id": row["id"], "prompt": row["prompt"], "target": row["target"]} for row in rows]
    asked = [{**one, "question": questions[row["problem_id"]]} for one, row in zip(asked, rows, strict=True)]
    found = ray.data.from_items(asked, override_num_blocks=max(1, len(asked) // _BATCH)).map_batches(
        Valuer,
        fn_constructor_args=(model, order, bool(resources.engine_gpus), resources.micro_batch_tokens),
        batch_size=None,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(min_size=1, max_size=resources.engines),
        num_cpus=resources.engine_cpus,
        num_gpus=min(1, resources.engine_gpus),
    )
    return {row["id"]: row["value"] for row in found.iter_rows()}


class Valuer:
    """Ray Data callable: rows with `id`, `prompt`, `target` and `question` in, `id` and `value` out.

    Args:
        model: the base model, resolved.
        order: which value.
        on_gpu: where the model is loaded.
        capacity: tokens of one forward pass.
    """

    def __init__(self, model: str, order: Order, on_gpu: bool, capacity: int) -> None:
        self._order: Order = order
        if order == "faithfulness":
            from pad_ray.decoding.faithfulness import FaithfulnessScorer
            from pad_ray.generation.embedder import Embedder

            self._scorer = FaithfulnessScorer(Embedder())
            return
        from transformers import AutoTokenizer

        from pad_ray.training.objective import Objective
        from pad_ray.training.students import load_student

        training = TrainingConfig(dropout=0.0, precision="bf16" if on_gpu else "fp32")
        self._model = load_student(model, None, training, on_cpu=not on_gpu).eval()
        self._model = self._model.to("cuda") if on_gpu else self._model
        self._tokenizer = AutoTokenizer.from_pretrained(model)
        self._objective = Objective(self._model.config, capacity)
        self._read: list[Any] = []
        self._model.get_output_embeddings().register_forward_pre_hook(lambda layer, given: self._read.append(given[0]))

    def __call__(self, batch: Any) -> Any:
        import pyarrow

        rows = batch.to_pylist()
        values = self._faithful(rows) if self._order == "faithfulness" else self._by_model(rows)
        return pyarrow.table({"id": [row["id"] for row in rows], "value": values})

    def _faithful(self, rows: Sequence[Row]) -> list[float]:
        found = []
        for row in rows:
            lines = [line for line in row["target"].splitlines() if line.strip()]
            scores = self._scorer.of_lines(row["question"], lines)
            found.append(sum(scores) / len(scores) if scores else float("-inf"))
        return found

    def _by_model(self, rows: Sequence[Row]) -> list[float]:
        from pad_ray.training.tokens import tokenize

        pairs = bool(self._model.config.is_encoder_decoder)
        encoded = tokenize(rows, self._tokenizer, 10**9, encoder_decoder=pairs, loss=LossConfig())
        values = [0.0] * len(rows)
        for positions in filter(None, self._objective.cut(encoded, 1)[0]):
            for place, value in zip(positions, self._values([encoded[place] for place in positions]), strict=True):
                values[place] = value
        return values

    def _values(self, examples: Sequence[Any]) -> list[float]:
        """One forward pass; logits `[targets, vocabulary]` and what the output layer read `[targets, width]`."""
        import torch

        from pad_ray.training.students import choose_targets

        batch = self._objective.batch(examples).to(next(self._model.parameters()).device)
        choose_targets(self._model, batch.places)
        self._read.clear()
        with torch.inference_mode():
            logits = self._model(**batch.inputs, use_cache=False).logits.flatten(0, -2).float()
            counts = [len(example.target) for example in examples]
            value = _entropy if self._order == "entropy" else _gradient_norm
            parts = (tensor.split(counts) for tensor in (logits, self._read[-1].float(), batch.labels))
            return [value(*part) for part in zip(*parts, strict=True)]


def _entropy(logits: Any, read: Any, labels: Any) -> float:
    """Of the next token, in nats, on average over the target."""
    logs = logits.log_softmax(-1)
    return float(-(logs.exp() * logs).sum(-1).mean())


def _gradient_norm(logits: Any, read: Any, labels: Any) -> float:
    """Frobenius norm of the mean loss's gradient in the output layer, by products of rows and not of the layer.

    The gradient is Σ δ_t h_tᵀ with δ = softmax − one-hot, so its squared norm is Σ (δ_t·δ_s)(h_t·h_s).
    """
    import torch

    delta = logits.softmax(-1)
    delta[torch.arange(len(labels)), labels] -= 1
    return float(((delta @ delta.T) * (read @ read.T)).sum().clamp(min=0).sqrt() / len(labels))
