"""How long lessons in repair are beside those in reasoning, and how many a context of so many tokens has no room for.

    python -m tests.bench.lessons --problems 1000 --model embedded

Programs are those of GSM8K's annotations, faults are drawn, confirmed and mixed as in a round.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice

from pad_ray.config import ExamplesConfig
from pad_ray.confirmation import confirmed_runs
from pad_ray.jsonl import read_rows
from pad_ray.models import resolve_model
from pad_ray.problem_sources import data_folder
from pad_ray.programs.annotations import program_of
from pad_ray.recipes import recipe_named
from pad_ray.records import Row
from pad_ray.sandbox import Sandbox
from pad_ray.synthesis.examples import make_examples
from pad_ray.synthesis.mixture import mix
from pad_ray.synthesis.repair_settings import RepairConfig
from pad_ray.synthesis.repairs import draw_faults, injected_repairs
from pad_ray.training.tokens import count_tokens

LIMITS = (128, 192, 256, 384, 512)
_PAD = recipe_named("pad")


def lessons(problems: Sequence[tuple[str, str, str]], message: bool) -> list[Row]:
    """Example rows of problems (id, question, program), a repair for each."""
    questions = {id: question for id, question, _ in problems}
    samples = [
        {"id": f"{id}-0", "problem_id": id, "program": program.strip(), "verdict": "ok", "forged": False}
        for id, _, program in problems
    ]
    settings = RepairConfig(ratio=1, mined=0, message=message)
    with Sandbox() as sandbox:
        runs = confirmed_runs(draw_faults(samples, settings), sandbox)
    examples = make_examples(samples, questions, _PAD, ExamplesConfig(exclude=()))
    return mix(examples, questions, injected_repairs(samples, runs), _PAD, settings)


def report(name: str, lengths: Sequence[int]) -> None:
    """One line of the table."""
    ordered = sorted(lengths)
    over = "".join(f"{sum(length > limit for length in ordered) / len(ordered):>9.1%}" for limit in LIMITS)
    print(f"{name:<28}{len(ordered):>7,}{ordered[len(ordered) // 2]:>8}{ordered[-1]:>6}{over}")


def main() -> None:
    """Makes, mixes and measures."""
    from transformers import AutoTokenizer

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1000)
    parser.add_argument("--model", default="embedded", help="whose tokenizer counts")
    arguments = parser.parse_args()
    folder = data_folder(None)
    if folder is None:
        raise SystemExit("name the data folder in PAD_RAY_DATA")
    tokenizer = AutoTokenizer.from_pretrained(resolve_model(arguments.model))
    made = ((row, program_of(row.text("rationale"))) for row in read_rows(folder / "gsm8k/train.jsonl"))
    found = ((row.text("id"), row.text("question"), program) for row, program in made if program)
    problems = list(islice(found, arguments.problems))
    print(f"{'tokens':<28}{'rows':>7}{'median':>8}{'most':>6}" + "".join(f"{f'> {limit}':>9}" for limit in LIMITS))
    for message in (False, True):
        rows = [row for row in lessons(problems, message) if row["used"]]
        counted = [(bool(row["lesson"]), count_tokens(row, tokenizer)) for row in rows]
        if not message:
            report("reasoning", [length for repair, length in counted if not repair])
        report(f"repair, {'with' if message else 'without'} message", [length for repair, length in counted if repair])


if __name__ == "__main__":
    main()
