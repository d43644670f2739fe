"""The step-verified beam: every candidate statement is run before it is kept.

PaD scores lines of a token beam by their likeness to the question (arXiv 2305.13888, section 3.4). A program allows
more: a partial program can be run. So a step here is a whole statement; what cannot run is dropped, branches that
reached the same variables are one branch with their probabilities added, and what is left is scored. The objective is
the weighted sum of the log-probability and of the scorers' ln ψ over all steps.

Nothing here knows an engine or Ray. Given an engine that answers the same, the same seed grows the same tree.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from pad_ray.decoding.choose import choose, is_settled
from pad_ray.decoding.engine import StepEngine, Tokens
from pad_ray.decoding.growing import Grower, Piece, Spent, StepChecker
from pad_ray.decoding.scorers import Scorer, Step
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch, Fate, Trace
from pad_ray.sandbox import Value
from pad_ray.sandbox.layout import EMPTY, closing, extend


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search found.

    Attributes:
        program: the chosen program; the best unfinished one where none came to an answer.
        answer: the value that it returned; None without one.
        ran: it came to an answer.
        branch: id of the chosen branch; 0 where nothing was kept.
        trace: the whole tree.
    """

    program: str
    answer: Value
    ran: bool
    branch: int
    trace: Trace

    @classmethod
    def of(cls, branch: Branch, trace: Trace) -> Self:
        """A branch as what was chosen."""
        verdict = branch.verdict
        if verdict is None or not verdict.finished:
            return cls(branch.text, None, False, branch.id, trace)
        return cls(branch.text, verdict.value, True, branch.id, trace)


class StepBeam:
    """Searches for the program of one question at a time; instances may run side by side.

    Args:
        engine: the model.
        checker: runs partial programs.
        scorers: the judges of steps, by the names of `settings.weights`; those without weight are not asked.
        settings: widths, weights, budgets.
        on_step: called after each step with the branches that it made, for a tree that is watched growing.
        clock: seconds; for budgets.
    """

    def __init__(
        self,
        engine: StepEngine,
        checker: StepChecker,
        settings: DecodingConfig,
        scorers: Sequence[Scorer] = (),
        on_step: Callable[[Sequence[Branch]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        weights = settings.weights.model_dump()
        self._engine, self._checker, self._settings = engine, checker, settings
        self._weights = {scorer.name: weights.get(scorer.name, 1.0) for scorer in scorers}
        self._scorers = [scorer for scorer in scorers if self._weights[scorer.name]]
        self._on_step, self._clock = on_step, clock

    async def solve(self, question: str, prompt: str, opening: str = "") -> Outcome:
        """The best program for a question, within the budgets.

        Args:
            question: the question itself, for scorers.
            prompt: what the model goes on from.
            opening: the end of the prompt that is the beginning of the program, such as `def solution():`.

        Raises:
            EngineError: the model cannot answer.
            SandboxError: programs cannot be run.
        """
        return await _Search(self, question, self._engine.encode(prompt), opening).run()


class _Search:
    """One question."""

    def __init__(self, owner: StepBeam, question: str, prompt: Tokens, opening: str) -> None:
        self._o, self._s = owner, owner._settings
        self._question, self._opening = question, opening
        self._grower = Grower(owner._engine, owner._checker, self._s, prompt, opening, owner._clock)
        self._trace = Trace(cost=self._grower.cost)
        self._header = opening.rpartition("\n")[2].strip()
        root = Branch(0, 0, 0, (), opening, "", 0.0)
        self._live, self._best, self._finished = [root], root, list[Branch]()
        self._expanded: dict[tuple[str, str], int] = {}

    async def run(self) -> Outcome:
        try:
            [self._best.verdict] = await self._grower.in_time(self._grower.verdicts("", [self._opening]))
            while True:
                await self._step()
                if reason := self._reason_to_stop():
                    raise Spent(reason)
        except Spent as spent:
            self._trace.stopped = str(spent)
        if self._trace.stopped == "tokens" and not self._finished:
            await self._finish()
        self._trace.cost.seconds = self._grower.seconds
        found = choose(self._finished, self._s.choose) if self._finished else self._best
        outcome = Outcome.of(found, self._trace)
        return replace(outcome, program=_closed(outcome.program)) if outcome.ran else outcome

    def _reason_to_stop(self) -> str:
        if not self._live:
            return "done" if self._finished else "no_beams"
        if is_settled(self._finished, self._live, self._s):
            return "done"
        return "steps" if self._live[0].depth >= self._s.budget.steps else ""

    async def _step(self) -> None:
        for beam in self._live:
            if beam.verdict is not None:
                self._expanded[beam.verdict.fingerprint, beam.tail] = beam.id
        pieces = await self._grower.grow(self._live)
        first = len(self._trace.branches) + 1
        branches = [self._branch(number, piece) for number, piece in enumerate(pieces, first)]
        self._trace.branches += branches
        runnable = self._merged([one for one in branches if one.fate in (Fate.KEPT, Fate.FINISHED)])
        await self._score(runnable)
        self._finished += [one for one in runnable if one.fate is Fate.FINISHED]
        if self._finished:
            self._grower.reserve = 0
        going = sorted((one for one in runnable if one.fate is Fate.KEPT), key=lambda one: (-one.score, one.id))
        for one in going[self._s.beams :]:
            one.fate = Fate.OUTSCORED
        self._live = going[: self._s.beams]
        if self._live:
            self._best = self._live[0]
        if self._o._on_step:
            self._o._on_step(branches)

    async def _finish(self) -> None:
        """Lets the model write the best beam to its end, by what the budget keeps for that: half a program is none."""
        try:
            lines = await self._grower.rest(self._best)
            while lines and self._best.depth < self._s.budget.steps:
                piece, taken = await self._grower.follow(self._best, lines)
                lines, self._live = lines[taken:], [self._best]
                branch = self._branch(len(self._trace.branches) + 1, piece)
                self._trace.branches.append(branch)
                if branch.fate is not Fate.KEPT:
                    lines = []
                if branch.fate in (Fate.KEPT, Fate.FINISHED):
                    await self._score([branch])
                    self._best = branch
        except Spent:
            return  # of time
        if self._best.fate is Fate.FINISHED:
            self._finished.append(self._best)

    # Judging: from statements to beams.

    def _branch(self, number: int, piece: Piece) -> Branch:
        parent, verdict = piece.parent, piece.verdict
        return Branch(
            id=number,
            parent=parent.id,
            depth=parent.depth + 1,
            tokens=parent.tokens + piece.tokens,
            text=parent.text + piece.text,
            step=piece.text,
            logprob=parent.logprob + piece.logprob,
            scores=dict(parent.scores),
            verdict=verdict,
            fate=_fate(piece, self._header),
            tail=piece.tail,
        )

    def _merged(self, branches: Sequence[Branch]) -> list[Branch]:
        """One branch a state, the most probable, with the probability of all; states expanded before are left out."""
        leaders: dict[tuple[str, str], Branch] = {}
        for branch in sorted(branches, key=lambda one: (-one.logprob, one.id)):
            seen = branch.verdict.fingerprint if branch.verdict else ""
            # One state before another indentation goes on otherwise: in a loop, or after it.
            key = (branch.text, "") if branch.fate is Fate.FINISHED else (seen, branch.tail)
            if branch.fate is Fate.KEPT and key in self._expanded:
                branch.fate, branch.into = Fate.MERGED, self._expanded[key]
            elif key in leaders:
                leader = leaders[key]
                branch.fate, branch.into = Fate.MERGED, leader.id
                leader.logprob = _add(leader.logprob, branch.logprob)
            else:
                leaders[key] = branch
        return sorted(leaders.values(), key=lambda one: one.id)

    async def _score(self, branches: Sequence[Branch]) -> None:
        if not branches:
            return
        before = {one.id: one.verdict for one in self._live}
        top = max(one.logprob for one in branches)
        total = math.fsum(math.exp(one.logprob - top) for one in branches)
        steps = [
            Step(one.step, one.text, one.verdict, before[one.parent], math.exp(one.logprob - top) / total)
            for one in branches
            if one.verdict is not None
        ]
        for scorer in self._o._scorers:
            for one, psi in zip(branches, await self._grower.in_time(scorer.score(self._question, steps)), strict=True):
                one.scores[scorer.name] = one.scores.get(scorer.name, 0.0) + min(0.0, psi)
        for one in branches:
            one.score = self._s.weights.likelihood * one.logprob
            one.score += sum(self._o._weights[name] * value for name, value in one.scores.items())


def _fate(piece: Piece, header: str) -> Fate:
    """What a piece has come to.

    Args:
        header: of the function that the prompt opens; a statement that leaves it without a `return` ends it.
    """
    verdict = piece.verdict
    if verdict is not None and verdict.ok and not piece.is_open:
        if verdict.finished:
            return Fate.FINISHED if verdict.value is not None else Fate.ENDED
        left = header and verdict.blocks[:1] != (header,)
        return Fate.ENDED if piece.ended or left else Fate.KEPT
    if piece.ended and (verdict is None or verdict.ok):
        return Fate.ENDED
    return Fate.TOO_LONG if piece.is_open else Fate.BROKEN


def _closed(program: str) -> str:
    """A program that returned, as one that can be run: a `try` around its `return` gets the handler that it lacks."""
    blocks = extend(EMPTY, program).blocks
    return program + closing(blocks, "") if any(block.keyword == "try" for block in blocks) else program


def _add(one: float, other: float) -> float:
    """ln(e^one + e^other)."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high)) if low > -math.inf else high
