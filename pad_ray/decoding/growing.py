"""From beams to whole statements: candidates are drawn, completed where a line alone says nothing, and run."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from pad_ray.decoding.engine import Draw, Proposal, Proposals, StepEngine, Tokens
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.decoding.trace import Branch, Cost
from pad_ray.sandbox import Status, StepVerdict

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
class Piece:
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

    @property
    def is_sound(self) -> bool:
        """It ran, or has nothing to run yet, and does not end the program without an answer."""
        if self.verdict is None:
            return not self.ended
        answered = self.verdict.finished and self.verdict.value is not None
        return answered or (self.verdict.ok and not self.verdict.finished and not self.ended)


class Spent(Exception):
    """A budget ran out; its name is the argument."""


class Grower:
    """Grows the beams of one question, within its budgets.

    Args:
        engine: the model.
        checker: runs partial programs.
        settings: widths, temperatures, budgets.
        prompt: ids of what the model goes on from.
        opening: the end of the prompt that is the beginning of the program.
        clock: seconds; time begins to count now.

    Attributes:
        cost: what was spent so far.
        reserve: tokens of the budget that are kept for `rest`.
    """

    def __init__(
        self,
        engine: StepEngine,
        checker: StepChecker,
        settings: DecodingConfig,
        prompt: Tokens,
        opening: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._checker, self._s = engine, checker, settings
        self._prompt, self._opening, self._clock = prompt, opening, clock
        self._begun, self._calls = clock(), 0
        self.cost = Cost()
        self.reserve = min(settings.budget.finish, settings.budget.tokens // 4)

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return self._clock() - self._begun

    async def grow(self, live: Sequence[Branch]) -> list[Piece]:
        """Candidate steps of every beam, whole and run; those that never became whole are among them."""
        open_ = [
            Piece(beam, (), 0.0, False, "", times=self._s.candidates, likeliest=self._s.candidates > 1) for beam in live
        ]
        done: list[Piece] = []
        for _ in range(_LINES_OF_A_STEP):
            afforded, room = self._afforded(open_)
            if not afforded:
                if done:  # what was paid for counts; the next step finds that nothing is left
                    return _distinct(done)
                raise Spent("tokens")
            pieces = await self._propose(afforded, room)
            done += [piece for piece in pieces if piece.ended or not piece.is_open]
            going = [piece for piece in pieces if not piece.ended and piece.is_open]
            open_ = [one for one in going if len(one.tokens) < self._s.step_tokens]
            done += [one for one in going if len(one.tokens) >= self._s.step_tokens]
            if not open_:
                return _distinct(done)
        return _distinct(done + open_)

    async def rest(self, beam: Branch) -> list[Proposal]:
        """The likeliest end of a program that a beam has begun, a line each; none where no tokens are kept for it."""
        left = self._s.budget.tokens - self.cost.tokens
        if left < 1 or not self.reserve:
            return []
        draw = Draw(1, 0.0, max_tokens=left, lines=False)
        found = await self.in_time(self._engine.propose(self._prompt, [beam.tokens], draw))
        self._pay(found)
        return [line for one in found.of[0] for line in _lines_of(one, self._engine)]

    async def follow(self, beam: Branch, lines: Sequence[Proposal]) -> tuple[Piece, int]:
        """The first whole step that lines hold, run, and how many of them it took."""
        piece, taken = Piece(beam, (), 0.0, False, ""), 0
        while taken < len(lines) and (not taken or (piece.is_open and not piece.ended)):
            [piece] = await self._check([self._extended(piece, lines[taken], likeliest=True)])
            taken += 1
        return piece, taken

    async def _propose(self, pieces: Sequence[Piece], room: int) -> list[Piece]:
        """All pieces drawn on, each as often as it was drawn, and run: in all they are whole steps by their chances.

        The likeliest line comes first, alone: where it is all but certain, other draws would be paid for and be it.
        """
        found = await self._draw([piece for piece in pieces if piece.likeliest], room, 1, likeliest=True)
        likeliest = await self._check([self._extended(piece, more, likeliest=True) for piece, more in found])
        enough = {
            _key(piece): piece.times
            for (piece, more), one in zip(found, likeliest, strict=True)
            if more.logprob >= math.log(self._s.certain) and one.is_sound
        }
        groups: dict[int, list[Piece]] = {}
        for piece in pieces:
            if (count := piece.times - piece.likeliest) and _key(piece) not in enough:
                groups.setdefault(count, []).append(piece)
        draws = (self._draw(of, room, count, likeliest=False) for count, of in groups.items())
        others = [self._extended(*one) for drawn in await asyncio.gather(*draws) for one in drawn]
        first = [
            replace(one, times=enough.get(_key(piece), 1)) for (piece, _), one in zip(found, likeliest, strict=True)
        ]
        return _distinct(first + await self._check(others))

    async def _draw(
        self, pieces: Sequence[Piece], room: int, count: int, likeliest: bool
    ) -> list[tuple[Piece, Proposal]]:
        """One call of the engine: so many continuations of each piece; the likeliest of each, or drawn by chance."""
        settings, self._calls = self._s, self._calls + 1
        seed = settings.seed * 1_000_003 + self._calls - 1
        longest = min(room, settings.step_tokens)
        draw = Draw(count, settings.temperature, settings.top_p, longest, seed, greedy_first=likeliest)
        if not pieces:
            return []
        beams = [piece.parent.tokens + piece.tokens for piece in pieces]
        found = await self.in_time(self._engine.propose(self._prompt, beams, draw))
        self._pay(found)
        return [(piece, one) for piece, of in zip(pieces, found.of, strict=True) for one in of]

    def _pay(self, found: Proposals) -> None:
        self.cost.prompt_tokens += found.prompt_tokens
        self.cost.completion_tokens += found.completion_tokens

    def _extended(self, piece: Piece, more: Proposal, likeliest: bool = False) -> Piece:
        tokens = piece.tokens + more.tokens
        written = self._opening + self._engine.decode(piece.parent.tokens + tokens)
        # What follows the last line break is the indentation of the next statement.
        whole = written if more.ended else written[: written.rfind("\n") + 1]
        before = piece.parent.text
        text = whole[len(before) :] if whole.startswith(before) else whole
        tail = written[len(whole) :]
        logprob = piece.logprob + more.logprob
        return Piece(piece.parent, tokens, logprob, more.ended, text, tail, likeliest=likeliest)

    async def _check(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The pieces with what running them showed; blank ones are not run."""
        by_beam: dict[int, list[Piece]] = {}
        for piece in pieces:
            by_beam.setdefault(piece.parent.id, []).append(piece)
        begun = self._clock()
        checked = await self.in_time(asyncio.gather(*(self._run(of) for of in by_beam.values())))
        self.cost.sandbox_seconds += self._clock() - begun
        return [piece for of in checked for piece in of]

    async def _run(self, pieces: Sequence[Piece]) -> list[Piece]:
        texts = [piece.text for piece in pieces if not piece.is_blank]
        prefix = pieces[0].parent.text
        found = iter(await self.verdicts(prefix, texts) if texts else ())
        return [piece if piece.is_blank else replace(piece, verdict=next(found)) for piece in pieces]

    async def verdicts(self, prefix: str, texts: Sequence[str]) -> list[StepVerdict]:
        """Verdicts on candidates; where the sandbox lost a worker, which says nothing of them, it is asked again."""
        found = await self._checker.check_steps_async(prefix, texts)
        again = [place for place, verdict in enumerate(found) if verdict.status in _PASSING]
        if again:
            more = await self._checker.check_steps_async(prefix, [texts[place] for place in again])
            for place, verdict in zip(again, more, strict=True):
                found[place] = verdict
        return found

    def _afforded(self, pieces: Sequence[Piece]) -> tuple[list[Piece], int]:
        """The pieces that may be drawn on, how often, and the tokens that each draw may take, so that the budget holds.

        Near its end there are fewer draws rather than shorter ones, for a line that is cut off is worth nothing: one
        for each of the best beams, then a second for each.
        """
        left = max(0, self._s.budget.tokens - self.reserve - self.cost.tokens)
        most = left // min(_SHORTEST_DRAW, self._s.step_tokens)
        draws = [0] * len(pieces)
        for turn in range(max(piece.times for piece in pieces)):
            for place, piece in enumerate(pieces):
                if turn < piece.times and sum(draws) < most:
                    draws[place] += 1
        afforded = [replace(piece, times=count) for piece, count in zip(pieces, draws, strict=True) if count]
        return afforded, left // max(1, sum(draws))

    async def in_time(self, work: Awaitable[_T]) -> _T:
        seconds = self._s.budget.seconds
        if seconds is None:
            return await work
        limit = asyncio.timeout(max(0.0, seconds - self.seconds))
        try:
            async with limit:
                return await work
        except TimeoutError:
            if limit.expired():
                raise Spent("seconds") from None
            raise  # the engine's own: not the end of this budget


def _key(piece: Piece) -> tuple[int, Tokens]:
    return piece.parent.id, piece.tokens


def _lines_of(written: Proposal, engine: StepEngine) -> list[Proposal]:
    """A proposal of several lines as one of each. The log-probability of all stands with the first."""
    lines: list[Tokens] = []
    begun = 0
    for place, token in enumerate(written.tokens, 1):
        if "\n" in engine.decode((token,)) or place == len(written.tokens):
            lines.append(written.tokens[begun:place])
            begun = place
    last = len(lines) - 1
    return [
        Proposal(tokens, 0.0 if number else written.logprob, written.ended and number == last)
        for number, tokens in enumerate(lines)
    ]


def _distinct(pieces: Sequence[Piece]) -> list[Piece]:
    """The same tokens drawn twice after the same beam are one branch: their probability counts once."""
    found: dict[tuple[int, Tokens, bool], Piece] = {}
    for piece in pieces:
        key = (piece.parent.id, piece.tokens, piece.ended)
        if known := found.get(key):
            piece = replace(known, times=known.times + piece.times, likeliest=known.likeliest or piece.likeliest)
        found[key] = piece
    return list(found.values())
