"""Requests in, samples with verdicts out, as one stream: the sandbox judges while the engine samples.

The shape is read → map → write over Parquet, nothing filtered: what fails is a row with a verdict.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from pad_ray.config import ResourcesConfig, VerificationConfig
from pad_ray.programs.values import decode
from pad_ray.progress import Meter, shown
from pad_ray.recipes import recipe_named
from pad_ray.records import Row, content_hash, table
from pad_ray.run_folder import Stage
from pad_ray.tally import tally_actor
from pad_ray.verification import Comparison, Judgement, Limits, Mode, Verifier


def sample_and_judge(
    requests: Stage,
    samples: Stage,
    *,
    model: str,
    recipe: str,
    verification: VerificationConfig,
    resources: ResourcesConfig,
    title: str = "sample",
) -> dict[str, Any]:
    """Answers every row of `requests` with `model`, judges it, and writes it to `samples`.

    Args:
        requests: a done stage of request rows.
        samples: the stage to write; its folder is empty.
        model: a local folder or a hub name.
        recipe: name of the recipe that reads completions.
        verification: how values are compared and what programs may use.
        resources: engines and sandbox workers.
        title: word for the progress line.

    Returns:
        Counts: `rows`, `tokens`, and one for each verdict.
    """
    import ray

    from pad_ray.generation.vllm import REQUEST_COLUMNS, complete

    total = len(requests.read_rows(["id"]))
    source = ray.data.read_parquet(
        requests.storage.path, filesystem=requests.storage.filesystem, file_extensions=["parquet"]
    ).select_columns(list(REQUEST_COLUMNS))
    # One file is one block, and a block is the grain of parallelism: cut it small.
    cut = source.repartition(max(1, math.ceil(total / resources.engine_batch)))
    tally = tally_actor()
    judged = complete(cut, model, resources).map_batches(
        Judge,
        fn_constructor_args=(recipe, verification, tally),
        compute=ray.data.ActorPoolStrategy(size=resources.sandbox_workers),
        batch_size=resources.engine_batch,
        batch_format="pyarrow",
        num_cpus=0.5,
        zero_copy_batch=True,
    )
    with shown(Meter(title, total, good="ok"), lambda: ray.get(tally.read.remote())):
        judged.write_parquet(samples.storage.path, filesystem=samples.storage.filesystem)
    return dict(ray.get(tally.read.remote()))


class Judge:
    """Ray Data actor: a batch of completed rows in, a table of samples with verdicts out."""

    def __init__(self, recipe: str, verification: VerificationConfig, tally: Any) -> None:
        self._recipe = recipe_named(recipe)
        self._verifier = make_verifier(verification)
        self._verifier.__enter__()
        self._tally = tally

    def __call__(self, batch: Any) -> Any:
        from pad_ray.generation.vllm import normalise

        rows = [normalise(row) for row in batch.to_pylist()]
        texts = [None if row["completion"] is None else self._recipe.solution(row["completion"]) for row in rows]
        judgements = self._verifier.judge(texts, [decode(row["gold"]) for row in rows])
        judged = [
            {**row, "text_hash": content_hash(row["completion"]), **self._columns(judgement)}
            for row, judgement in zip(rows, judgements, strict=True)
        ]
        self._count(judged)
        return table("sample", judged)

    def _columns(self, judgement: Judgement) -> Row:
        return {
            "program": judgement.program,
            "verdict": str(judgement.verdict),
            "value": judgement.value,
            "error_class": judgement.error_class,
            "error": judgement.error,
            "line": judgement.line,
            "forged": judgement.forged,
            "tier": judgement.tier,
            "cpu_seconds": judgement.cpu_s,
            "verifier": self._verifier.version,
        }

    def _count(self, rows: list[Row]) -> None:
        counts: Counter[str] = Counter(row["verdict"] for row in rows)
        tokens = sum(row["completion_tokens"] for row in rows)
        self._tally.add.remote({**counts, "rows": len(rows), "tokens": tokens})


def make_verifier(verification: VerificationConfig) -> Verifier:
    """A verifier by the run's settings, to be used as a context manager."""
    return Verifier(
        Comparison(Mode(verification.mode), verification.relative, verification.absolute),
        Limits(cpu_seconds=verification.cpu_seconds, memory_mb=verification.memory_mb),
    )
