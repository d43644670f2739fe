"""Signs in a program's text that it may alter the value reported for itself.

A program that only computes has no need of any of these. The text is searched, not parsed; the search takes
time linear in its length. What a program hides from it, the audit hook in the CPython tier may still see
(`jail/program.py`); the Monty tier has nothing to forge with, for its value never passes through the
program's hands.
"""

from __future__ import annotations

import re

from .words import words_of

_BEHIND = "builtins ctypes gc importlib inspect marshal os pickle posix signal socket subprocess sys threading"
_MODULES = "|".join(_BEHIND.split())
# Names that a program may well define or call for its own ends.
_PLAIN_DUNDERS = (
    "abs|add|and|bool|call|contains|doc|eq|floordiv|float|future|ge|getitem|gt|hash|init|int|iter|le|len|lt|main"
    "|mod|mul|name|ne|neg|next|post_init|pow|radd|repr|rmul|round|rsub|rtruediv|setitem|str|sub|truediv"
)
_SIGNS = re.compile(
    rf"\bimport\s+(?:[\w.]+\s*,\s*)*({_MODULES})\b"
    rf"|\bfrom\s+({_MODULES})(?:\.\w+)*\s+import\b"
    rf"|\.\s*_?({_MODULES})\b\s*\."
    rf"|\b(__(?!(?:{_PLAIN_DUNDERS})__)\w+__)\b"
    r"|\b(globals|vars|setattr|delattr|breakpoint|_getframe)\s*\("
)


def suspicions(code: str) -> tuple[str, ...]:
    """Names of the signs in a text, sorted, each once."""
    if _HINTS.isdisjoint(words_of(code)) and "__" not in code:
        return ()
    return tuple(sorted({next(filter(None, match.groups())) for match in _SIGNS.finditer(code)}))


# Words without which there is no sign.
_HINTS = frozenset(
    {sign for name in _MODULES.split("|") for sign in (name, "_" + name)}
    | {"globals", "vars", "setattr", "delattr", "breakpoint", "_getframe"}
)
