"""What a program may use, and the layers that hold it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """A layer of confinement that can be switched off, for tests and to learn what holds without it.

    Closed descriptors, the empty environment and the rlimits are not in this list: nothing runs without them.
    """

    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    NAMESPACES = "namespaces"


ALL_LAYERS: frozenset[Layer] = frozenset(Layer)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one program. The defaults suit programs of a few lines that answer word problems.

    Attributes:
        monty_seconds: time in the Monty tier, seconds. Real programs need less than a millisecond.
        monty_memory_mb: heap in the Monty tier, MiB.
        recursion: call depth in the Monty tier; deeper programs go to CPython, which has its own limit.
        cpu_seconds: CPU time in the CPython tier, seconds.
        memory_mb: address space beyond that of the waiting interpreter in the CPython tier, MiB.
        output_kb: what a program may print before it is stopped, KiB. What it prints is never kept.
        code_kb: longest program text, KiB (UTF-8).
    """

    monty_seconds: float = 0.25
    monty_memory_mb: int = 64
    recursion: int = 200
    cpu_seconds: float = 2.0
    memory_mb: int = 512
    output_kb: int = 1024
    code_kb: int = 64

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"Limits.{name} must be above 0, not {getattr(self, name)!r}")


DEFAULT_LIMITS = Limits()

# What may cross from a program to the host, whatever the limits say.
MAX_VALUE_BYTES = 4096
MAX_VALUE_DEPTH = 5
# str() of a longer int raises in CPython (sys.set_int_max_str_digits), so no caller could print it.
MAX_INT_BITS = 14_000
# int() of a Decimal with a longer exponent takes for ever.
MAX_DECIMAL_EXPONENT = 5000
