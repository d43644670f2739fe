"""Random Python expressions of known type: what programs for word problems are made of, and the corners of it."""

from __future__ import annotations

import random
from collections.abc import Callable

_DEPTH = 3
_INTS = (0, 1, -1, 2, 3, 7, 10, 12, 60, 100, -5, 365, 1000, 2**31, 2**53 + 1, -(2**63), 10**18)
_FLOATS = ("0.0", "-0.0", "0.1", "0.5", "1.5", "2.5", "2.675", "97.45", "1e16", "1e-7", "1e300", "3.999", "-1.25")
_STRINGS = ("''", "'a'", "'12'", "'3.5'", "'Yes'", "'a b c'", "' x '", "'ÄßI'")
_CLOSE_TO_INT = "floor ceil trunc"
_OF_ONE = "sqrt exp log log2 log10 log1p expm1 sin cos tan asin acos atan sinh cosh tanh fabs degrees radians"
_OF_TWO = "pow fmod atan2 hypot copysign log remainder"
_INT_OF_TWO = "gcd lcm comb perm"
_INT_FORMATS = ("", "d", "05d", ",", "+d", "x", "b", ">8", "<6", "^7", ".1f", "e")
_FLOAT_FORMATS = ("", ".2f", ".0f", ",.2f", ".3e", ".4g", "10.1f", "+.1f", ".1%", "08.3f", "g")
_PERCENT = ("%.2f", "%d", "%5.1f", "%e", "%g", "%s", "%r", "%05.1f")


class Expressions:
    """A seeded source of expressions; the same seed gives the same ones for ever."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def next(self) -> str:
        """One expression. It may well raise: an error is to be the same error."""
        makers = [self._int, self._float, self._rounded, self._bool, self._string, self._list, self._tuple]
        return self._random.choices(makers, [5, 6, 4, 3, 3, 2, 1])[0](_DEPTH)

    def _pick(self, *makers: Callable[[int], str], depth: int) -> str:
        return self._random.choice(makers)(depth - 1)

    def _word(self, words: str) -> str:
        return self._random.choice(words.split())

    def _number(self, depth: int) -> str:
        return self._pick(self._int, self._float, self._float, self._bool, depth=depth + 1)

    def _small(self, depth: int = 0) -> str:
        return str(self._random.randint(-3, 9))

    def _int(self, depth: int) -> str:
        if depth <= 0 or self._random.random() < 0.15:
            value = self._random.choice([*_INTS, self._random.randint(-100, 100), self._random.randint(0, 10**6)])
            return f"({value})" if value < 0 else str(value)
        makers = (
            self._int_operation,
            self._int_operation,
            self._int_power,
            self._int_call,
            self._aggregate_of_ints,
            self._converted,
        )
        return self._pick(*makers, depth=depth)

    def _int_operation(self, depth: int) -> str:
        return f"({self._int(depth)} {self._word('+ - * // % & | ^')} {self._int(depth)})"

    def _int_power(self, depth: int) -> str:
        return f"({self._int(depth)} ** {self._small()})"

    def _int_call(self, depth: int) -> str:
        name = self._word(f"abs {_CLOSE_TO_INT} {_INT_OF_TWO} factorial isqrt len divmod bit")
        if name in _CLOSE_TO_INT:
            return f"math.{name}({self._float(depth)})"
        if name in _INT_OF_TWO:
            return f"math.{name}({self._random.randint(-2, 40)}, {self._random.randint(0, 20)})"
        if name == "factorial":
            return f"math.factorial({self._random.randint(-1, 25)})"
        if name == "isqrt":
            return f"math.isqrt({self._int(depth)})"
        if name == "len":
            return f"len({self._string(depth)})"
        if name == "divmod":
            return f"divmod({self._int(depth)}, {self._int(depth)})[{self._random.randint(0, 1)}]"
        return f"({self._int(depth)}).bit_length()" if name == "bit" else f"abs({self._int(depth)})"

    def _aggregate_of_ints(self, depth: int) -> str:
        return f"{self._word('sum min max len')}([{self._items(self._int, depth)}])"

    def _converted(self, depth: int) -> str:
        return f"int({self._pick(self._float, self._bool, self._string, depth=depth + 1)})"

    def _float(self, depth: int) -> str:
        if depth <= 0 or self._random.random() < 0.15:
            random_number = repr(round(self._random.uniform(-1000, 1000), self._random.randint(0, 6)))
            value = self._random.choice([*_FLOATS, random_number, repr(self._random.uniform(0, 1)), "math.pi"])
            return f"({value})" if value.startswith("-") else value
        makers = (self._quotient, self._float_operation, self._float_operation, self._float_call, self._aggregate)
        return self._pick(*makers, self._conditional, depth=depth)

    def _quotient(self, depth: int) -> str:
        return f"({self._number(depth)} / {self._number(depth)})"

    def _float_operation(self, depth: int) -> str:
        operator = self._word("+ - * / // % **")
        right = f"({self._random.choice(['0.5', '2', '-1', '3', '1.5'])})" if operator == "**" else self._number(depth)
        return f"({self._float(depth)} {operator} {right})"

    def _float_call(self, depth: int) -> str:
        name = self._word(f"{_OF_ONE} {_OF_TWO} float abs pow fsum")
        if name == "fsum":
            return f"math.fsum([{self._items(self._float, depth)}])"
        if name in ("float", "abs"):
            return f"{name}({self._number(depth)})"
        if name in _OF_TWO.split():
            return f"math.{name}({self._number(depth)}, {self._number(depth)})"
        return f"math.{name}({self._number(depth)})"

    def _aggregate(self, depth: int) -> str:
        return f"{self._word('sum min max')}([{self._items(self._number, depth)}])"

    def _conditional(self, depth: int) -> str:
        return f"({self._number(depth)} if {self._bool(depth)} else {self._number(depth)})"

    def _rounded(self, depth: int) -> str:
        digits = self._random.choice(["", "", ", 0", ", 1", ", 2", ", 2", ", 3", ", -1", ", -2", ", None"])
        return f"round({self._pick(self._float, self._halfway, self._quotient, self._int, depth=depth)}{digits})"

    def _halfway(self, depth: int) -> str:
        """A number that ends in 5, where rounding is decided by bits that are not shown."""
        places = self._random.randint(1, 4)
        return f"{self._random.randint(0, 10**5)}.{self._random.randint(0, 10 ** (places - 1)):0{places - 1}d}5"

    def _bool(self, depth: int) -> str:
        if depth <= 0:
            return self._word("True False")
        kind = self._word("compare compare chain logic not in call")
        if kind == "compare":
            return f"({self._number(depth)} {self._word('< <= == != >= >')} {self._number(depth)})"
        if kind == "chain":
            return f"({self._int(depth)} < {self._number(depth)} <= {self._int(depth)})"
        if kind == "logic":
            return f"({self._number(depth - 1)} {self._word('and or')} {self._bool(depth - 1)})"
        if kind == "in":
            return f"({self._int(depth)} in [{self._items(self._int, depth)}])"
        if kind == "call":
            return f"{self._word('any all')}([{self._items(self._bool, depth)}])"
        return f"(not {self._bool(depth - 1)})"

    def _string(self, depth: int) -> str:
        if depth <= 0 or self._random.random() < 0.2:
            return self._random.choice(_STRINGS)
        return self._pick(self._formatted, self._formatted, self._percent, self._shown, self._method, depth=depth)

    def _formatted(self, depth: int) -> str:
        if self._random.random() < 0.4:
            return f"format({self._int(depth)}, {self._random.choice(_INT_FORMATS)!r})"
        form = self._random.choice(_FLOAT_FORMATS)
        return f'f"{{{self._float(depth)}:{form}}}"' if form else f"str({self._float(depth)})"

    def _percent(self, depth: int) -> str:
        return f"({self._random.choice(_PERCENT)!r} % ({self._number(depth)},))"

    def _shown(self, depth: int) -> str:
        return f"{self._word('str repr')}({self._pick(self._number, self._list, self._tuple, depth=depth + 1)})"

    def _method(self, depth: int) -> str:
        call = self._random.choice(["upper()", "strip()", "split()[0]", "replace('a', 'b')", "zfill(5)", "title()"])
        return f"{self._string(depth)}.{call}"

    def _items(self, maker: Callable[[int], str], depth: int) -> str:
        return ", ".join(maker(depth - 1) for _ in range(self._random.randint(1, 4)))

    def _list(self, depth: int) -> str:
        kind = self._word("plain sorted comprehension times")
        if kind == "comprehension":
            return (
                f"[x {self._word('+ - * / // %')} {self._number(depth - 1)} for x in [{self._items(self._int, depth)}]]"
            )
        if kind == "times":
            return f"([{self._items(self._number, depth)}] * {self._random.randint(0, 3)})"
        items = f"[{self._items(self._number, depth)}]"
        return f"sorted({items})" if kind == "sorted" else items

    def _tuple(self, depth: int) -> str:
        if self._random.random() < 0.3:
            return f"divmod({self._number(depth)}, {self._number(depth)})"
        return f"({self._number(depth)}, {self._string(depth)}, {self._bool(depth)})"
