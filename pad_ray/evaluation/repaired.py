"""What asking again was worth: of the programs that ended in an exception, how many ran in the end, and were right."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pad_ray.records import Row

_EXCEPTIONS = ("error", "syntax_error")


def repaired(predictions: Iterable[Row]) -> dict[str, int]:
    """Counts over the predictions of a decoder with repair.

    Args:
        predictions: rows with `trace` and `verdict`; those without a trace (the model failed) do not count.

    Returns:
        `exceptions`: problems whose first program ended in an exception; of those, `running`: a later one gave a value;
        `right`: that value is right; `attempts`: programs written for them after the first.
    """
    counts = dict.fromkeys(("exceptions", "running", "right", "attempts"), 0)
    for row in predictions:
        attempts = json.loads(row["trace"])["attempts"] if row["trace"] else []
        if not attempts or attempts[0]["status"] not in _EXCEPTIONS:
            continue
        counts["exceptions"] += 1
        counts["attempts"] += len(attempts) - 1
        counts["running"] += attempts[-1]["status"] == "ok"
        counts["right"] += row["verdict"] == "ok"
    return counts
