"""How well a model foretells plain text: negative log-likelihood by token and by byte.

Models with different tokenizers can be compared by byte alone. A text is cut into windows that stand for themselves; in
each the first token is only read, unless the tokenizer puts one of its own before it. Bytes (of UTF-8) are those of the
tokens that are foretold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.ability.models import Measured
from pad_ray.errors import DataError
from pad_ray.generation.loading import Generator, load_generator

_WINDOW = 1024  # tokens, where the model takes as many
_TOKENS = 2048  # in one forward pass, padding included


@dataclass(frozen=True)
class Perplexity:
    """How well texts were foretold.

    Attributes:
        texts, tokens, bytes: how much was foretold.
        nats_per_token, nats_per_byte: mean negative log-likelihood, natural logarithm.
        perplexity: e to the power of `nats_per_token`.
        byte_perplexity: e to the power of `nats_per_byte`.
    """

    texts: int
    tokens: int
    bytes: int
    nats_per_token: float
    nats_per_byte: float
    perplexity: float
    byte_perplexity: float


@dataclass(frozen=True)
class _Window:
    ids: list[int]
    bytes: int


def perplexity(model: Measured, texts: Sequence[str], threads: int | None = None) -> Perplexity | None:
    """The perplexity of texts under a model, loaded as `load_generator` does.

    Args:
        model: decoder-only or encoder-decoder.
        texts: each is a text of its own.
        threads: CPU threads; None leaves it to torch.

    Returns:
        None for an encoder-decoder, which does not foretell texts from their beginning.

    Raises:
        DataError: the texts have no token that could be foretold.
    """
    loaded = load_generator(model.folder, threads, model.adapter)
    if loaded.encoder_decoder:
        return None
    longest = min(_WINDOW, loaded.longest or _WINDOW)
    windows = [window for text in texts for window in _windows(text, loaded.tokenizer, longest)]
    tokens, size = sum(len(one.ids) - 1 for one in windows), sum(one.bytes for one in windows)
    if not tokens or not size:
        raise DataError("the texts have no token to foretell", "Give longer ones")
    nats = sum(_nats(batch, loaded) for batch in _batches(windows))
    by_token, by_byte = nats / tokens, nats / size
    return Perplexity(len(texts), tokens, size, by_token, by_byte, math.exp(by_token), math.exp(by_byte))


def _windows(text: str, tokenizer: Any, longest: int) -> Iterator[_Window]:
    """Windows of a text, with the bytes from the first token that is foretold on."""
    encoded = tokenizer(text, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    for start in range(0, len(ids), longest):
        part, places = ids[start : start + longest], offsets[start : start + longest]
        if len(part) > 1:
            # A character of several tokens belongs to the window where its last one stands.
            yield _Window(part, len(text[places[0][1] : places[-1][1]].encode()))


def _batches(windows: Sequence[_Window]) -> Iterator[list[_Window]]:
    """Windows of like length together, as many as `_TOKENS` holds."""
    batch: list[_Window] = []
    for window in sorted(windows, key=lambda one: len(one.ids)):
        if batch and (len(batch) + 1) * len(window.ids) > _TOKENS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _nats(batch: Sequence[_Window], loaded: Generator) -> float:
    """The sum of the negative log-likelihoods of a batch's tokens but the first of each."""
    import torch

    longest = max(len(one.ids) for one in batch)
    ids = torch.tensor([one.ids + [0] * (longest - len(one.ids)) for one in batch], device=loaded.device)
    seen = torch.tensor([[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in batch], device=loaded.device)
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids, attention_mask=seen).logits[:, :-1].float()
    learnt = ids[:, 1:].masked_fill(seen[:, 1:] == 0, -100)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), learnt.flatten(), reduction="sum", ignore_index=-100)
    return float(loss)
