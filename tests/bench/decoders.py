"""Decoders compared: the same student, the same problems, equal token budgets, paired tests.

    python -m tests.bench.decoders --model FOLDER --data gsm8k --problems 300 --tokens 1024 --out runs/decoders

Every decoder may spend `--tokens` on a problem: all tokens generated, those of dropped candidates and lost beams
included, and those of prompts that no cache held. The step beam stops at the budget; self-consistency votes over as
many of its samples as fit in it; token beams, which cannot stop before their programs end, say what they spent. Greedy
spends what it needs. The sampler (temperature, nucleus) is the same for all that sample. Every arm begins with an
empty cache, so that none owes the reading of its prompts to another.

    greedy             the likeliest program
    self-consistency   samples, executed, by vote
    step-beam          all scorers
    step-beam -NAME    without that scorer; `-faithfulness` and `-execution`, `-both` runs steps and does no more
    step-beam score    chosen by the best score in place of the vote
    beam, paper        token beams on transformers, slower by far: only with `--token-beams`

Each answer is a line of `<out>/<arm>.jsonl` as soon as it is there, so the same command goes on where it was stopped. A
folder belongs to one model, data set and budget; `<out>/about.json` says which, and another is refused. At the end
every arm has its accuracy with a 95 % interval, and beside the step beam McNemar's exact test over the pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.choose import answer_key
from pad_ray.decoding.settings import TOKEN_BEAMS, BudgetConfig, Decoder, DecodingConfig, ScorerWeights
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.trace import Fate
from pad_ray.evaluation.metrics import wilson
from pad_ray.evaluation.paired import pair
from pad_ray.generation.scorers import Scorers
from pad_ray.generation.token_beam import search_tokens
from pad_ray.models import model_identity, resolve_model
from pad_ray.problems import Problem
from pad_ray.programs.values import decode
from pad_ray.recipes import opening_of, recipe_named
from pad_ray.sandbox import Sandbox
from pad_ray.verification import Verdict, Verifier, is_executable
from tests.bench.decoding import engine, in_flight, mean, percent, problems

Row = dict[str, Any]
OURS = "step-beam"
MAX_TOKENS = 160
_PAD = recipe_named("pad")


@dataclass(frozen=True)
class Arm:
    """A decoder with its settings."""

    name: str
    decoder: Decoder
    settings: DecodingConfig


def arms(tokens: int, samples: int, token_beams: bool) -> list[Arm]:
    """All that are compared.

    Args:
        tokens: budget of one problem.
        samples: of self-consistency, of which as many vote as fit in the budget.
        token_beams: whether those are among them.
    """

    def step(name: str, execution: float = 1, faithfulness: float = 1, **more: Any) -> Arm:
        weights = ScorerWeights(likelihood=1, execution=execution, faithfulness=faithfulness)
        return Arm(name, "step-beam", DecodingConfig(weights=weights, budget=BudgetConfig(tokens=tokens), **more))

    plain = DecodingConfig(samples=samples)
    found = [
        Arm("greedy", "greedy", plain),
        Arm("self-consistency", "self-consistency", plain),
        step(OURS),
        step(f"{OURS} -faithfulness", faithfulness=0),
        step(f"{OURS} -execution", execution=0),
        step(f"{OURS} -both", execution=0, faithfulness=0),
        step(f"{OURS} score", choose="score"),
    ]
    return found + [Arm(name, name, DecodingConfig(beams=5)) for name in TOKEN_BEAMS if token_beams]


class Answers:
    """The lines of one arm, kept as they come."""

    def __init__(self, folder: Path, arm: str) -> None:
        self._path = folder / f"{arm.replace(' ', '_')}.jsonl"
        self.rows: dict[str, Row] = {}
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a line that a kill tore is answered again
        for line in whole.splitlines():
            row = json.loads(line)
            self.rows[row["id"]] = row
        if whole != text:
            self._path.write_text(whole, encoding="utf-8")

    def add(self, row: Row) -> None:
        """Keeps an answer."""
        self.rows[row["id"]] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


Ask = Callable[[Arm, Problem], Awaitable[Row]]


async def answer_all(
    ask: Ask,
    chosen: Sequence[Arm],
    asked: Sequence[Problem],
    folder: Path,
    most: int,
    forget: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Answers what is missing.

    Args:
        ask: what is kept of an arm's answer to a problem.
        most: problems in flight.
        forget: empties the engine's cache.
    """
    for arm in chosen:
        answers = Answers(folder, arm.name)
        missing = [problem for problem in asked if problem.id not in answers.rows]

        async def one(problem: Problem, arm: Arm = arm, answers: Answers = answers) -> None:
            answers.add({"id": problem.id, **await ask(arm, problem)})

        print(f"{arm.name}: {len(missing)} of {len(asked)} to answer", flush=True)
        if missing and forget:
            await forget()
        await in_flight(one, missing, most)


def row_of(arm: Arm, outcome: Outcome, prompt: int = 0) -> Row:
    """What is kept of an answer: for self-consistency every sample, so that any budget can be looked at later.

    Args:
        prompt: length of the prompt, in tokens.
    """
    cost, trace = outcome.trace.cost, outcome.trace
    row = {
        "program": outcome.program,
        "prompt": prompt,
        "written": cost.completion_tokens,
        "read": cost.prompt_tokens,
        "seconds": round(cost.seconds, 3),
        "sandbox_seconds": round(cost.sandbox_seconds, 4),
        "stopped": trace.stopped,
        "deaths": trace.deaths(),
    }
    if arm.decoder == "self-consistency":
        # The token that ended a text is counted, and is not among its tokens.
        row["samples"] = [[one.text, len(one.tokens) + 1, one.fate is Fate.FINISHED] for one in trace.branches]
    return row


def within(outcomes: Row, budget: int, vote: Callable[[Sequence[str]], str]) -> Row:
    """The answer of self-consistency by the samples that fit in a budget; one sample at least.

    Args:
        vote: chooses among programs.
    """
    prompt = min(outcomes["prompt"], outcomes["read"])
    # The first sample reads the prompt; each of the others what no cache keeps of it, the end of its last block.
    again = (outcomes["read"] - prompt) / max(1, len(outcomes["samples"]) - 1)
    read, written, texts = float(prompt), 0, list[str]()
    for text, tokens, _ in outcomes["samples"]:
        more = again if texts else 0.0
        if texts and read + more + written + tokens > budget:
            break
        read, written = read + more, written + tokens
        texts.append(text)
    return {**outcomes, "program": vote(texts), "written": written, "read": round(read), "votes": len(texts)}


def mcnemar(one: Mapping[str, bool], other: Mapping[str, bool]) -> tuple[int, int, float]:
    """McNemar's exact test over the problems that both answered.

    Returns:
        How many only the first has right, how many only the second, and the two-sided p of the binomial test.
    """
    found = pair(one, other)
    return found.lost, found.gained, found.p_value


def report(chosen: Sequence[Arm], asked: Sequence[Problem], folder: Path, budget: int) -> None:
    """The table, from what is kept."""
    right: dict[str, dict[str, bool]] = {}
    title = ("arm", "n", "right", "95 % interval", "runs", "written", "read", "s/problem")
    print("\n" + _line(*title))
    with Verifier() as verifier:

        def vote(texts: Sequence[str]) -> str:
            return _vote(texts, verifier)

        for arm in chosen:
            kept = Answers(folder, arm.name).rows
            rows = {problem.id: kept[problem.id] for problem in asked if problem.id in kept}
            if not rows:
                continue
            if arm.decoder == "self-consistency":
                rows = {key: within(row, budget, vote) for key, row in rows.items()}
            golds = [problem.answer for problem in asked if problem.id in rows]
            found = verifier.judge([row["program"] for row in rows.values()], golds)
            right[arm.name] = {key: one.verdict is Verdict.OK for key, one in zip(rows, found, strict=True)}
            runs = mean([is_executable(one.verdict) for one in found])
            _print_arm(arm.name, rows, list(right[arm.name].values()), runs)
    if OURS in right:
        print(f"\n{'beside ' + OURS:<24} {'it alone right':>15} {'other alone':>12} {'p (McNemar)':>12}")
        for name in right.keys() - {OURS}:
            ours, theirs, p = mcnemar(right[OURS], right[name])
            print(f"{name:<24} {ours:>15} {theirs:>12} {p:>12.4f}")


def _print_arm(name: str, rows: Mapping[str, Row], right: Sequence[bool], runs: float) -> None:
    low, high = wilson(sum(right), len(right))
    spent = [mean([row[key] for row in rows.values()]) for key in ("written", "read")]
    seconds = mean([row["seconds"] for row in rows.values()])
    interval = f"{100 * low:.1f} – {100 * high:.1f}"
    shown = (percent(mean(right)), interval, percent(runs), f"{spent[0]:,.0f}", f"{spent[1]:,.0f}", f"{seconds:.2f}")
    print(_line(name, str(len(right)), *shown))


def _line(name: str, *cells: str) -> str:
    widths = (5, 8, 14, 8, 8, 8, 10)
    return f"{name:<24}" + "".join(f" {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _vote(texts: Sequence[str], verifier: Verifier) -> str:
    """The first program of the answer that most programs give; the first program where none gives any."""
    values = [judgement.value for judgement in verifier.judge(texts, [None] * len(texts))]
    answered = [value for value in values if value is not None]
    if not answered:
        return texts[0]
    keys = [None if value is None else answer_key(decode(value)) for value in values]
    best = max((key for key in keys if key is not None), key=lambda key: (keys.count(key), -keys.index(key)))
    return texts[keys.index(best)]


class Decoders:
    """Answers a problem by any arm, over one engine, one sandbox and one embedder."""

    def __init__(self, model: Any, sandbox: Sandbox) -> None:
        self._engine, self._sandbox, self._scorers = model, sandbox, Scorers()

    async def __call__(self, arm: Arm, problem: Problem) -> Row:
        prompt = _PAD.prompt(problem.question)
        return row_of(arm, await self._decode(arm, problem, prompt), len(self._engine.encode(prompt)))

    async def _decode(self, arm: Arm, problem: Problem, prompt: str) -> Outcome:
        opening = opening_of(_PAD)
        if arm.decoder in TOKEN_BEAMS:
            return await self._token_beam(arm, problem, prompt, opening)
        scorers = self._scorers.of(arm.settings)
        solver = Solver(self._engine, self._sandbox, scorers, arm.settings, MAX_TOKENS, _PAD.stop)
        return await solver.solve(arm.decoder, problem.question, prompt, opening)

    async def _token_beam(self, arm: Arm, problem: Problem, prompt: str, opening: str) -> Outcome:
        return await search_tokens(
            self._engine,
            self._sandbox.run_async,
            prompt,
            opening,
            width=arm.settings.beams,
            max_tokens=MAX_TOKENS,
            stop=_PAD.stop,
            question=problem.question,
            scorer=self._scorers.faithfulness(arm.settings) if arm.decoder == "paper" else None,
        )


def _check_folder(folder: Path, about: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "about.json"
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) != about:
        raise SystemExit(f"{folder} holds answers of another model, data set or budget ({note}): name another folder")
    note.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


async def _run(arguments: argparse.Namespace, chosen: Sequence[Arm], asked: Sequence[Problem], model: str) -> None:
    stepwise = [arm for arm in chosen if arm.decoder not in TOKEN_BEAMS]
    token_beams = [arm for arm in chosen if arm.decoder in TOKEN_BEAMS]
    with Sandbox() as sandbox:
        for kind, own, most in ((arguments.engine, stepwise, arguments.in_flight), ("transformers", token_beams, 1)):
            if not own:
                continue
            async with engine(kind, model) as served:
                forget = getattr(served, "forget", None)
                await answer_all(Decoders(served, sandbox), own, asked, arguments.out, most, forget)


def main() -> None:
    """Answers what is missing and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a student's folder, a hub name, or `embedded`")
    parser.add_argument("--data", default="gsm8k", help="`quickstart` or a benchmark (default: gsm8k)")
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--tokens", type=int, default=1024, help="budget of one problem (default: 1024)")
    parser.add_argument("--samples", type=int, default=24, help="of self-consistency, before the budget cuts them")
    parser.add_argument("--token-beams", action="store_true", help="`beam` and `paper` too")
    parser.add_argument("--arms", nargs="+", metavar="ARM", help="these alone; each may have a process")
    parser.add_argument("--engine", choices=("auto", "vllm", "transformers"), default="auto")
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("runs/decoders"))
    parser.add_argument("--report", action="store_true", help="print the table of what is there, and answer nothing")
    arguments = parser.parse_args()
    chosen = arms(arguments.tokens, arguments.samples, arguments.token_beams)
    asked, model = problems(arguments.data, arguments.problems), resolve_model(arguments.model)
    settings = {arm.name: arm.settings.model_dump() for arm in arms(arguments.tokens, arguments.samples, True)}
    _check_folder(arguments.out, {"model": model_identity(model), "data": arguments.data, "arms": settings})
    if not arguments.report:
        wanted = [arm for arm in chosen if not arguments.arms or arm.name in arguments.arms]
        asyncio.run(_run(arguments, wanted, asked, model))
    report(chosen, asked, arguments.out, arguments.tokens)


if __name__ == "__main__":
    main()
