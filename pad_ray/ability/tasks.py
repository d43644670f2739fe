"""Subsets of BIG-Bench Hard (arXiv 2210.09261) as they are asked: a few problems shown, the others measured.

The text is that of the paper's answer-only prompts: a line on the task, then `Q: …` and `A: …`. The paper's own worked
examples are not in its data files, so problems of the subset itself are shown: the first one of each answer that was
not shown yet, then the first others. They are not measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pad_ray.ability.settings import PREFIX, Settings
from pad_ray.benchmarks import Benchmark, benchmark_named, load_benchmark
from pad_ray.errors import DataError
from pad_ray.problems import Problem

STOP = ("\n\n", "\nQ:")  # an answer is one paragraph

# The first lines of the paper's prompts.
_ABOUT = {
    "object_counting": "Questions that involve enumerating objects and asking the model to count them.",
    "multistep_arithmetic_two": "Solve multi-step arithmetic problems.",
    "date_understanding": "Infer the date from context.",
    "penguins_in_a_table": "Answer questions about a table of penguins and their attributes.",
    "reasoning_about_colored_objects": "Answer extremely simple questions about the colors of objects on a surface.",
    "boolean_expressions": "Evaluate the result of a random Boolean expression.",
    "navigate": "Given a series of navigation instructions, determine whether one would end up back at the starting "
    "point.",
    "word_sorting": "Sort a list of words.",
}


@dataclass(frozen=True)
class Task:
    """A subset.

    Attributes:
        name: such as `navigate`.
        benchmark: how its answers are compared.
        shown: problems that every prompt shows with their answers.
        measured: problems that are asked.
    """

    name: str
    benchmark: Benchmark
    shown: Sequence[Problem]
    measured: Sequence[Problem]

    def prompt(self, problem: Problem) -> str:
        """The text that a model continues with the answer."""
        examples = "".join(f"Q: {one.question}\nA: {one.answer}\n\n" for one in self.shown)
        return f"{_ABOUT[self.name]}\n\n{examples}Q: {problem.question}\nA:"

    def messages(self, problem: Problem) -> list[dict[str, Any]]:
        """The same as turns of a chat, the last one the user's."""
        turns = [
            turn
            for one in self.shown
            for turn in (("user", f"{_ABOUT[self.name]}\n\n{one.question}"), ("assistant", str(one.answer)))
        ]
        turns.append(("user", f"{_ABOUT[self.name]}\n\n{problem.question}"))
        return [{"role": role, "content": text} for role, text in turns]


def load_tasks(settings: Settings) -> list[Task]:
    """The subsets that settings name.

    Raises:
        DataError: a subset is not at hand, or has too few problems.
    """
    return [_task(name, settings) for name in settings.subsets]


def _task(name: str, settings: Settings) -> Task:
    benchmark = benchmark_named(PREFIX + name)
    problems = load_benchmark(benchmark.name, settings.data)
    shown = choose_shown(problems, settings.shots)
    ids = {one.id for one in shown}
    measured = [one for one in problems if one.id not in ids][: settings.limit]
    if len(shown) < settings.shots or not measured:
        raise DataError(
            f"benchmark `{benchmark.name}` has {len(problems)} problems, too few to show {settings.shots} and measure",
            "Show fewer",
        )
    return Task(name, benchmark, shown, measured)


def choose_shown(problems: Sequence[Problem], count: int) -> list[Problem]:
    """The first problem of each answer, then the first others, up to so many; in the order of the file.

    Three problems with one answer would teach that answer, not the task.
    """
    first = {str(one.answer): one.id for one in reversed(problems)}
    ordered = sorted(problems, key=lambda one: first[str(one.answer)] != one.id)[:count]
    ids = {one.id for one in ordered}
    return [one for one in problems if one.id in ids]
