"""From judged predictions to the rows of `results.json`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pad_ray.records import Row
from pad_ray.verification import Verdict, is_executable


def wilson(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval for a share, 95 % by default.

    Args:
        correct: successes.
        n: trials, at least one.
        z: quantile of the normal distribution.

    Returns:
        Lower and upper bound, 0 to 1.
    """
    share = correct / n
    middle = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Exact at the ends, where rounding would leave the share itself outside.
    low = (middle - spread) / scale if correct else 0.0
    high = (middle + spread) / scale if correct < n else 1.0
    return low, high


def summarise(predictions: Sequence[Row], programs: bool = True, **facts: Any) -> list[dict[str, Any]]:
    """One row for each benchmark and split.

    Args:
        predictions: rows with `benchmark`, `split` and `verdict`.
        programs: whether the predictions are programs; without them there is no executable rate.
        facts: carried into each row (model, recipe, decoder, seed, …).

    Returns:
        Rows `{benchmark, split, model, recipe, decoder, n, correct, accuracy, low, high, executable_rate, errors}`;
        accuracy, its Wilson 95 % bounds and the rate are 0 to 1, `errors` maps every verdict but `ok` to its count.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in predictions:
        groups.setdefault((row["benchmark"], row["split"]), []).append(row)
    return [
        {
            "benchmark": benchmark,
            "split": split,
            **facts,
            **_figures([row["verdict"] for row in rows], programs),
        }
        for (benchmark, split), rows in sorted(groups.items())
    ]


def place_names(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """What readers call each benchmark and split of some results: the split, or of several benchmarks the benchmark.

    Args:
        rows: with `benchmark` and `split`.
    """
    places = dict.fromkeys((row["benchmark"], row["split"]) for row in rows)
    if len({benchmark for benchmark, _ in places}) < 2:
        return {place: place[1] for place in places}
    return {place: place[0] if place[1] == "test" else " ".join(place) for place in places}


def _figures(verdicts: Iterable[str], programs: bool) -> dict[str, Any]:
    counts = Counter(verdicts)
    n, correct = counts.total(), counts["ok"]
    low, high = wilson(correct, n)
    executed = sum(count for verdict, count in counts.items() if is_executable(Verdict(verdict)))
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "low": low,
        "high": high,
        "executable_rate": executed / n if programs else None,
        "errors": {verdict: count for verdict, count in sorted(counts.items()) if verdict != "ok"},
    }
