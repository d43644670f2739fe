"""Requests, samples and verdicts of one model: the part that synthesis and evaluation share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pad_ray.benchmarks import Benchmark
from pad_ray.config import RunConfig, VerificationConfig
from pad_ray.errors import UNREACHABLE_FLAG, InputError, StageError
from pad_ray.generation.teachers import Teacher
from pad_ray.recipes import JudgedBy, Recipe, recipe_named
from pad_ray.records import Row, content_hash
from pad_ray.run_folder import RunFolder, Stage, once
from pad_ray.run_lock import run_lock
from pad_ray.synthesis.by_problem import by_problem
from pad_ray.synthesis.pending import adopt
from pad_ray.synthesis.stream import sample_and_judge
from pad_ray.synthesis.verdicts import judge_again, read_judged
from pad_ray.verification import Comparison, Limits, Mode, Rules


@dataclass(frozen=True)
class Answers:
    """The three stages by which a model is asked, answers, and is judged.

    Attributes:
        folder: the run's folder.
        requests: what is asked.
        samples: what was answered, each with its first verdict; kept whatever the verifier.
        config: the run's settings.
        recipe: by which answers are asked for and read.
        rules: by which answers are judged.
        title: word for the progress line.
    """

    folder: RunFolder
    requests: Stage
    samples: Stage
    config: RunConfig
    recipe: Recipe
    rules: Rules
    title: str

    @classmethod
    def of(
        cls,
        folder: RunFolder,
        prefix: str,
        settings: Any,
        reads: Sequence[Stage],
        config: RunConfig,
        title: str,
        rules: Rules | None = None,
        recipe: Recipe | None = None,
    ) -> Answers:
        """The stages `<prefix>requests` and `<prefix>samples` by what defines them.

        Args:
            rules: by which answers are judged; by default those of the run's settings.
            recipe: by which it is asked; by default the run's.
        """
        recipe = recipe or recipe_named(config.recipe)
        requests = folder.stage(f"{prefix}requests", settings, reads, "request")
        samples = folder.stage(f"{prefix}samples", [], [requests], "sample")
        rules = rules or rules_of(config.verification, recipe)
        return cls(folder, requests, samples, config, recipe, rules, title)

    @property
    def verdicts(self) -> Stage:
        """The stage of later judgements: by what was answered and by the verifier's version."""
        mark = self.samples.done
        answered = mark["digest"] if mark else self.samples.id
        return verdict_stage(self.folder, self.samples, answered, self.rules)

    @property
    def digest(self) -> str:
        """A hash of samples and verdicts once they are there; before, of what will define them."""
        mark = self.verdicts.done
        return str(mark["digest"]) if mark and self.complete else self.verdicts.id

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask: all was answered, or has failed as often as it may."""
        mark = self.samples.done
        return mark is not None and (not mark["unanswered"] or mark["attempts"] >= self.config.resources.attempts)

    def request(self, rows: Callable[[], Iterable[Row]], elsewhere: Sequence[Stage] = ()) -> None:
        """Writes the requests, and takes over what was bought for the same ones before.

        Args:
            rows: makes the request rows, which are written as they come.
            elsewhere: stages of samples of other runs.
        """

        def write(mark: dict[str, Any]) -> None:
            mark["rows"] = self.requests.write_rows(rows())

        once(self.folder, self.requests, write)
        if self.samples.done is None:
            adopt(self.requests, self.samples, [*self.earlier(), *elsewhere])

    def earlier(self) -> list[Stage]:
        """Samples of this run that were bought under other settings."""
        place = self.folder.storage / self.samples.name
        names = [name for name in place.folders() if name != self.samples.id]
        return [Stage("samples", name, place / name, "sample") for name in names]

    def check_reachable(self) -> None:
        """Refuses to leave bought samples behind without a word.

        Raises:
            InputError: there are samples, bought under other settings, that answer no request of these.
        """
        files = [name for name in self.samples.storage.names() if name.endswith(".parquet")]
        if self.samples.done or not all(name.startswith("adopted-") for name in files):
            return  # it was allowed when these were begun
        earlier = self.earlier()
        if not earlier:
            return
        lost = _bought_for_others(earlier, self.requests.columns(["rid"])["rid"])
        if lost:
            place = (self.folder.storage / self.samples.name).uri
            raise InputError(
                f"{lost:,} samples in {place} were bought under other settings and would not be used by these",
                f"Take the settings back, give the run another name, or allow it with {UNREACHABLE_FLAG}",
            )

    def make(self, teacher: Teacher) -> None:
        """Asks what is missing of the requests, and judges what this verifier has not judged.

        Args:
            teacher: who answers.
        """
        if not self.complete and not self.folder.take(self.samples):
            teacher.check()
            with self.folder.working(self.samples, keep=True) as mark:
                mark.update(self.sample(teacher))
        self._judge_once()

    def sample(self, teacher: Teacher, limit: int | None = None) -> dict[str, Any]:
        """Asks what is missing, at most `limit` rows of it, and says what there is."""
        return sample_and_judge(
            self.requests,
            self.samples,
            teacher=teacher,
            recipe=self.recipe.name,
            rules=self.rules,
            resources=self.config.resources,
            title=self.title,
            limit=limit,
            run=self.config.name,
        )

    def judge(self) -> dict[str, Any]:
        """Judges again what this verifier has not judged, and buys nothing.

        Returns:
            What the done mark of the verdicts says.

        Raises:
            StageError: the samples are not complete.
            InputError: another process judges them now.
        """
        if not self.samples.done:
            raise StageError(f"the samples in {self.samples.storage.uri} are not complete", "Run `pad-ray run` first")
        return self._judge_once()

    def _judge_once(self) -> dict[str, Any]:
        """Judges under a lock of its own, so that a run that trains for hours may be verified meanwhile."""
        mark = self.verdicts.done
        if mark is None:
            with run_lock(self.folder.storage / self.verdicts.name):
                mark = once(self.folder, self.verdicts, self._judge)
        return mark

    def _judge(self, mark: dict[str, Any]) -> None:
        mark.update(judge_again(self.samples, self.verdicts, recipe=self.recipe.name, rules=self.rules))

    def by_problem(self) -> Iterator[list[Row]]:
        """The same rows, all columns, whole problems at a time, so that they need not fit into memory."""
        return by_problem(self.samples, self.verdicts)

    def read(self, only: Sequence[str] | None = None) -> list[Row]:
        """Samples with their latest verdicts, sorted by id."""
        return read_judged(self.samples, self.verdicts, only)


def _bought_for_others(stages: Sequence[Stage], rids: Any) -> int:
    """How many samples were paid for, in money or in tokens, that answer none of the requests of these `rid`."""
    import pyarrow
    import pyarrow.compute as pc

    lost = []
    for stage in stages:
        found = stage.columns(["id", "rid", "completion_tokens", "cost"])
        paid = pc.or_(*(pc.fill_null(pc.not_equal(found[name], 0), False) for name in ("completion_tokens", "cost")))
        lost.append(found.filter(pc.and_not(paid, pc.is_in(found["rid"], rids.combine_chunks()))).select(["id"]))
    return int(pc.count_distinct(pyarrow.concat_tables(lost)["id"]).as_py())


def verdict_stage(folder: RunFolder, samples: Stage, answered: str, rules: Rules) -> Stage:
    """The stage of verdicts on samples by a verifier.

    Args:
        answered: hash of what the samples hold.
        rules: the verifier's.
    """
    name = samples.name.removesuffix("samples") + "verdicts"
    return folder.stage(name, [content_hash(answered), rules.version], [samples], "verdict")


def rules_of(verification: VerificationConfig, recipe: Recipe, benchmark: Benchmark | None = None) -> Rules:
    """The rules of judging by a run's settings; an evaluation set's answers are compared as the set prescribes."""
    extractor = (verification.extractor or recipe.extractor) if recipe.judged_by is JudgedBy.TEXT else ""
    limits = Limits(cpu_seconds=verification.cpu_seconds, memory_mb=verification.memory_mb)
    if benchmark:
        return Rules(benchmark.match, limits, f"{benchmark.name}.{benchmark.version}", extractor)
    comparison = Comparison(Mode(verification.mode), verification.relative, verification.absolute)
    return Rules(comparison, limits, extractor=extractor)


def rules_of_tests(
    verification: VerificationConfig, recipe: Recipe, problems: Sequence[Row], benchmarks: Mapping[str, Benchmark]
) -> Rules:
    """The rules by which answers to test problems are judged: each evaluation set has its own.

    Args:
        problems: rows of the test problems.
        benchmarks: evaluation sets by the name that their problems carry; others are judged by the run's settings.
    """
    names = {row["benchmark"] for row in problems}
    sets = {name: rules_of(verification, recipe, benchmarks.get(name)) for name in names}
    if len(sets) == 1:
        return next(iter(sets.values()))
    own = {row["id"]: sets[row["benchmark"]] for row in problems if row["benchmark"] in benchmarks}
    return replace(rules_of(verification, recipe), by_problem=own)
