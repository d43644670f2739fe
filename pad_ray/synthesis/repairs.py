"""Lessons in repair: broken programs of training problems, and the right programs that they become.

    injected   a fault put into a right program; the lesson is that program
    mined      the student's own failure; the lesson is the nearest right program of the same problem

Gold enters by verdicts of training problems only, and stands in no lesson.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pad_ray.programs.duplicates import identity
from pad_ray.programs.error_code import ErrorCode
from pad_ray.programs.faults import Fault, draw
from pad_ray.records import Row, content_hash
from pad_ray.sandbox import Execution
from pad_ray.synthesis.repair_settings import RepairConfig

_TOKEN = re.compile(r"\w+|\s+|.")
_COMPARED = 4_000  # characters: comparing takes the square of it


@dataclass(frozen=True, slots=True)
class Repair:
    """One lesson.

    Attributes:
        problem_id: the training problem.
        lesson: `injected:<kind of fault>` or `mined:<verdict>`.
        slot: the broken program, and what the interpreter said of it.
        program: the right program.
        broken_id: the sample that the broken program is (mined), or was made from (injected).
        sample_id: the sample that the right program is.
    """

    problem_id: str
    lesson: str
    slot: ErrorCode
    program: str
    broken_id: str
    sample_id: str

    @property
    def id(self) -> str:
        """A hash of what it is made of, behind the right program's sample."""
        return f"{self.sample_id}-{content_hash(self.problem_id, self.lesson, self.slot.program, length=8)}"


def draw_faults(samples: Iterable[Row], settings: RepairConfig) -> list[Fault]:
    """Faults for the programs of these samples, still to be confirmed; the same program has the same faults."""
    programs = dict.fromkeys(str(row["program"]) for row in samples if row["program"])
    return [fault for program in programs for fault in draw(program, settings.faults, settings.seed, mix=settings.mix)]


def injected_repairs(samples: Iterable[Row], confirmed: Iterable[tuple[Fault, Execution]]) -> list[Repair]:
    """Lessons from faults.

    Args:
        samples: rows whose programs are learnt; two problems may share a program.
        confirmed: faults that fail as they are meant to, with their runs (`pad_ray.confirmation.confirmed_runs`).

    Returns:
        Lessons sorted by id. A wrong answer has no message, since its run had none.
    """
    of_program: dict[str, list[Row]] = {}
    for row in samples:
        of_program.setdefault(row["program"], []).append(row)
    found = {}
    for fault, run in confirmed:
        slot = ErrorCode.of(fault.faulty, run.error_class, run.message, run.line)
        for row in of_program.get(fault.program, ()):
            lesson = f"injected:{fault.kind}"
            repair = Repair(row["problem_id"], lesson, slot, fault.program, row["id"], row["id"])
            found[repair.id] = repair
    return sorted(found.values(), key=lambda one: one.id)


def mined_repairs(failures: Iterable[Row], right: Iterable[Row], settings: RepairConfig) -> list[Repair]:
    """Lessons from a student's failures at training problems.

    Args:
        failures: its sample rows with their latest verdicts; those whose verdict `settings.failures` has not are passed
            over.
        right: sample rows of right programs. A problem without any gives no lesson.
        settings: which failures, and how many of a problem.

    Returns:
        Lessons sorted by id, each broken program of a problem once (but for names and layout). Of more than
        `settings.per_problem` a seeded choice is taken.
    """
    targets: dict[str, list[Row]] = {}
    for row in sorted(right, key=lambda row: str(row["id"])):
        targets.setdefault(row["problem_id"], []).append(row)
    of_problem: dict[str, dict[str, Row]] = {}
    for row in sorted(failures, key=lambda row: str(row["id"])):
        if row["verdict"] in settings.failures and row["program"] and row["problem_id"] in targets:
            of_problem.setdefault(row["problem_id"], {}).setdefault(identity(row["program"]), row)
    chosen = [row for rows in of_problem.values() for row in _some(list(rows.values()), settings)]
    return sorted((_mined(row, targets[row["problem_id"]]) for row in chosen), key=lambda one: one.id)


def _some(rows: Sequence[Row], settings: RepairConfig) -> list[Row]:
    return sorted(rows, key=lambda row: content_hash(settings.seed, row["id"]))[: settings.per_problem]


def _mined(row: Row, targets: Sequence[Row]) -> Repair:
    target = nearest(row["program"], targets)
    told = row["error_class"] is not None or row["verdict"] == "syntax_error"
    said = (row["error_class"], row["error"], row["line"]) if told else (None, None, None)
    slot = ErrorCode.of(row["program"], *said)
    return Repair(row["problem_id"], f"mined:{row['verdict']}", slot, target["program"], row["id"], target["id"])


def nearest(program: str, targets: Sequence[Row]) -> Row:
    """The row whose program shares most with a broken one, so that the lesson is the repair; the first of equals."""
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(_TOKEN.findall(program[:_COMPARED]))  # what a matcher keeps between comparisons

    def likeness(row: Row) -> float:
        matcher.set_seq1(_TOKEN.findall(row["program"][:_COMPARED]))
        return matcher.ratio()

    return max(targets, key=likeness)
