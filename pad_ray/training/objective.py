"""The loss of a micro-batch, for decoder-only students (packed) and encoder-decoders (padded)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pad_ray.training.attention import PACKED
from pad_ray.training.batches import Batch, bucket_step, pack, pad_pairs, split_step
from pad_ray.training.distillation import FrozenTeacher
from pad_ray.training.students import choose_targets
from pad_ray.training.tokens import TokenizedExample


class Objective:
    """How examples become micro-batches and a loss, by the student's architecture.

    Args:
        config: the student's Hugging Face configuration.
        capacity: tokens of one micro-batch.
        multiple: micro-batches are filled up to a multiple of so many tokens, see `pad_ray.training.cpu.pack_multiple`.
        frozen: adds its divergence to the loss.
    """

    def __init__(self, config: Any, capacity: int, multiple: int = 1, frozen: FrozenTeacher | None = None) -> None:
        self._pairs = bool(config.is_encoder_decoder)
        self._apart = getattr(config, "_attn_implementation", None) == PACKED
        self._pad = config.pad_token_id or 0
        self._start = getattr(config, "decoder_start_token_id", None) or 0
        self._capacity, self._multiple, self._frozen = capacity, multiple, frozen

    def cut(self, examples: Sequence[TokenizedExample], workers: int) -> list[list[list[int]]]:
        """`[worker][micro-batch]` → positions in `examples`; as many micro-batches for each worker."""
        cut = bucket_step if self._pairs else split_step
        return cut([len(example) for example in examples], workers, self._capacity)

    def batch(self, examples: Sequence[TokenizedExample]) -> Batch:
        """One micro-batch of tensors."""
        if self._pairs:
            return pad_pairs(examples, self._pad, self._start, self._multiple)
        batch = pack(examples, self._multiple)
        if not self._apart:
            del batch.inputs["cu_seq_lens_q"]  # not every architecture knows it
        return batch

    def loss(self, forward: Any, model: Any, batch: Batch) -> Any:
        """Cross-entropy (nats) summed over the targets, each by its weight; logits are computed at the targets only.

        Args:
            forward: the model, or the engine around it.
            model: the model, whose output layer is told the places.
            batch: what is read and what is learnt.
        """
        import torch

        batch = batch.to(next(model.parameters()).device)
        choose_targets(model, batch.places)
        logits = forward(**batch.inputs, use_cache=False).logits.flatten(0, -2)
        losses = torch.nn.functional.cross_entropy(logits.float(), batch.labels, reduction="none")
        if self._frozen:
            # What is to become less likely is not held against the first student.
            losses = losses + self._frozen.divergence(batch, logits) * (batch.weights > 0)
        return (losses * batch.weights).sum()

    def validation_loss(
        self, forward: Any, model: Any, examples: Sequence[TokenizedExample], workers: int, rank: int
    ) -> Any:
        """This worker's share of the summed loss over `examples`; to be added up over workers.

        Every worker makes as many forward passes, since under ZeRO 3 each is a collective.
        """
        import torch

        total = torch.zeros((), dtype=torch.float32, device=next(model.parameters()).device)
        model.eval()
        with torch.no_grad():
            for start in range(0, len(examples), 64 * workers):
                rows = examples[start : start + 64 * workers]
                for positions in self.cut(rows, workers)[rank]:
                    loss = self.loss(forward, model, self.batch([rows[p] for p in positions] or rows[:1]))
                    total += loss if positions else 0.0
        model.train()
        return total
