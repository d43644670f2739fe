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
from pad_ray.records import Row, columns, list_hash, table
from pad_ray.run_folder import Stage
from pad_ray.synthesis.attempts import gathered, latest_of, sorted_rows, tables_at
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
    import pyarrow.compute as pc

    found = latest_of(_told(samples, rules))
    due = found.filter(found["due"])["place"].sort().to_numpy()
    changed = _judge(samples, due, verdicts, recipe, rules) if len(due) else 0
    judged = found.select(["id", "text_hash"]).append_column("verdict", _latest(found, verdicts))
    rows = sorted_rows(judged, "id", ["id", "text_hash", "verdict"])
    return {
        "verifier": rules.version,
        "judged": len(due),
        "changed": changed,
        **{one["values"]: one["counts"] for one in pc.value_counts(judged["verdict"]).to_pylist()},
        "digest": list_hash((row["id"], row["text_hash"], row["verdict"]) for row in rows),
    }


def _told(samples: Stage, rules: Rules) -> Any:
    """What tells which samples are due, with the place of each; of a row's texts nothing stays in memory."""
    import numpy
    import pyarrow
    import pyarrow.compute as pc

    found = samples.columns(["id", "rid", "attempt", "text_hash", "verdict", "verifier", "problem_id"])
    troubled = pc.equal(found["verdict"], Verdict.SANDBOX_ERROR)
    due = pc.or_(troubled, pc.not_equal(found["verifier"], _versions(found["problem_id"], rules)))
    told = found.drop_columns(["verifier", "problem_id"]).append_column("due", pc.fill_null(due, True))
    return told.append_column("place", pyarrow.array(numpy.arange(len(told))))


def _versions(problem_ids: Any, rules: Rules) -> Any:
    """For each sample the version of the verifier by which its problem's answers are judged."""
    import pyarrow

    if not rules.by_problem:
        return pyarrow.scalar(rules.version)
    encoded = problem_ids.combine_chunks().dictionary_encode()
    versions = [rules.of(problem_id).version for problem_id in encoded.dictionary.to_pylist()]
    return pyarrow.array(versions, "string").take(encoded.indices)


def _judge(samples: Stage, due: Any, verdicts: Stage, recipe: str, rules: Rules) -> int:
    """Judges the samples at these places, and returns how many verdicts are others than before."""
    counts: Counter[str] = Counter()
    changed = 0
    with verifier_by(rules) as verifier, shown(Meter("judge", len(due), good="ok"), lambda: counts):
        for number, batch in enumerate(gathered(tables_at(samples, due), _BATCH)):
            rows = batch.to_pylist()
            found = judge_rows(verifier, recipe_named(recipe), rows)
            new = [{"id": row["id"], **one} for row, one in zip(rows, found, strict=True)]
            verdicts.storage.write_parquet(f"{number:09d}.parquet", table("verdict", new))
            counts.update(row["verdict"] for row in new)
            counts["rows"] += len(new)
            changed += sum(a["verdict"] != b["verdict"] for a, b in zip(rows, new, strict=True))
    return changed


def _latest(found: Any, verdicts: Stage) -> Any:
    """The verdicts that count, those of the stage before the samples' own."""
    import pyarrow.compute as pc

    later = verdicts.columns(["id", "verdict"]).combine_chunks()
    if not len(later):
        return found["verdict"]
    own = found["verdict"].combine_chunks()
    places = pc.index_in(found["id"].combine_chunks(), later["id"].combine_chunks())
    return pc.coalesce(later["verdict"].combine_chunks().take(places), own)


def read_judged(samples: Stage, verdicts: Stage, only: Sequence[str] | None = None) -> list[Row]:
    """Samples, sorted by id, with the verdicts of a stage laid over their first ones."""
    wanted = list(only or columns(samples.record))
    later = {row["id"]: row for row in _verdicts(verdicts, wanted)}
    rows = ({**row, **later.get(row["id"], {})} for row in samples.read_rows([*wanted, "id"]))
    return [{name: row[name] for name in wanted} for row in rows]


def _verdicts(verdicts: Stage, only: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for batch in verdicts.batches(["id", *(name for name in columns("verdict")[1:] if name in only)]):
        yield from batch
