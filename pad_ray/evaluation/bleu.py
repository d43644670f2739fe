"""BLEU of a corpus (Papineni et al. 2002), as sacreBLEU computes it by default.

Tokens are those of mteval-v13a; case counts; n-grams up to 4; where an order has no match its precision is halved again
and again (smoothing "exp"); the length of the nearest reference counts for brevity.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

ORDER = 4

_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_RULES = [
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
]


def bleu(written: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """BLEU of a corpus, between 0 and 100.

    Args:
        written: one text for each segment.
        references: one or more right texts for each segment.

    Returns:
        0 where no text is long enough for the highest order.

    Raises:
        ValueError: not as many segments on both sides, or one without reference.
    """
    if len(written) != len(references):
        raise ValueError(f"{len(written)} texts, references for {len(references)}")
    matches, totals = [0] * ORDER, [0] * ORDER
    length = reference_length = 0
    for text, right in zip(written, references, strict=True):
        tokens, others = tokens_of(text), [tokens_of(one) for one in right]
        if not others:
            raise ValueError("a segment has no reference")
        length += len(tokens)
        reference_length += min((abs(len(one) - len(tokens)), len(one)) for one in others)[1]
        for order in range(1, ORDER + 1):
            found, total = _matches(tokens, others, order)
            matches[order - 1] += found
            totals[order - 1] += total
    if not all(totals) or not matches[0]:
        return 0.0
    brevity = min(0.0, 1 - reference_length / length)
    return 100 * math.exp(brevity + sum(map(math.log, _precisions(matches, totals))) / ORDER)


def tokens_of(text: str) -> list[str]:
    """The tokens of mteval-v13a."""
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    text = f" {' '.join(text.split())} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.split()


def _matches(tokens: Sequence[str], references: Sequence[Sequence[str]], order: int) -> tuple[int, int]:
    """How many n-grams stand in a reference, each counted as often as it stands in one; and how many there are."""
    own = _ngrams(tokens, order)
    most: Counter[tuple[str, ...]] = Counter()
    for reference in references:
        most |= _ngrams(reference, order)
    return (own & most).total(), own.total()


def _ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[n : n + order]) for n in range(len(tokens) - order + 1))


def _precisions(matches: Sequence[int], totals: Sequence[int]) -> list[float]:
    found, halved = [], 1
    for match, total in zip(matches, totals, strict=True):
        halved = halved if match else halved * 2
        found.append(match / total if match else 1 / (halved * total))
    return found
