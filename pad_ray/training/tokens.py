"""Examples as token ids: which tokens are read, which are learnt, and how much each counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from pad_ray.errors import InputError, ModelError
from pad_ray.recipes.edit import edit_weights
from pad_ray.records import Row
from pad_ray.training.settings import LossConfig

Spans = Callable[[str], Sequence[tuple[int, int]]]
LearntSpans = Callable[[str, str | None], Sequence[tuple[int, int]] | None]


@dataclass(frozen=True)
class TokenizedExample:
    """One example as ids.

    Attributes:
        prompt: ids that are read only.
        target: ids that are learnt, the end-of-sequence token included.
        weights: how much each target counts; empty where each counts 1. Below 0 it is made less likely.
    """

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    weights: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)

    @property
    def target_weights(self) -> tuple[float, ...]:
        """A weight for each target."""
        return self.weights or (1.0,) * len(self.target)

    @property
    def weight(self) -> float:
        """The sum of the weights of its targets, whatever their sign: what is to become less likely counts as much."""
        return sum(map(abs, self.target_weights))


class TokenTable(Sequence[TokenizedExample]):
    """Many examples in few arrays, so that workers of one node share them without a copy."""

    def __init__(self, examples: Iterable[TokenizedExample]) -> None:
        import numpy

        listed = list(examples)
        self._ids = numpy.array([n for one in listed for n in (*one.prompt, *one.target)], dtype=numpy.int32)
        weighted = any(one.weights for one in listed)
        self._weights = numpy.array(
            [w for one in listed for w in one.target_weights] if weighted else [], numpy.float32
        )
        shape = numpy.array([(len(one.prompt), len(one.target)) for one in listed], dtype=numpy.int64).reshape(-1, 2)
        self._prompts, self._targets = shape[:, 0], shape[:, 1]
        self._begins = numpy.concatenate([[0], shape.sum(axis=1).cumsum()])
        self._weight_begins = numpy.concatenate([[0], self._targets.cumsum()])

    def __len__(self) -> int:
        return len(self._prompts)

    @overload
    def __getitem__(self, place: int) -> TokenizedExample: ...
    @overload
    def __getitem__(self, place: slice) -> list[TokenizedExample]: ...
    def __getitem__(self, place: int | slice) -> TokenizedExample | list[TokenizedExample]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        ids = self._ids[self._begins[place] : self._begins[place + 1]].tolist()
        prompt = int(self._prompts[place])
        weights = self._weights[self._weight_begins[place] : self._weight_begins[place + 1]].tolist()
        return TokenizedExample(tuple(ids[:prompt]), tuple(ids[prompt:]), tuple(weights))


def tokenize(
    examples: Sequence[Row],
    tokenizer: Any,
    max_tokens: int,
    *,
    encoder_decoder: bool = False,
    loss: LossConfig | None = None,
    answer_spans: Spans | None = None,
    learnt_spans: LearntSpans | None = None,
) -> list[TokenizedExample]:
    """Tokenises prompt and target apart, so that training sees the very ids that inference will produce.

    Args:
        examples: example rows.
        tokenizer: a Hugging Face tokenizer.
        max_tokens: longest prompt and target together.
        encoder_decoder: the prompt is read by an encoder, and both texts have the tokens that begin and end one.
        loss: weights of the tokens of answers and steps.
        answer_spans: finds the characters of a target that are its final answer.
        learnt_spans: finds the characters of a target, of a task, that are learnt; None for all of them.

    Raises:
        InputError: examples are longer; cutting them would teach programs that do not run.
        ModelError: the tokenizer loses line breaks or indentation.
    """
    even = loss is None or loss.answer_weight == loss.step_weight == 1 or answer_spans is None
    check_keeps_layout(tokenizer, [row["target"] for row in examples[:32]])
    encoded = []
    for row in examples:
        target = tokenizer(row["target"], add_special_tokens=encoder_decoder)
        ids = _ended(target.input_ids, tokenizer)
        learnt = learnt_spans(row["target"], row.get("task")) if learnt_spans else None
        weights: tuple[float, ...] = ()
        if not even or learnt is not None:
            answers = answer_spans(row["target"]) if answer_spans else ()
            weights = _weights(len(ids), target, loss or LossConfig(), answers, learnt)
        if row.get("weight") is not None:
            weights = _as_a_whole(weights or (1.0,) * len(ids), row["weight"])
        if row.get("contrast"):
            contrast = json.loads(row["contrast"])
            other = tokenizer(contrast["text"], add_special_tokens=encoder_decoder).input_ids
            weights = _contrasted(weights or (1.0,) * len(ids), ids, _ended(other, tokenizer), contrast)
        encoded.append(TokenizedExample(tuple(tokenizer(row["prompt"]).input_ids), ids, weights))
    check_lengths(examples, map(len, encoded), max_tokens)
    return encoded


def _ended(ids: Sequence[int], tokenizer: Any) -> tuple[int, ...]:
    return tuple(ids if ids and ids[-1] == tokenizer.eos_token_id else (*ids, tokenizer.eos_token_id))


def _contrasted(
    weights: Sequence[float], ids: Sequence[int], other: Sequence[int], contrast: Mapping[str, Any]
) -> tuple[float, ...]:
    """The weights of one of a pair: of the right one alpha comes on top, of the wrong one −beta alone is left."""
    if "alpha" in contrast:
        more = edit_weights(ids, other, contrast["alpha"], 0).right
        return tuple(weight * (1 + one) for weight, one in zip(weights, more, strict=True))
    less = edit_weights(other, ids, 0, contrast["beta"]).wrong
    return tuple(weight * one for weight, one in zip(weights, less, strict=True))


def count_tokens(row: Row, tokenizer: Any, encoder_decoder: bool = False) -> int:
    """Tokens of an example, prompt and target together, as `tokenize` makes them."""
    target = tokenizer(row["target"], add_special_tokens=encoder_decoder).input_ids
    ended = bool(target) and target[-1] == tokenizer.eos_token_id
    return len(tokenizer(row["prompt"]).input_ids) + len(target) + (0 if ended else 1)


def _weights(
    count: int,
    encoding: Any,
    loss: LossConfig,
    answers: Sequence[tuple[int, int]],
    learnt: Sequence[tuple[int, int]] | None,
) -> tuple[float, ...]:
    """A token that touches the answer counts as answer; one that no text made (the end) counts 1."""
    weights = []
    for place in range(count):
        span = encoding.token_to_chars(place) if place < len(encoding.input_ids) else None
        if span is None or span.start == span.end:
            weights.append(1.0)
        elif learnt is not None and not _touches(span, learnt):
            weights.append(0.0)
        else:
            weights.append(loss.answer_weight if _touches(span, answers) else loss.step_weight)
    return tuple(weights)


def _touches(token: Any, spans: Sequence[tuple[int, int]]) -> bool:
    return any(token.start < end and start < token.end for start, end in spans)


def _as_a_whole(weights: Sequence[float], weight: float) -> tuple[float, ...]:
    """The same, of a target that counts `weight` in all."""
    total = sum(weights) or 1.0
    return tuple(weight * one / total for one in weights)


def check_lengths(rows: Sequence[Row], lengths: Iterable[int], limit: int) -> None:
    """Refuses examples that are too long, and says how many and which.

    Args:
        rows: example rows.
        lengths: tokens of each.
        limit: the most that one may have.

    Raises:
        InputError: some have more.
    """
    long = [row["id"] for row, length in zip(rows, lengths, strict=True) if length > limit]
    if long:
        named = ", ".join(long[:3]) + (", …" if len(long) > 3 else "")
        raise InputError(
            f"{len(long)} of {len(rows)} examples are longer than {limit} tokens: {named}",
            "Raise training.max_tokens as far as the student's context allows, or leave them out",
        )


def check_keeps_layout(tokenizer: Any, texts: Sequence[str]) -> None:
    """Refuses a tokenizer from whose ids a program cannot be read back, as SentencePiece ones that squeeze white space.

    Raises:
        ModelError: it loses line breaks or spaces.
    """
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        if tokenizer.decode(ids, clean_up_tokenization_spaces=False).split() != text.split():
            continue  # other letters than it knows: its vocabulary's matter
        if tokenizer.decode(ids, clean_up_tokenization_spaces=False).strip(" ") != text.strip(" "):
            raise ModelError(
                "the student's tokenizer loses line breaks or indentation, so no program could be read back",
                "Take a student that was made for code, such as CodeT5",
            )
