"""What comes of a stream, by sums: a judge sends them with each batch, the driver adds them up and tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.metrics import count, gauge
from pad_ray.records import Row
from pad_ray.run_folder import Stage
from pad_ray.verification import Verdict

_ENDED = (Verdict.OK, Verdict.WRONG_ANSWER)  # with a value, whatever it was


def sums_of(samples: Sequence[Row], seconds: float) -> Any:
    """The sums of a judged batch.

    Args:
        samples: rows of the record `sample`.
        seconds: what judging them took.

    Returns:
        A `pyarrow.Table` of `name` (a key of `pad_ray.metrics`), `of` (a verdict, or the status of programs that were
        run), `tier` and `sum`.
    """
    import pyarrow

    sums: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    sums["judge_seconds", "", ""] = seconds
    for row in samples:
        sums["rows", row["verdict"], ""] += 1
        sums["tokens", "", ""] += row["completion_tokens"]
        sums["retries", "", ""] += bool(row["attempt"])  # a later attempt at the request
        if row["tier"]:
            status = "ok" if row["verdict"] in _ENDED else row["verdict"]
            sums["sandbox_programs", status, row["tier"]] += 1
            sums["sandbox_cpu_seconds", status, row["tier"]] += row["cpu_seconds"] or 0.0
    names, of, tiers = zip(*sums, strict=True)
    columns = {"name": names, "of": of, "tier": tiers, "sum": tuple(sums.values())}
    return pyarrow.table({name: list(column) for name, column in columns.items()})


class Flow:
    """Where a stream stands.

    Args:
        stage: which.
        model: name of who answers.
        total: requests that will be asked.
    """

    def __init__(self, stage: Stage, model: str, total: int) -> None:
        self.tags = {"stage": stage.name.removesuffix("/samples"), "model": model}
        self._total = total
        self._resent = 0.0
        self._sums: defaultdict[str, float] = defaultdict(float)
        gauge("requests_left", total, **self.tags)

    def read(self) -> Mapping[str, float]:
        """Sums so far: `rows`, `tokens`, and rows by verdict."""
        return self._sums.copy()

    def add(self, sums: Any) -> None:
        """Takes in a table of `sums_of`."""
        for row in sums.to_pylist():
            name, value = row["name"], row["sum"]
            self._sums[name] += value
            if name == "rows":
                self._sums[row["of"]] += value
            count(name, value, **self.tags, **_own_tags(row))
        self._tell()

    def resent(self, total: float) -> None:
        """Takes in how often an endpoint was asked again so far."""
        count("retries", total - self._resent, **self.tags)
        self._resent = total

    def _tell(self) -> None:
        rows = self._sums["rows"]
        if not rows:
            return
        held = self._sums[Verdict.OK] / rows
        gauge("requests_left", max(0, self._total - rows), **self.tags)
        gauge("yield", held, **self.tags)
        if self.tags["stage"].startswith("evaluation/"):
            gauge("evaluation_rows", rows, **self.tags)
            gauge("evaluation_accuracy", held, **self.tags)


def _own_tags(row: Row) -> dict[str, str]:
    if row["name"] == "rows":
        return {"verdict": row["of"]}
    return {"status": row["of"], "tier": row["tier"]} if row["tier"] else {}
