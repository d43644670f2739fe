"""The words of a program's text, for every question that a word answers. One pass, shared by all who ask."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W\d]\w*")


@lru_cache(maxsize=4096)
def words_of(code: str) -> frozenset[str]:
    """All names and keywords in a text, those in strings and comments included."""
    return frozenset(_WORD.findall(code))
