"""The verb that answers a question: `solve`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pad_ray.cli.parser import Commands, add_command, jsonable, print_json
from pad_ray.decoding.settings import REPAIR, STEPWISE
from pad_ray.errors import InputError


def add(commands: Commands[Any]) -> None:
    """Adds `solve`."""
    solve = add_command(
        commands,
        "solve",
        "let a student answer a question, and watch the tree of its programs grow",
        _solve,
        examples='pad-ray solve "Ann has 3 nuts and finds 4. How many has she?" --model runs/mine/student\n'
        'pad-ray solve "…" --decoder greedy --json',
        more="Each statement is run before it counts. For many questions `pad-ray evaluate` is faster.",
    )
    solve.add_argument("question", metavar="QUESTION", help="a word problem")
    solve.add_argument("--model", default="embedded", help="a student's folder, or a hub name (default: embedded)")
    solve.add_argument("--recipe", help="how it was taught (default: what its folder says, else pad)")
    solve.add_argument(
        "--decoder",
        choices=(*STEPWISE, *(name + REPAIR for name in STEPWISE)),
        default="step-beam",
        metavar="DECODER",
        help=f"{', '.join(STEPWISE)}, or with {REPAIR} behind it (default: step-beam)",
    )
    solve.add_argument("--beams", type=int, default=4, metavar="N", help="branches kept after a step (default: 4)")
    solve.add_argument(
        "--candidates", type=int, default=4, metavar="N", help="next statements asked for on each (default: 4)"
    )
    solve.add_argument("--samples", type=int, default=8, metavar="N", help="of self-consistency (default: 8)")
    solve.add_argument("--seed", type=int, default=0, metavar="N", help="another seed grows another tree (default: 0)")
    solve.add_argument("--max-tokens", type=int, default=160, metavar="N", help="longest program (default: 160)")
    jsonable(solve)


def _solve(arguments: argparse.Namespace) -> int:
    from pad_ray.decoding.settings import DecodingConfig
    from pad_ray.search_tree import GrowingTree
    from pad_ray.solving import solve_questions

    if not arguments.question.strip():
        raise InputError("the question is empty", "Give a word problem")
    for name in ("beams", "candidates", "samples", "max_tokens"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(arguments, name)} is too few", "Give 1 or more")
    if arguments.seed < 0:
        raise InputError(f"--seed {arguments.seed} is below 0", "Give 0 or more")
    settings = DecodingConfig(
        beams=arguments.beams, candidates=arguments.candidates, samples=arguments.samples, seed=arguments.seed
    )
    tree = GrowingTree(sys.stderr if arguments.json else sys.stdout)
    [found] = solve_questions(
        [arguments.question],
        arguments.model,
        arguments.recipe,
        arguments.decoder,
        settings,
        arguments.max_tokens,
        tree.on_step,
    )
    tree.end(found.branch)
    if arguments.json:
        print_json(
            {
                "question": arguments.question,
                "answer": found.answer,
                "program": found.program,
                "ran": found.ran,
                "trace": {**found.trace.as_json(), "chosen": found.branch},
            }
        )
        return 0
    print(f"\n{found.program.rstrip()}\n")
    print(f"answer: {found.answer}" if found.ran else f"no answer: {_why(found.trace.deaths())}")
    cost = found.trace.cost
    print(f"{cost.completion_tokens:,} tokens written, {cost.prompt_tokens:,} read, {cost.seconds:.1f} s")
    return 0


def _why(deaths: dict[str, int]) -> str:
    """What programs died of, most of them first."""
    told = sorted(deaths.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} × {cause}" for cause, count in told) or "no program came to an end"
