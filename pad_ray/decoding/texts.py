"""Self-consistency over texts (arXiv 2203.11171): many chains of thought are drawn, and their final answers vote.

No program is run: an extractor reads the answers, and those are equal that the problem's own comparison finds equal.
Of the gold answer its kind is known, as to the verifier, and nothing else.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pad_ray.decoding.beam import Outcome
from pad_ray.decoding.choose import answer_key
from pad_ray.decoding.engine import Draw, Proposal, StepEngine, Tokens
from pad_ray.decoding.sampling import cut, outcome_of
from pad_ray.decoding.trace import Branch, Fate, Trace, shortened
from pad_ray.extractors import extractor_named
from pad_ray.programs.answers import Comparison, Kind, compare, parse_gold
from pad_ray.programs.answers import Outcome as Compared
from pad_ray.programs.values import Value
from pad_ray.sandbox import Status, StepVerdict


@dataclass(frozen=True)
class Reading:
    """How final answers are read and compared.

    Attributes:
        extractor: name of the extractor.
        kind: of the gold answer; None where there is none.
        comparison: which answers are equal.
    """

    extractor: str
    kind: Kind | None = None
    comparison: Comparison = field(default_factory=Comparison)

    def as_json(self) -> dict[str, Any]:
        """For a request; `of` reads it."""
        return {"extractor": self.extractor, "kind": self.kind, "comparison": asdict(self.comparison)}

    @classmethod
    def of(cls, row: dict[str, Any]) -> Reading:
        """The reading that a request tells."""
        return cls(row["extractor"], Kind(row["kind"]) if row["kind"] else None, Comparison(**row["comparison"]))

    def answer(self, text: str) -> Value:
        """The final answer in a text; None where there is none."""
        return extractor_named(self.extractor)(text, self.kind)

    def same(self, one: Value, other: Value) -> bool:
        """Whether two answers are equal; what cannot be gold equals itself alone."""
        with suppress(ValueError):
            if other is not None and not isinstance(other, list | tuple):
                return compare(one, parse_gold(other), self.comparison) is Compared.EQUAL
        return answer_key(one) == answer_key(other)


async def sample_texts(
    engine: StepEngine, reading: Reading, prompt: Tokens, draw: Draw, *, opening: str = "", stop: Sequence[str] = ()
) -> Outcome:
    """Draws texts, and takes the first of those whose answer most of them give.

    Args:
        engine: the model.
        reading: how answers are read and compared.
        prompt: ids of what the model goes on from.
        draw: how many, and how; `lines` is left out of account.
        opening: the end of the prompt that is the beginning of the text.
        stop: a text ends where one of these would begin.
    """
    begun = time.monotonic()
    found = await engine.propose(prompt, [()], replace(draw, lines=False))
    trace = Trace()
    trace.cost.completion_tokens, trace.cost.prompt_tokens = found.completion_tokens, found.prompt_tokens
    for number, one in enumerate(found.of[0], 1):
        text = opening + cut(engine.decode(one.tokens), stop)
        trace.branches.append(_branch(number, one, text, reading.answer(text)))
    firsts = _firsts(trace, reading)
    return outcome_of(trace, begun, "vote", lambda branch: str(firsts[branch.id]))


def votes(trace: Trace, reading: Reading) -> list[dict[str, Any]]:
    """The answers that were voted for with their votes, most first; texts without an answer do not vote."""
    counts = Counter(_firsts(trace, reading).values())
    answers = {branch.id: branch.verdict.value for branch in trace.branches if branch.verdict}
    return [{"answer": shortened(answers[first]), "votes": count} for first, count in counts.most_common()]


def _branch(number: int, written: Proposal, text: str, answer: Value) -> Branch:
    """One text, one vote: its score is that of all others."""
    if answer is None:
        verdict, fate = StepVerdict(Status.NO_RESULT, message="the text states no answer"), Fate.ENDED
    else:
        verdict, fate = StepVerdict(Status.OK, finished=True, value=answer), Fate.FINISHED
    return Branch(number, 0, 1, written.tokens, text, text, written.logprob, {}, 0.0, verdict, fate)


def _firsts(trace: Trace, reading: Reading) -> dict[int, int]:
    """Of each text with an answer the first text of the same answer, by ids of branches."""
    found: dict[int, int] = {}
    answers: dict[int, Value] = {}
    for branch in trace.branches:
        if branch.fate is not Fate.FINISHED or branch.verdict is None:
            continue
        value = branch.verdict.value
        first = next((id for id, other in answers.items() if reading.same(value, other)), branch.id)
        answers.setdefault(first, value)
        found[branch.id] = first
    return found
