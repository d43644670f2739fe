"""Evaluation sets by name: where each comes from, how its answers are compared, how much of it is at hand.

The files lie in a data folder that `PAD_RAY_DATA` names, as `<data>/<set>/<split>.jsonl` with `id`, `question` and
`answer` in each line. pad-ray carries none of them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from pad_ray.errors import ConfigError, DataError
from pad_ray.problem_sources import data_folder, found
from pad_ray.problems import Problem, read_problems
from pad_ray.programs.answers import Comparison, Mode

__all__ = [
    "BENCHMARKS",
    "Availability",
    "Benchmark",
    "State",
    "answers_of",
    "availability",
    "benchmark_at",
    "benchmark_named",
    "coverage",
    "is_benchmark",
    "load_benchmark",
]

_NUMBERS = Comparison()
# Within 0.001 whatever the size, as PAL's scripts (arXiv 2211.10435): a relative 1e-6 would let an answer of seven
# digits be off by one. The rest is the rounding of floats.
_LARGE_NUMBERS = Comparison(relative=1e-12)
# The released scripts of PaD (arXiv 2305.13888) round to the nearest integer.
_ROUNDED = Comparison(Mode.ROUND)
_TEXT = Comparison(Mode.STRING)
# A gold of `(B)` or `Yes` is read as what it is: `B`, `(B) blue`, True and `yes` are compared by their meaning.
_CHOICES = _TRUTHS = Comparison()


@dataclass(frozen=True)
class Benchmark:
    """A set that models are measured on, never taught with.

    Attributes:
        name: in settings and results.
        split: of the source: `test` or `dev`.
        source: the repository that the file was made from.
        licence: of the source.
        match: how an answer is compared with gold.
        version: raised whenever the same answers would get another score.
        expected: problems of the full set.
        path: its file in the data folder.
        skipped: problems left out at the file's start.
    """

    name: str
    split: str
    source: str
    licence: str
    match: Comparison
    version: str
    expected: int
    path: str
    skipped: int = 0


def _pal(name: str, expected: int, licence: str = "Apache-2.0", match: Comparison = _NUMBERS) -> Benchmark:
    path = f"{name}/test.jsonl"
    return Benchmark(name, "test", "reasoning-machines/pal", licence, match, "1", expected, path)


def _bbh(subset: str, match: Comparison, expected: int = 250) -> Benchmark:
    """A subset of BIG-Bench Hard (arXiv 2210.09261), whose file has the subset's name."""
    source = "suzgunmirac/BIG-Bench-Hard"
    return Benchmark(f"bbh_{subset}", "test", source, "MIT", match, "1", expected, f"bbh/{subset}.jsonl")


_GSM8K = ("test", "openai/grade-school-math", "MIT")

BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("gsm8k", *_GSM8K, _NUMBERS, "1", 1_319, "gsm8k/test.jsonl"),
    # As PaD counts: the four questions of its first prompt left out, answers rounded.
    Benchmark("gsm8k_paper", *_GSM8K, _ROUNDED, "1", 1_315, "gsm8k/test.jsonl", skipped=4),
    _pal("asdiv", 2_096, "CC BY-NC 4.0, Apache-2.0"),
    Benchmark("svamp", "test", "arkilpatel/SVAMP", "MIT", _NUMBERS, "1", 1_000, "svamp/test.jsonl"),
    _pal("multiarith", 600),
    _pal("addsub", 395),
    _pal("singleeq", 508),
    _pal("singleop", 562),
    _pal("gsm_hard", 1_319, match=_LARGE_NUMBERS),
    _bbh("object_counting", _NUMBERS),
    _bbh("multistep_arithmetic_two", _NUMBERS),
    _bbh("date_understanding", _CHOICES),
    _bbh("penguins_in_a_table", _CHOICES, 146),
    _bbh("reasoning_about_colored_objects", _CHOICES),
    _bbh("boolean_expressions", _TEXT),
    _bbh("navigate", _TRUTHS),
    _bbh("word_sorting", _TEXT),
    Benchmark("strategyqa", "dev", "eladsegal/strategyqa", "MIT", _TRUTHS, "1", 229, "strategyqa/dev.jsonl"),
)

_BY_NAME = {benchmark.name: benchmark for benchmark in BENCHMARKS}

# Files of the data folder with what models and people wrote in answer to evaluation questions.
_ANSWERS = {
    "gsm8k/test_socratic.jsonl": "gsm8k",
    "noisy_cot/gsm8k_*.jsonl": "gsm8k",
    "pot_codex/gsm8k_*.jsonl": "gsm8k",
    "pot_codex/svamp_*.jsonl": "svamp",
    "pot_codex/multiarith_*.jsonl": "multiarith",
}


def is_benchmark(name: str) -> bool:
    """Whether a benchmark of that name is registered."""
    return name in _BY_NAME


def benchmark_named(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        ConfigError: there is none; the nearest name is given.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    mend = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(_BY_NAME)}."
    raise ConfigError(f"no benchmark is named `{name}`", mend)


def benchmark_at(path: str | Path, folder: str | Path | None = None) -> Benchmark | None:
    """The benchmark whose file this is, in the data folder or a copy that ends in the same folder and name."""
    resolved = found(path, folder).resolve()
    folder = data_folder(folder)
    for benchmark in BENCHMARKS:
        ours = Path(benchmark.path)
        if resolved.parts[-2:] == ours.parts or (folder and resolved == (folder / ours).resolve()):
            return benchmark
    return None


def answers_of(path: str | Path, folder: str | Path | None = None) -> Benchmark | None:
    """The benchmark whose questions a known file holds with further answers to them; None for any other file."""
    parts = found(path, folder).resolve().parts[-2:]
    for place, name in _ANSWERS.items():
        if Path(*parts).match(place):
            return _BY_NAME[name]
    return None


def load_benchmark(name: str, folder: str | Path | None = None) -> list[Problem]:
    """The problems of a benchmark that are at hand: all of them, or fewer where its file is a part.

    Args:
        name: as in `BENCHMARKS`.
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        ConfigError: no benchmark of that name.
        DataError: no data folder, no file in it, or one that cannot be used.
    """
    benchmark = benchmark_named(name)
    path = _file(benchmark, folder)
    if path is None:
        raise DataError(
            f"benchmark `{name}` needs the data folder with {benchmark.path}",
            "Name the folder in `problems.data` or PAD_RAY_DATA",
        )
    if not path.is_file():
        raise DataError(
            f"benchmark `{name}`: there is no {path}",
            f"PAD_RAY_DATA or `problems.data` names the folder that holds {benchmark.path}",
        )
    return read_problems(path)[benchmark.skipped :]


def _file(benchmark: Benchmark, folder: str | Path | None) -> Path | None:
    root = data_folder(folder)
    return root / benchmark.path if root else None


class State(StrEnum):
    """How much of a benchmark is at hand."""

    MISSING = "missing"
    PARTIAL = "partial"
    COMPLETE = "complete"


class Availability(NamedTuple):
    """How many problems of a benchmark are at hand, of how many; as text "partial: 500 of 1,000"."""

    benchmark: Benchmark
    found: int
    expected: int
    state: State

    def __str__(self) -> str:
        return f"{self.state}: {self.found:,} of {self.expected:,}"


def coverage(benchmark: Benchmark, folder: str | Path | None = None) -> Availability:
    """How much of one benchmark is in the data folder, by its lines; its problems are not checked."""
    path = _file(benchmark, folder)
    count = max(0, _lines(path) - benchmark.skipped) if path and path.is_file() else 0
    state = State.COMPLETE if count >= benchmark.expected else State.PARTIAL if count else State.MISSING
    return Availability(benchmark, count, benchmark.expected, state)


def availability(folder: str | Path | None = None) -> list[Availability]:
    """How much of each benchmark is in the data folder, in the order of `BENCHMARKS`."""
    return [coverage(benchmark, folder) for benchmark in BENCHMARKS]


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for line in lines if line.strip())
