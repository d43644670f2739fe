"""Random Python expressions, for comparing interpreters: arithmetic, rounding, formatting, math, decimals, text."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Maker = Callable[["Expressions", int], str]

_INTEGERS = [0, 1, 2, 3, 5, 7, 10, 12, 60, 100, 365, 1000, -1, -7]
_FLOATS = [0.1, 0.5, 2.5, 1.005, 2.675, 97.45, 1e-7, 1e22, 3.0, 0.29, 1e16, 123456789.125]
_MATH = "sqrt exp log sin cos tan atan log2 log10 log1p expm1 sinh cosh tanh asinh degrees radians floor ceil trunc"
_FORMATS = [".1f", ".2f", ".0f", ".3e", ".5g", ".10f", "g", ".17g"]
_WIDE_FORMATS = [">10", ",", "08.2f", "+", ".1%", "e", "<8", "^12.3f", "_"]


class Expressions:
    """An endless supply of expressions, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def program(self) -> str:
        """A program that returns one expression."""
        before = "import math\nfrom decimal import Decimal, ROUND_HALF_UP\n"
        return f"{before}def solution():\n    return {self.expression(0)}\n"

    def expression(self, depth: int) -> str:
        """One expression, its parts at most three deep."""
        if depth > 3 or self._random.random() < 0.25:
            return self.number()
        return self._pick(_MAKERS)(self, depth + 1)

    def number(self) -> str:
        """A literal, or a simple expression for a number."""
        kind = self._random.random()
        if kind < 0.35:
            return str(self._pick([*_INTEGERS, self._random.randrange(10**6), self._random.randrange(10**12)]))
        if kind < 0.75:
            digits = self._random.randrange(5)
            free = [round(self._random.uniform(0, 1000), digits), self._random.uniform(-1e3, 1e3)]
            return repr(self._pick([*_FLOATS, *free, self._random.random()]))
        return self._pick(["True", "(1/3)", "(2**0.5)", "(10/4)", "(7//2)", "(-7//2)", "(-7%3)", "(7.5%2)"])

    def _pick(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def _binary(self, depth: int) -> str:
        operator = self._pick(["+", "-", "*", "*", "/", "//", "%"])
        return f"({self.expression(depth)} {operator} {self.expression(depth)})"

    def _rounded(self, depth: int) -> str:
        digits = self._pick(["", ", 0", ", 1", ", 2", ", 2", ", 3", ", 4", ", 5", ", None", ", 12", ", 17", ", -2"])
        return f"round({self.expression(depth)}{digits})"

    def _called(self, depth: int) -> str:
        name = self._pick(["int", "float", "abs", "str", "len(str({}))", "float(str({}))", "-{}", "repr", "bool"])
        inner = self.expression(depth)
        return name.format(inner) if "{}" in name else f"{name}({inner})"

    def _several(self, depth: int) -> str:
        parts = ", ".join(self.expression(depth) for _ in range(3))
        call = self._pick(["min({})", "max({})", "sum([{}])", "sorted([{}])[1]", "len([{}])", "math.fsum([{}])"])
        return call.format(parts)

    def _of_math(self, depth: int) -> str:
        return f"math.{self._pick(_MATH.split())}(abs({self.expression(depth)}) % 50)"

    def _of_math_too(self, depth: int) -> str:
        calls = [
            "math.gcd(int({}), 84)", "math.hypot({}, {})", "math.fmod({}, 7.5)", "math.pow(abs({}), 0.5)",
            "math.atan2({}, {})", "math.log(abs({}) + 1, 3)", "math.prod([{}, {}])", "math.copysign({}, {})",
            "math.isclose({}, {})", "math.floor({})", "math.ceil({})", "math.comb(int(abs({})) % 40, 7)",
            "math.factorial(int(abs({})) % 30)", "math.isqrt(int(abs({})))", "math.remainder({}, 7)",
        ]  # fmt: skip
        call = str(self._pick(calls))
        return call.format(*(self.expression(depth) for _ in range(call.count("{}"))))

    def _compared(self, depth: int) -> str:
        operator = self._pick(["<", "<=", "==", "!=", ">", ">=", "and", "or"])
        return f"({self.expression(depth)} {operator} {self.expression(depth)})"

    def _chosen(self, depth: int) -> str:
        parts = [self.expression(depth) for _ in range(4)]
        return f"({parts[0]} if {parts[1]} > {parts[2]} else {parts[3]})"

    def _power(self, depth: int) -> str:
        exponent = self._pick(["0", "1", "2", "3", "0.5", "-1", "-2", "10"])
        return f"({self.expression(depth)} ** {exponent})"

    def _divided(self, depth: int) -> str:
        return f"divmod({self.expression(depth)}, {self.number()})[{self._random.randrange(2)}]"

    def _formatted(self, depth: int) -> str:
        if self._random.random() < 0.5:
            return f"float(f'{{{self.number()}:{self._pick(_FORMATS)}}}')"
        return f"f'{{{self.number()}:{self._pick(_WIDE_FORMATS)}}}'"

    def _written(self, depth: int) -> str:
        number = self.number()
        forms = [
            f"'{{:.2f}}'.format({number})", f"'%.1f' % {number}", f"'%d' % int({number})", f"str({number}).zfill(12)",
            f"'{{:,}}'.format({number})", f"format({number}, '.3f')", f"'%g' % {number}", f"'%e' % {number}",
            f"str({number}).split('.')[0]", f"repr({number})[::-1]", f"hex(abs(int({number})))",
        ]  # fmt: skip
        return str(self._pick(forms))

    def _decimal(self, depth: int) -> str:
        number = f"Decimal(str({self.number()}))"
        forms = [
            f"float({number} + Decimal('0.1'))", f"float({number} * Decimal('2.675'))", f"round({number}, 2)",
            f"{number}.quantize(Decimal('0.01'), rounding=ROUND_HALF_UP)", f"int({number})", f"str({number} / 3)",
            f"float(round({number}, 1))", f"({number} % 7)", f"({number} // 3)", f"-{number}", f"abs({number})",
        ]  # fmt: skip
        return str(self._pick(forms))

    def _bits(self, depth: int) -> str:
        return f"(int({self.expression(depth)}) {self._pick(['&', '|', '^'])} int({self.expression(depth)}))"


_MAKERS: list[Maker] = [
    Expressions._binary, Expressions._binary, Expressions._binary, Expressions._rounded, Expressions._rounded,
    Expressions._called, Expressions._several, Expressions._of_math, Expressions._of_math_too, Expressions._compared,
    Expressions._chosen, Expressions._power, Expressions._divided, Expressions._formatted, Expressions._written,
    Expressions._decimal, Expressions._bits,
]  # fmt: skip
