"""Which worked examples a prompt shows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from pad_ray.errors import ConfigError
from pad_ray.prompts import WorkedExample

Choice = Literal["sets", "nearest"]


class Contexts:
    """Worked examples for a question and a sample.

    Args:
        examples: all that there are.
        shots: how many a prompt shows.
        choice: `sets` takes context sets in rotation over the samples of a question, as the paper does (eight sets of
            four over eight rounds, section 3.1); `nearest` takes those whose wording is nearest to the question's, the
            nearest last, which a weak teacher needs.

    Raises:
        ConfigError: more shots than examples.
    """

    def __init__(self, examples: Sequence[WorkedExample], shots: int, choice: Choice = "sets") -> None:
        if shots > len(examples):
            raise ConfigError(f"{shots} worked examples are asked for and there are {len(examples)}", "Lower `shots`")
        ordered = sorted(examples, key=lambda example: example.set)  # stable: the file's order within a set
        self._shots = shots
        self._choice = choice
        self._sets = [ordered[n : n + shots] for n in range(0, len(ordered) - shots + 1, shots)] if shots else [[]]
        self._index = _WordIndex([example.question for example in ordered])
        self._examples = ordered

    def of(self, question: str, k: int = 0) -> list[WorkedExample]:
        """The examples shown with sample k of a question."""
        if self._choice == "sets" or not self._shots:
            return self._sets[k % len(self._sets)]
        return [self._examples[n] for n in self._index.nearest(question, self._shots)]


class _WordIndex:
    """Cosine similarity of words weighted by how rare they are (tf-idf), all numbers being one word."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [_words(text) for text in texts]
        seen = Counter(word for words in counts for word in words)
        self._weights = {word: math.log((1 + len(texts)) / (1 + count)) for word, count in seen.items()}
        self._vectors = [self._vector(words) for words in counts]

    def nearest(self, text: str, count: int) -> list[int]:
        """Places of the `count` nearest texts, the nearest last; ties go to the earlier text."""
        asked = self._vector(_words(text))
        scores = [sum(asked.get(word, 0.0) * weight for word, weight in vector.items()) for vector in self._vectors]
        best = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[:count]
        return best[::-1]

    def _vector(self, words: Counter[str]) -> dict[str, float]:
        raw = {word: (1 + math.log(count)) * self._weights.get(word, 0.0) for word, count in words.items()}
        length = math.sqrt(sum(weight * weight for weight in raw.values())) or 1.0
        return {word: weight / length for word, weight in raw.items()}


@lru_cache(maxsize=4096)
def _words(text: str) -> Counter[str]:
    return Counter("#" if word.isdigit() else word for word in re.findall(r"[a-z]+|\d+", text.lower()))
