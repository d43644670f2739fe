"""The stage `examples`: what samples teach, and the card of the samples; some problems at a time, however many."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from pad_ray.answers import Answers
from pad_ray.contamination import Overlap
from pad_ray.lessons import learnt_digest, valuing
from pad_ray.progress import Meter, shown
from pad_ray.prompts import contaminates
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row
from pad_ray.row_table import RowTable
from pad_ray.run_folder import Stage
from pad_ray.run_parts import RunParts, shown_by
from pad_ray.synthesis.card import Counts, Origin, dataset_card
from pad_ray.synthesis.examples import examples_of, leave_out, within_fraction
from pad_ray.synthesis.marks import mark_samples
from pad_ray.synthesis.pairs import with_pairs

_SAMPLING = ("samples", "temperature", "top_p", "max_tokens", "seed", "shots", "context")
_LEARNT = ("prompt", "target", "task", "weight", "used", "contrast")
_Made = tuple[list[Row], Mapping[str, Sequence[str]], list[Row]]


@dataclass(frozen=True)
class ExampleMaker:
    """Makes a run's examples of the teacher's samples.

    Attributes:
        parts: of the run.
        sampling: the teacher's samples and their verdicts.
    """

    parts: RunParts
    sampling: Answers

    def make(self, stage: Stage, mark: dict[str, Any]) -> None:
        """Writes the stage, says in its mark what there is, and writes the card of the samples."""
        counts, seen = Counts(), {"rows": 0, "used": 0}
        total = int((self.sampling.requests.done or {"rows": 0})["rows"])
        with shown(Meter("examples", total, good="used"), lambda: seen):
            mark["rows"] = stage.write_rows(self._rows(counts, seen))
        mark["used"], mark["problems_solved"] = seen["used"], _problems_used(stage)
        mark["digest"] = learnt_digest(chain.from_iterable(stage.batches(_LEARNT)))
        card = dataset_card(counts, self.parts.questions, self._origin())
        (self.parts.folder.storage / "samples").write_text("README.md", card)

    @cached_property
    def _overlap(self) -> Overlap:
        return Overlap(folder=self.parts.config.problems.data)

    def _rows(self, counts: Counts, seen: dict[str, int]) -> Iterator[Row]:
        """The rows as they come, each of which is counted, as the samples are."""
        within, pairing = self._within(), self.parts.pairing
        for samples, marks, examples in self._made():
            if within is not None:
                leave_out(examples, within)
            rows = with_pairs(examples, samples, self.parts.recipe, pairing) if pairing else examples
            for sample in samples:
                counts.add(sample, marks[sample["id"]])
            for row in rows:
                if not shows_wrong(row):
                    counts.add_example(row)
            seen["used"] += sum(row["used"] for row in rows)
            seen["rows"] += len(samples)
            yield from rows

    def _within(self) -> frozenset[str] | None:
        """The problems that are learnt from; None where they are all of them."""
        settings = self.parts.config.examples
        if settings.fraction == 1:
            return None
        examples = RowTable("example", chain.from_iterable(rows for _, _, rows in self._made()))
        return within_fraction(examples, settings, valuing(self.parts))

    def _made(self) -> Iterator[_Made]:
        """Samples of some problems, their marks, and what they teach."""
        parts = self.parts
        for samples in self.sampling.by_problem():
            marks = mark_samples(samples, parts.questions, lambda question: self._overlap.of(parts.bare(question)))
            yield samples, marks, examples_of(samples, parts.questions, parts.recipe, parts.config.examples, marks)

    def _origin(self) -> Origin:
        config = self.parts.config
        return Origin(
            run=config.name,
            teacher=self.parts.teacher.name,
            source=config.problems.train,
            license=config.problems.licence,
            sampling={name: getattr(config.teacher, name) for name in _SAMPLING},
            created=time.strftime("%Y-%m-%d"),
            folder=self.sampling.samples.id,
            evaluation_sets=self._overlap.names,
            currency=config.teacher.http.currency if config.teacher.http else "",
            beware=contaminates(shown_by(self.parts.recipe, config)) or "",
        )


def _problems_used(stage: Stage) -> int:
    import pyarrow.compute as pc

    found = stage.columns(["problem_id", "used"])
    return int(pc.count_distinct(found.filter(found["used"])["problem_id"]).as_py())
