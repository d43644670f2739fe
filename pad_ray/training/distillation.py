"""Self-distillation (PaD, appendix B): trained once, then again with the first student as a frozen teacher.

The loss is the cross-entropy + λ · KL(teacher ‖ student) at each target. PaD's released code sums the divergence over
the teacher's nucleus alone and divides it by the nucleus's size; `top_p` does that.
"""

from __future__ import annotations

from typing import Any

from pad_ray.training.batches import Batch
from pad_ray.training.settings import SelfDistillation


class FrozenTeacher:
    """The first student, which is asked at the same places and learns nothing.

    Args:
        model: as `pad_ray.training.students.load_student` gives it, on the device of the student.
        settings: λ and the nucleus.
    """

    def __init__(self, model: Any, settings: SelfDistillation) -> None:
        self._model = model.eval().requires_grad_(False)
        self._settings = settings

    def divergence(self, batch: Batch, logits: Any) -> Any:
        """λ · KL in nats, `[targets]`.

        Args:
            batch: what the student read.
            logits: what it said, `[targets, vocabulary]`.
        """
        import torch

        from pad_ray.training.students import choose_targets

        with torch.no_grad():
            choose_targets(self._model, batch.places)
            taught = self._model(**batch.inputs, use_cache=False).logits.flatten(0, -2).float().log_softmax(-1)
        terms = taught.exp() * (taught - logits.float().log_softmax(-1))
        if self._settings.top_p is None:
            return self._settings.weight * terms.sum(-1)
        inside = nucleus(taught.exp(), self._settings.top_p)
        return self._settings.weight * (terms * inside).sum(-1) / inside.sum(-1)


def nucleus(probabilities: Any, top_p: float) -> Any:
    """The fewest tokens of each row that hold at least `top_p` together, as ones and zeros."""
    import torch

    ordered, places = probabilities.sort(dim=-1, descending=True)
    inside = (ordered.cumsum(-1) - ordered < top_p).to(probabilities.dtype)
    return torch.zeros_like(probabilities).scatter(-1, places, inside)
