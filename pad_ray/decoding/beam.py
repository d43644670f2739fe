"""The step-verified beam: every candidate statement is run before it is kept.

PaD scores lines of a token beam by their likeness to the question (arXiv 2305.13888, section 3.4). A program allows
more: a partial program can be run. So a step here is a whole statement; what cannot run is dropped, branches that
reached the same variables are one branch with their probabilities added, and what is left is scored. The objective is
the weighted sum of the log-probability and of the scorers' ln ψ over all steps.

Nothing here knows an engine or Ray. Given an engine that answers the same, the same seed grows the same tree.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from pad_ray.decoding.choose import choose, is_settled
from pad_ray.decoding.engine import Draw, Proposal, StepEngine, Tokens
from pad_ray.decoding.scorers import Scorer, Step
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch, Fate, Trace
from pad_ray.sandbox import Status, StepVerdict, Value
from pad_ray.sandbox.layout import EMPTY, closing, extend

_LINES_OF_A_STEP = 8
_SHORTEST_DRAW = 24  # tokens; a statement of a word problem's program has some fifteen
_PASSING = (Status.CRASH, Status.OVERLOAD)
_T = TypeVar("_T")


class StepChecker(Protocol):
    """What runs partial programs; `pad_ray.sandbox.Sandbox` is one."""

    async def check_steps_async(self, prefix: str, candidates: Sequence[str]) -> list[StepVerdict]:
        """A verdict on each candidate for the next statement."""
        ...


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


@dataclass(frozen=True, slots=True)
class _Piece:
    """A statement that is being written, after the beam `parent`.

    `tail` is what its tokens hold after the last whole line, the indentation of the next one. `times` is how often it
    was drawn, and `likeliest` whether it is what the model is most likely to write: so many draws go on from it, and
    whether one of them is the likeliest again.
    """

    parent: Branch
    tokens: Tokens
    logprob: float
    ended: bool
    text: str
    tail: str = ""
    times: int = 1
    likeliest: bool = False
    verdict: StepVerdict | None = None

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    @property
    def is_open(self) -> bool:
        """There is no whole step yet: an open bracket, or nothing that changes the program's state.

        Blanks and comments change nothing, nor do docstrings and `pass`: as steps of their own they would lead back to
        the state that they came from, and what they begin would be lost.
        """
        if self.verdict is None:
            return self.is_blank
        if self.verdict.incomplete or not self.verdict.ok or self.verdict.finished:
            return self.verdict.incomplete
        before = self.parent.verdict
        return before is not None and before.fingerprint == self.verdict.fingerprint


class _Spent(Exception):
    """A budget ran out; its name is the argument."""


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
        self._question, self._prompt, self._opening = question, prompt, opening
        self._begun = owner._clock()
        self._trace = Trace()
        self._header = opening.rpartition("\n")[2].strip()
        root = Branch(0, 0, 0, (), opening, "", 0.0)
        self._live, self._best, self._finished = [root], root, list[Branch]()
        self._expanded: dict[tuple[str, str], int] = {}
        self._calls = 0

    async def run(self) -> Outcome:
        try:
            [self._best.verdict] = await self._in_time(self._verdicts("", [self._opening]))
            while True:
                await self._step()
                if reason := self._reason_to_stop():
                    raise _Spent(reason)
        except _Spent as spent:
            self._trace.stopped = str(spent)
        self._trace.cost.seconds = self._o._clock() - self._begun
        found = choose(self._finished, self._s.choose) if self._finished else self._best
        verdict = found.verdict
        ran = verdict is not None and verdict.finished
        text = _closed(found.text) if ran else found.text
        return Outcome(text, verdict.value if ran and verdict else None, ran, found.id, self._trace)

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
        pieces = await self._grow()
        first = len(self._trace.branches) + 1
        branches = [self._branch(number, piece) for number, piece in enumerate(pieces, first)]
        self._trace.branches += branches
        runnable = self._merged([one for one in branches if one.fate in (Fate.KEPT, Fate.FINISHED)])
        await self._score(runnable)
        self._finished += [one for one in runnable if one.fate is Fate.FINISHED]
        going = sorted((one for one in runnable if one.fate is Fate.KEPT), key=lambda one: (-one.score, one.id))
        for one in going[self._s.beams :]:
            one.fate = Fate.OUTSCORED
        self._live = going[: self._s.beams]
        if self._live:
            self._best = self._live[0]
        if self._o._on_step:
            self._o._on_step(branches)

    # Growing: from beams to whole statements.

    async def _grow(self) -> list[_Piece]:
        """Candidate steps of every beam, whole and run; those that never became whole are among them."""
        open_ = [
            _Piece(beam, (), 0.0, False, "", times=self._s.candidates, likeliest=self._s.candidates > 1)
            for beam in self._live
        ]
        done: list[_Piece] = []
        for _ in range(_LINES_OF_A_STEP):
            afforded, room = self._afforded(open_)
            if not afforded:
                if done:  # what was paid for counts; the next step finds that nothing is left
                    return _distinct(done)
                raise _Spent("tokens")
            pieces = await self._check(await self._propose(afforded, room))
            done += [piece for piece in pieces if piece.ended or not piece.is_open]
            going = [piece for piece in pieces if not piece.ended and piece.is_open]
            open_ = [one for one in going if len(one.tokens) < self._s.step_tokens]
            done += [one for one in going if len(one.tokens) >= self._s.step_tokens]
            if not open_:
                return _distinct(done)
        return _distinct(done + open_)

    async def _propose(self, pieces: Sequence[_Piece], room: int) -> list[_Piece]:
        """All pieces drawn on, each as often as it was drawn: what is drawn in all are whole steps by their chances."""
        groups: dict[tuple[int, bool], list[_Piece]] = {}
        for piece in pieces:
            groups.setdefault((piece.times, piece.likeliest), []).append(piece)
        drawn = await self._in_time(asyncio.gather(*(self._draw(of, room, *key) for key, of in groups.items())))
        return _distinct([piece for of in drawn for piece in of])

    async def _draw(self, pieces: Sequence[_Piece], room: int, count: int, likeliest: bool) -> list[_Piece]:
        """One call of the engine: so many continuations of each piece, the first of them the likeliest or not."""
        settings, self._calls = self._s, self._calls + 1
        seed = settings.seed * 1_000_003 + self._calls - 1
        longest = min(room, settings.step_tokens)
        draw = Draw(count, settings.temperature, settings.top_p, longest, seed, greedy_first=likeliest)
        beams = [piece.parent.tokens + piece.tokens for piece in pieces]
        found = await self._o._engine.propose(self._prompt, beams, draw)
        self._trace.cost.prompt_tokens += found.prompt_tokens
        self._trace.cost.completion_tokens += found.completion_tokens
        return [
            self._extended(piece, one, likeliest and not number)
            for piece, of in zip(pieces, found.of, strict=True)
            for number, one in enumerate(of)
        ]

    def _extended(self, piece: _Piece, more: Proposal, likeliest: bool) -> _Piece:
        tokens = piece.tokens + more.tokens
        written = self._opening + self._o._engine.decode(piece.parent.tokens + tokens)
        # What follows the last line break is the indentation of the next statement.
        whole = written if more.ended else written[: written.rfind("\n") + 1]
        before = piece.parent.text
        text = whole[len(before) :] if whole.startswith(before) else whole
        tail = written[len(whole) :]
        logprob = piece.logprob + more.logprob
        return _Piece(piece.parent, tokens, logprob, more.ended, text, tail, likeliest=likeliest)

    async def _check(self, pieces: Sequence[_Piece]) -> list[_Piece]:
        """The pieces with what running them showed; blank ones are not run."""
        by_beam: dict[int, list[_Piece]] = {}
        for piece in pieces:
            by_beam.setdefault(piece.parent.id, []).append(piece)
        begun = self._o._clock()
        checked = await self._in_time(asyncio.gather(*(self._run(of) for of in by_beam.values())))
        self._trace.cost.sandbox_seconds += self._o._clock() - begun
        return [piece for of in checked for piece in of]

    async def _run(self, pieces: Sequence[_Piece]) -> list[_Piece]:
        texts = [piece.text for piece in pieces if not piece.is_blank]
        prefix = pieces[0].parent.text
        found = iter(await self._verdicts(prefix, texts) if texts else ())
        return [piece if piece.is_blank else replace(piece, verdict=next(found)) for piece in pieces]

    async def _verdicts(self, prefix: str, texts: Sequence[str]) -> list[StepVerdict]:
        """Verdicts on candidates; where the sandbox lost a worker, which says nothing of them, it is asked again."""
        found = await self._o._checker.check_steps_async(prefix, texts)
        again = [place for place, verdict in enumerate(found) if verdict.status in _PASSING]
        if again:
            more = await self._o._checker.check_steps_async(prefix, [texts[place] for place in again])
            for place, verdict in zip(again, more, strict=True):
                found[place] = verdict
        return found

    # Judging: from statements to beams.

    def _branch(self, number: int, piece: _Piece) -> Branch:
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
            for one, psi in zip(branches, await self._in_time(scorer.score(self._question, steps)), strict=True):
                one.scores[scorer.name] = one.scores.get(scorer.name, 0.0) + min(0.0, psi)
        for one in branches:
            one.score = self._s.weights.likelihood * one.logprob
            one.score += sum(self._o._weights[name] * value for name, value in one.scores.items())

    # Budgets.

    def _afforded(self, pieces: Sequence[_Piece]) -> tuple[list[_Piece], int]:
        """The pieces that may be drawn on, how often, and the tokens that each draw may take, so that the budget holds.

        Near its end there are fewer draws rather than shorter ones, for a line that is cut off is worth nothing: one
        for each of the best beams, then a second for each.
        """
        left = max(0, self._s.budget.tokens - self._trace.cost.tokens)
        most = left // min(_SHORTEST_DRAW, self._s.step_tokens)
        draws = [0] * len(pieces)
        for turn in range(max(piece.times for piece in pieces)):
            for place, piece in enumerate(pieces):
                if turn < piece.times and sum(draws) < most:
                    draws[place] += 1
        afforded = [replace(piece, times=count) for piece, count in zip(pieces, draws, strict=True) if count]
        return afforded, left // max(1, sum(draws))

    async def _in_time(self, work: Awaitable[_T]) -> _T:
        seconds = self._s.budget.seconds
        if seconds is None:
            return await work
        limit = asyncio.timeout(max(0.0, seconds - (self._o._clock() - self._begun)))
        try:
            async with limit:
                return await work
        except TimeoutError:
            if limit.expired():
                raise _Spent("seconds") from None
            raise  # the engine's own: not the end of this budget


def _fate(piece: _Piece, header: str) -> Fate:
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


def _distinct(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The same tokens drawn twice after the same beam are one branch: their probability counts once."""
    found: dict[tuple[int, Tokens, bool], _Piece] = {}
    for piece in pieces:
        key = (piece.parent.id, piece.tokens, piece.ended)
        if known := found.get(key):
            piece = replace(known, times=known.times + piece.times, likeliest=known.likeliest or piece.likeliest)
        found[key] = piece
    return list(found.values())


def _closed(program: str) -> str:
    """A program that returned, as one that can be run: a `try` around its `return` gets the handler that it lacks."""
    blocks = extend(EMPTY, program).blocks
    return program + closing(blocks, "") if any(block.keyword == "try" for block in blocks) else program


def _add(one: float, other: float) -> float:
    """ln(e^one + e^other)."""
    high, low = max(one, other), min(one, other)
    return high + math.log1p(math.exp(low - high)) if low > -math.inf else high
