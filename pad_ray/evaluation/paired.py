"""Two models, decoders or rounds on the same problems: who is better, and how sure is that?

Problems that both get right, or both wrong, say nothing about the difference. So the test looks at the others alone,
and is sharper than intervals of the two accuracies side by side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paired:
    """How two answered the same problems.

    Attributes:
        both: problems that both have right.
        lost: those that only the first has right.
        gained: those that only the second has right.
        neither: those that both have wrong.
    """

    both: int = 0
    lost: int = 0
    gained: int = 0
    neither: int = 0

    @property
    def n(self) -> int:
        """Problems that both answered."""
        return self.both + self.lost + self.gained + self.neither

    @property
    def difference(self) -> float:
        """The second's accuracy minus the first's, -1 to 1."""
        return (self.gained - self.lost) / self.n if self.n else 0.0

    @property
    def p_value(self) -> float:
        """Two-sided, of McNemar's exact test."""
        return sign_test(self.gained, self.lost)

    def interval(self, z: float = 1.959964) -> tuple[float, float]:
        """Interval of the difference, 95 % by default: Wald's with half a problem more in each cell.

        Source: Agresti and Min, Statistics in Medicine 24 (2005), pp. 729–740. Plain Wald's has no width where nothing
        differs.

        Args:
            z: quantile of the normal distribution.

        Returns:
            Lower and upper bound, -1 to 1.
        """
        n, lost, gained = self.n + 2, self.lost + 0.5, self.gained + 0.5
        middle = (gained - lost) / n
        spread = z * math.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
        return max(-1.0, middle - spread), min(1.0, middle + spread)


def pair(first: Mapping[str, bool], second: Mapping[str, bool]) -> Paired:
    """Compares over the problems that both answered.

    Args:
        first, second: problem id to whether it was right.
    """
    cells = [(first[id], second[id]) for id in first.keys() & second.keys()]
    return Paired(
        both=cells.count((True, True)),
        lost=cells.count((True, False)),
        gained=cells.count((False, True)),
        neither=cells.count((False, False)),
    )


def sign_test(gained: int, lost: int) -> float:
    """Two-sided p-value of the exact sign test: how likely so uneven a split is by chance alone (McNemar 1947)."""
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1))
    # Whole numbers, since 2**n is beyond a float for a large test.
    return min(1.0, 2 * tail / (1 << n))
