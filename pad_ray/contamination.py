"""Whether a training question repeats an evaluation question: shared runs of words, and equal wording.

A question overlaps with an evaluation set when ten words in a row of it stand in one of the set's questions, or when
it equals one. Case, punctuation and thousands commas do not count; numbers do.

Ten was chosen by measurement (tests/bench/overlap.py). GSM-hard's reworded questions are GSM8K test questions with
another number: what a leak looks like. GSM8K's own training set and the quickstart's problems are what it does not.

    words   GSM-hard, 499 changed   GSM8K train, 7,473, flagged     quickstart, 600,
    in row  found in GSM8K test     for GSM8K test   for any set    flagged for any set
       8          497                    91              135              34
      10          495                    11               24               0
      13          490                     4               10               0

With eight, stock phrases count ("how many does she have left if she"). Thirteen, as GPT-3 (arXiv 2005.14165, appendix
C), is longer than many of the questions of the MAWPS sets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pad_ray.benchmarks import BENCHMARKS, Benchmark, State, coverage, load_benchmark
from pad_ray.errors import ConfigError
from pad_ray.problems import shortened

WORDS_IN_ROW = 10

_COMMA = re.compile(r"(?<=\d),(?=\d{3})")
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?")


class Overlap:
    """The wording of evaluation sets, to hold questions against; some 20 MB for 8,000 problems.

    Args:
        benchmarks: the sets; those that are not at hand are passed over.
        folder: the data folder; by default the one that `PAD_RAY_DATA` names.
        words: how many words in a row are an overlap.

    Attributes:
        names: the sets that are held against, in order. An empty list: nothing was checked.

    Raises:
        DataError: the file of a set cannot be used.
    """

    def __init__(
        self,
        benchmarks: Iterable[Benchmark] = BENCHMARKS,
        folder: str | Path | None = None,
        words: int = WORDS_IN_ROW,
    ) -> None:
        found = [benchmark for benchmark in benchmarks if coverage(benchmark, folder).state is not State.MISSING]
        self.names = [benchmark.name for benchmark in found]
        # Which sets have a run of words, as bits: one small number a run, most of them shared.
        self._sets: dict[str, int] = {}
        self._words = words
        for place, benchmark in enumerate(found):
            for problem in load_benchmark(benchmark.name, folder):
                for run in _runs(problem.question, words):
                    self._sets[run] = self._sets.get(run, 0) | 1 << place

    def of(self, question: str) -> list[str]:
        """Names of the evaluation sets that a question overlaps with, in the order of `names`."""
        bits = 0
        for run in _runs(question, self._words):
            bits |= self._sets.get(run, 0)
        return [name for place, name in enumerate(self.names) if bits >> place & 1]


def check_shown(shown: Sequence[str], measured: Iterable[str], folder: str | Path | None = None) -> None:
    """Refuses worked examples that are questions to be measured on: what a teacher is shown, its student learns.

    Args:
        shown: questions of worked examples.
        measured: questions that the run keeps from training.
        folder: the data folder, whose evaluation sets are held against; by default the one that `PAD_RAY_DATA` names.

    Raises:
        ConfigError: one of them is a question of the run's own, or overlaps with an evaluation set.
    """
    own = {_wording(question) for question in measured}
    overlap = Overlap(folder=folder)
    for number, question in enumerate(shown, start=1):
        sets = overlap.of(question)
        if sets or _wording(question) in own:
            where = f"overlaps with the evaluation set {sets[0]}" if sets else "is a problem that this run measures on"
            raise ConfigError(
                f"teacher.examples: worked example {number} {where}: {shortened(question)}",
                "Show training problems, or set problems.allow_contamination: true",
            )


def _wording(question: str) -> str:
    return next(_runs(question, WORDS_IN_ROW))


def _runs(question: str, length: int) -> Iterator[str]:
    """Every run of so many words, and the whole, marked as such."""
    words = _WORD.findall(_COMMA.sub("", question.lower().replace("\u2019", "'")))
    yield f"= {' '.join(words)}"
    for start in range(len(words) - length + 1):
        yield " ".join(words[start : start + length])
