"""Prompts and steps as token ids, for the engines that write step by step."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pad_ray.decoding.engine import Tokens


class StepTokenizer:
    """A tokenizer, with what a step needs to know of it.

    Args:
        tokenizer: of transformers.
        ends: ids that end a text, beyond the tokenizer's own.
    """

    def __init__(self, tokenizer: Any, ends: Any = None) -> None:
        self._tokenizer = tokenizer
        more = ends if isinstance(ends, list | tuple) else [ends]
        self.ends: frozenset[int] = frozenset({tokenizer.eos_token_id, *more} - {None})

    @cached_property
    def line_breaks(self) -> tuple[int, ...]:
        """Ids of all tokens whose text has a line break in it; many hold the next line's indentation too."""
        texts = self._tokenizer.batch_decode([[number] for number in range(len(self._tokenizer))])
        return tuple(number for number, text in enumerate(texts) if "\n" in text and number not in self.ends)

    def encode(self, prompt: str) -> Tokens:
        """The prompt's ids."""
        return tuple(self._tokenizer(prompt)["input_ids"])

    def encode_on(self, text: str) -> Tokens:
        """The ids of a text that follows a prompt, without what the tokenizer puts around a text of its own."""
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, tokens: Tokens) -> str:
        """The text of ids that follow a prompt."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
