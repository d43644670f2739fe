"""Examples of other things that are mixed into what is learnt, so that less of what the base could is lost.

Replay is the plainest remedy against forgetting. Where the data of the base's own training is not to be had, what the
base itself writes serves as well (self-synthesized rehearsal, arXiv 2403.01244): `pad-ray rehearse` writes such a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

from pad_ray.benchmarks import answers_of, benchmark_at
from pad_ray.contamination import Overlap
from pad_ray.errors import ConfigError
from pad_ray.jsonl import Row as Line
from pad_ray.jsonl import read_rows
from pad_ray.problem_sources import found
from pad_ray.records import Row, content_hash, example_row
from pad_ray.training.settings import ReplayConfig

LESSON = "replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One example: what is read, what is learnt after it, and a hash of the two."""

    prompt: str
    target: str
    id: str

    @classmethod
    def of(cls, prompt: str, target: str) -> Self:
        """The example of two texts."""
        return cls(prompt, target, f"{LESSON}-{content_hash(prompt, target)}")


def read_replay(settings: ReplayConfig, data: str | None = None) -> tuple[Replayed, ...]:
    """The distinct examples of a file, in its order.

    Args:
        settings: name the file, which is there or under the data folder.
        data: the data folder; by default the one that `PAD_RAY_DATA` names.

    Raises:
        ConfigError: the file is an evaluation set, or holds the questions of one.
        DataError: there is no such file, or a line that is no example.
    """
    path = found(settings.file, data)
    for benchmark in (benchmark_at(path, data), answers_of(path, data)):
        if benchmark:
            raise ConfigError(
                f"training.replay.file is `{settings.file}`, with the questions of the evaluation set {benchmark.name}",
                "Models are only measured on it: name another file",
            )
    try:
        state = path.stat()
    except OSError:
        return _read(path)  # says what is wrong
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, *state: int) -> tuple[Replayed, ...]:
    """Read once as long as the file is the same: the ids of stages ask for it often."""
    return tuple(dict.fromkeys(_example(line) for line in read_rows(path)))


def _example(line: Line) -> Replayed:
    """`prompt` and `completion`; of a plain `text` the first word is read and the rest learnt."""
    if "text" in line.fields and "completion" not in line.fields:
        text = line.text("text").strip()
        first = text.split(maxsplit=1)[0]
        return Replayed.of(first, text[len(first) :])
    return Replayed.of(line.text("prompt"), line.text("completion"))


def replay_digest(settings: ReplayConfig, data: str | None = None) -> str:
    """A hash of what may be replayed, wherever the file lies.

    Raises:
        ConfigError, DataError: as `read_replay`.
    """
    examples = [one.id for one in read_replay(settings, data)]
    return content_hash(settings.ratio, settings.seed, examples)


def replay_rows(settings: ReplayConfig, learnt: int, fits: Callable[[Row], bool], data: str | None = None) -> list[Row]:
    """Example rows of what is replayed: a seeded choice of what fits and overlaps with no evaluation set.

    Args:
        settings: file, ratio, seed.
        learnt: how many other examples are learnt; the ratio is of these.
        fits: whether an example has room in the student's context.
        data: the data folder, whose evaluation sets are held against.

    Raises:
        ConfigError, DataError: as `read_replay`, or none of the examples can be used.
    """
    examples = sorted(read_replay(settings, data), key=lambda one: content_hash(settings.seed, one.id))
    room = max(1, round(settings.ratio * learnt))
    rows = []
    for row in _usable(examples, Overlap(folder=data), fits):
        rows.append(row)
        if len(rows) == room:
            break
    if not rows:
        raise ConfigError(
            f"training.replay.file: none of the {len(examples)} examples in `{settings.file}` can be used",
            "They are too long for `training.max_tokens`, empty, or overlap with evaluation sets",
        )
    return sorted(rows, key=lambda row: str(row["id"]))


def _usable(examples: list[Replayed], overlap: Overlap, fits: Callable[[Row], bool]) -> Iterator[Row]:
    for one in examples:
        row = _row(one)
        if one.target.strip() and fits(row) and not overlap.of(f"{one.prompt} {one.target}"):
            yield row


def _row(one: Replayed) -> Row:
    return example_row(
        id=one.id, sample_id=one.id, problem_id=one.id, prompt=one.prompt, target=one.target, lesson=LESSON
    )
