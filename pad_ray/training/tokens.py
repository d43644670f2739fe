"""Examples as token ids: which tokens are read, which are learnt, and how much each counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.errors import InputError
from pad_ray.records import Row


@dataclass(frozen=True)
class TokenizedExample:
    """One example as ids.

    Attributes:
        prompt: ids that are read only.
        target: ids that are learnt, the end-of-sequence token included.
    """

    prompt: tuple[int, ...]
    target: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


def tokenize(examples: Sequence[Row], tokenizer: Any, max_tokens: int) -> list[TokenizedExample]:
    """Tokenises prompt and target apart, so that training sees the very ids that inference will produce.

    Args:
        examples: example rows.
        tokenizer: a Hugging Face tokenizer.
        max_tokens: longest prompt and target together.

    Raises:
        InputError: an example is longer; cutting it would teach programs that do not run.
    """
    encoded = [
        TokenizedExample(
            tuple(tokenizer(example["prompt"]).input_ids),
            (*tokenizer(example["target"], add_special_tokens=False).input_ids, tokenizer.eos_token_id),
        )
        for example in examples
    ]
    long = [row["id"] for row, tokens in zip(examples, encoded, strict=True) if len(tokens) > max_tokens]
    if long:
        raise InputError(
            f"{len(long)} of {len(examples)} examples are longer than training.max_tokens = {max_tokens}, "
            f"{long[0]} among them",
            "Raise training.max_tokens, or leave them out",
        )
    return encoded
