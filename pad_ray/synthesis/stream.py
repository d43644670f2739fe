"""Requests in, samples with verdicts out, as one stream: the sandbox judges while the teacher samples.

The shape is read → map → write over Parquet, nothing filtered: what fails is a row with a verdict. Each judged batch
is written by the judge itself as one file that appears whole, so a kill costs what the engines and judges hold and no
row that is on disk. Only requests without a sample are read, so a resume is the same stream over fewer rows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pad_ray.autoscaling import await_places
from pad_ray.config import ResourcesConfig
from pad_ray.errors import StageError, TeacherError
from pad_ray.generation import vllm
from pad_ray.generation.http_guard import NOT_ASKED
from pad_ray.generation.teachers import Teacher
from pad_ray.placement import JUDGE_CPUS, SAMPLING
from pad_ray.programs.values import decode
from pad_ray.progress import Meter, shown
from pad_ray.ray_names import named, ray_name
from pad_ray.recipes import Recipe, recipe_named
from pad_ray.records import Row, content_hash, list_hash, table
from pad_ray.run_folder import Stage
from pad_ray.storage import Storage
from pad_ray.synthesis.attempts import latest_of, sorted_rows
from pad_ray.synthesis.flow import Flow, sums_of
from pad_ray.synthesis.part_files import Merger, merge_parts
from pad_ray.synthesis.pending import write_pending
from pad_ray.tally import tally_actor
from pad_ray.text_verification import AnyVerifier, verifier_by
from pad_ray.verification import Judgement, Rules, Verdict

_FIRST = "def solution():\n    return 1\n"
_MEND = "What was answered is kept: run the same command again"


def sample_and_judge(
    requests: Stage,
    samples: Stage,
    *,
    teacher: Teacher,
    recipe: str,
    rules: Rules,
    resources: ResourcesConfig,
    title: str = "sample",
    limit: int | None = None,
    run: str = "",
) -> dict[str, Any]:
    """Answers the rows of `requests` that `samples` lacks, judges them, and writes them to `samples`.

    Args:
        requests: a done stage of request rows.
        samples: the stage to go on with; rows in it stay as they are.
        teacher: who answers.
        recipe: name of the recipe that reads completions.
        rules: how values are compared and what programs may use.
        resources: engines and sandbox workers.
        title: word for the progress line.
        limit: answer at most so many rows.
        run: name of the run, for Ray's dashboard.

    Returns:
        What the table says, see `summary`.

    Raises:
        TeacherError: the teacher stopped answering, or its money is spent.
        StageError: the stream broke, or the teacher answered nothing at all.
        PlacementError: the nodes for it did not come.
    """
    place = samples.storage / "pending"
    merge_parts(samples)  # what a run that was killed had not merged
    missing = write_pending(place, requests, samples, resources.attempts)
    if missing:
        await_places(SAMPLING, resources)
        total = min(missing, limit or missing)
        flow = Flow(samples, teacher.name, total)
        name = ray_name(run, flow.tags["stage"])
        tally = tally_actor(name)
        source = _read(place, teacher.block_rows(resources), total if total < missing else None)
        completions = teacher.complete(source, resources, tally, spent=summary(samples)["cost"], name=name)
        judged = _judged(completions, samples.storage, recipe, rules, resources, name)
        with Merger(samples) as merger:
            meter = Meter(title, total, good="ok", beside=teacher.counts, tags=flow.tags)
            with shown(meter, _reading(flow, tally) if teacher.counts else flow.read):
                _run(judged, flow, merger, tally if teacher.http else None)
        _check_teacher(tally)
    place.clear()
    facts = summary(samples)
    if facts["rows"] and facts["unanswered"] == facts["rows"]:
        raise StageError(f"the teacher answered none of {facts['rows']} requests: {facts['first_error']}", _MEND)
    return facts


def _read(place: Storage, block_rows: int, limit: int | None) -> Any:
    import ray

    found = ray.data.read_parquet(place.path, filesystem=place.filesystem, file_extensions=["parquet"])
    # One file is one block, and a block is the grain of parallelism and of what a kill costs: cut it small.
    cut = found.limit(limit) if limit else found
    return cut.repartition(target_num_rows_per_block=block_rows)


def _judged(
    completions: Any, storage: Storage, recipe: str, rules: Rules, resources: ResourcesConfig, name: str
) -> Any:
    import ray

    judged = completions.map_batches(
        named(Judge, name),
        fn_constructor_args=(storage, recipe, rules),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=resources.sandbox_workers),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=JUDGE_CPUS,
        zero_copy_batch=True,
    )
    judged.set_name(name)
    return judged


def _reading(flow: Flow, tally: Any) -> Callable[[], Mapping[str, float]]:
    import ray

    return lambda: {**ray.get(tally.read.remote()), **flow.read()}


def _run(judged: Any, flow: Flow, merger: Merger, endpoint: Any) -> None:
    """Pulls the stream to its end; its rows are sums, for progress.

    Args:
        endpoint: the tally of an endpoint, which knows what was sent again; None of other teachers.
    """
    import ray
    from ray.exceptions import RayError

    try:
        for batch in judged.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            flow.add(batch)
            merger.added()
            if endpoint is not None:
                flow.resent(ray.get(endpoint.read.remote()).get("retries", 0))
    except RayError as error:
        raise StageError(f"the stream broke: {_reason(error)}", _MEND) from error


def _reason(error: BaseException) -> str:
    """Of a long text with a traceback the last line that names an exception, else its last line."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception|Exit)\b", line)]
    return (named or lines or [type(cause).__name__])[-1].rstrip(".")


def _check_teacher(tally: Any) -> None:
    import ray

    counts = ray.get(tally.read.remote())
    if counts.get("circuit_open"):
        raise TeacherError("the teacher failed too often in a row, so the rest was not asked", _MEND)
    if counts.get("spending_limit_reached"):
        raise TeacherError("the spending limit is reached, so the rest was not asked", "Raise the limit, or stop here")


class Judge:
    """Ray Data callable: a batch of completions in; judges and writes it; a table of sums out.

    Args:
        storage: folder of the samples.
        recipe: name of the recipe that reads completions.
        rules: how values are compared and what programs may use.
    """

    def __init__(self, storage: Storage, recipe: str, rules: Rules) -> None:
        self._storage = storage
        self._recipe = recipe_named(recipe)
        self._verifier = verifier_by(rules)
        self._verifier.__enter__()
        # Its processes start now, while nothing that was paid for waits.
        self._verifier.judge([_FIRST], [1])

    def __call__(self, batch: Any) -> Any:
        rows = [row if "completion" in row else vllm.normalise(row) for row in batch.to_pylist()]
        # What a stopped teacher was never asked is no sample: it is still to be asked.
        rows = [row for row in rows if not (row["teacher_error"] or "").startswith(NOT_ASKED)]
        begun = time.monotonic()
        judged = judge_rows(self._verifier, self._recipe, rows)
        seconds = time.monotonic() - begun
        samples = [
            {**row, "text_hash": content_hash(row["completion"]), **verdict}
            for row, verdict in zip(rows, judged, strict=True)
        ]
        # Named by what is in it: a batch that Ray judges again, after a crash between writing and saying so, is there.
        name = f"{content_hash(sorted(row['id'] for row in samples))}.parquet"
        if samples and not self._storage.has(name):
            self._storage.write_parquet(name, table("sample", samples))
        return sums_of(samples, seconds)


def judge_rows(verifier: AnyVerifier, recipe: Recipe, rows: Sequence[Row]) -> list[Row]:
    """The columns of the verdict on each completion, by the rules of its problem."""
    of_rules: dict[Rules, list[int]] = {}
    for place, row in enumerate(rows):
        of_rules.setdefault(verifier.rules.of(row["problem_id"]), []).append(place)
    found: dict[int, Row] = {}
    for rules, places in of_rules.items():
        judgements = _judge(verifier.under(rules), recipe, [rows[place] for place in places])
        found |= {place: one.columns(rules.version) for place, one in zip(places, judgements, strict=True)}
    return [found[place] for place in range(len(rows))]


def _judge(verifier: AnyVerifier, recipe: Recipe, rows: Sequence[Row]) -> list[Judgement]:
    """Trouble of the judge is a verdict too: a row that was paid for is never lost to it."""
    texts = [None if row["completion"] is None else recipe.solution(row["completion"]) for row in rows]
    try:
        return verifier.judge(texts, [decode(row["gold"]) for row in rows])
    except Exception as error:  # whatever it is, the rows are worth more
        return [Judgement(Verdict.SANDBOX_ERROR, error=f"{type(error).__name__}: {error}"[:500]) for _ in rows]


_SUMMED = ("prompt_tokens", "completion_tokens", "finish_reason", "teacher_error", "cost")


def summary(samples: Stage) -> dict[str, Any]:
    """What a table of samples holds, by request: the latest attempt counts, money counts at every attempt.

    Returns:
        `rows`, `tokens` (written by the teacher), `prompt_tokens`, `cost`, `unanswered` (requests whose latest attempt
        failed at the teacher), `attempts` (how often the least tried of them was asked), `first_error`, and `digest`,
        a hash of what was answered.
    """
    import pyarrow.compute as pc

    found = samples.columns(["rid", "attempt", "text_hash", *_SUMMED])
    latest = latest_of(found)
    failed = latest.filter(pc.equal(latest["finish_reason"], "error")).sort_by("rid")
    answered = sorted_rows(latest, "rid", ["rid", "text_hash"])
    return {
        "rows": len(latest),
        "tokens": pc.sum(latest["completion_tokens"]).as_py() or 0,
        "prompt_tokens": pc.sum(latest["prompt_tokens"]).as_py() or 0,
        "cost": round(_cost(found, len(latest)), 6),
        "unanswered": len(failed),
        "attempts": pc.min(failed["attempt"]).as_py() + 1 if len(failed) else 0,
        "first_error": failed["teacher_error"][0].as_py() if len(failed) else None,
        "digest": list_hash((row["rid"], row["text_hash"]) for row in answered),
    }


def _cost(found: Any, requests: int) -> float:
    """What was paid: for each attempt once, however often it was written."""
    import pyarrow.compute as pc

    if requests < len(found):
        found = found.group_by(["rid", "attempt"]).aggregate([("cost", "max")]).rename_columns({"cost_max": "cost"})
    return float(pc.sum(found["cost"]).as_py() or 0.0)
