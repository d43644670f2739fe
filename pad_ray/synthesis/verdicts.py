"""Stored samples judged again, by another verifier or after trouble of the sandbox: no sample is bought for it.

A sample holds its first verdict and the version of the verifier that gave it. A stage of verdicts holds what a version
says of the samples that it has not judged yet; readers lay it over the samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pad_ray.progress import Meter, shown
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, columns, content_hash, table
from pad_ray.run_folder import Stage
from pad_ray.synthesis.stream import judge_rows
from pad_ray.text_verification import verifier_by
from pad_ray.verification import Rules, Verdict

_BATCH = 1024


def judge_again(samples: Stage, verdicts: Stage, *, recipe: str, rules: Rules) -> dict[str, Any]:
    """Judges the samples that the verifier of these rules has not judged, or had trouble with.

    Args:
        samples: a stage of sample rows.
        verdicts: the stage to write; its folder is empty.
        recipe: name of the recipe that reads completions.
        rules: how values are compared and what programs may use.

    Returns:
        `verifier` (its version), `judged` (samples judged now), `changed` (those whose verdict is another), a count
        for each verdict of all samples, and `digest`, a hash of all samples with their verdicts.
    """
    verifier = verifier_by(rules)
    # Mostly none is due, so programs are read only where some are: a row is some kilobytes.
    told = samples.read_rows(["id", "problem_id", "verifier", "verdict"])
    due = {row["id"] for row in told if _is_due(row, rules.of(row["problem_id"]).version)}
    old = [row for row in samples.read_rows() if row["id"] in due] if due else []
    changed = 0
    if old:
        counts: Counter[str] = Counter()
        with verifier, shown(Meter("judge", len(old), good="ok"), lambda: counts):
            for start in range(0, len(old), _BATCH):
                rows = old[start : start + _BATCH]
                found = judge_rows(verifier, recipe_named(recipe), rows)
                new = [{"id": row["id"], **one} for row, one in zip(rows, found, strict=True)]
                verdicts.storage.write_parquet(f"{start:09d}.parquet", table("verdict", new))
                counts.update(row["verdict"] for row in new)
                counts["rows"] += len(new)
                changed += sum(a["verdict"] != b["verdict"] for a, b in zip(rows, new, strict=True))
    judged = read_judged(samples, verdicts, ["id", "text_hash", "verdict"])
    return {
        "verifier": verifier.version,
        "judged": len(old),
        "changed": changed,
        **Counter(row["verdict"] for row in judged),
        "digest": content_hash([(row["id"], row["text_hash"], row["verdict"]) for row in judged]),
    }


def _is_due(row: Row, version: str) -> bool:
    return bool(row["verifier"] != version or row["verdict"] == Verdict.SANDBOX_ERROR)


def read_judged(samples: Stage, verdicts: Stage, only: Sequence[str] | None = None) -> list[Row]:
    """Samples, sorted by id, with the verdicts of a stage laid over their first ones."""
    wanted = list(only or columns(samples.record))
    later = {row["id"]: row for row in _verdicts(verdicts, wanted)}
    rows = ({**row, **later.get(row["id"], {})} for row in samples.read_rows([*wanted, "id"]))
    return [{name: row[name] for name in wanted} for row in rows]


def _verdicts(verdicts: Stage, only: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for batch in verdicts.batches(["id", *(name for name in columns("verdict")[1:] if name in only)]):
        yield from batch
