"""Two students that take turns, as what answers requests: Ray Data hands them problems, a block of them at once.

Both stand in one actor, each on an engine of its own. All problems of a block are in flight together: one batch of
subquestions, one batch of answers, and so on until every dialogue has ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, TypeAlias

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.settings import TurnsConfig
from pad_ray.decompositions import Step
from pad_ray.errors import EngineError
from pad_ray.generation import vllm
from pad_ray.generation.completion import answered, failed
from pad_ray.generation.lines import Lines, lines_of
from pad_ray.generation.loop_thread import LoopThread
from pad_ray.generation.teachers import Teacher
from pad_ray.ray_names import named
from pad_ray.recipes import recipe_named
from pad_ray.recipes.socratic_iterative import SocraticIterative
from pad_ray.recipes.turns import Asked, Dialogue, Generate, Stop, StopRules, Turn, take_turns
from pad_ray.records import Row, content_hash, table
from pad_ray.release import engine_mark

Loaded: TypeAlias = tuple[str, str, str | None]  # kind, model, adapter


@dataclass(frozen=True)
class TurnTakers(Teacher):
    """The two students: this one asks.

    Attributes:
        answerer: the other, which answers.
    """

    answerer: Teacher | None = None

    @classmethod
    def of_two(cls, asker: Teacher, answerer: Teacher, recipe: str) -> TurnTakers:
        """Students that were taught by a recipe of that name."""
        identity = content_hash(asker.identity, answerer.identity)
        return cls(asker.kind, asker.model, identity, asker.adapter, recipe=recipe, answerer=answerer)

    @property
    def counts(self) -> str:
        """Dialogues of a block end together, after some minutes."""
        return "lines"

    def block_rows(self, resources: ResourcesConfig) -> int:
        """Problems that are in flight together."""
        return resources.engine_rows

    def complete(
        self, requests: Any, resources: ResourcesConfig, tally: Any, spent: float = 0.0, name: str = ""
    ) -> Any:
        """As `Teacher.complete`, of requests that `turns_request` shaped."""
        from ray.data import ActorPoolStrategy

        assert self.answerer is not None
        students = [(one.kind, one.model, one.adapter) for one in (self, self.answerer)]
        served = any(kind == "vllm" for kind, _, _ in students)
        return requests.map_batches(
            named(Dialogues, name),
            fn_constructor_args=(students, resources, self.recipe, tally),
            batch_size=None,
            batch_format="pyarrow",
            zero_copy_batch=True,
            compute=ActorPoolStrategy(min_size=1, max_size=resources.engines),
            num_cpus=resources.engine_cpus,
            num_gpus=resources.engine_gpus,
            runtime_env={"env_vars": vllm.engine_environment(resources) if served else engine_mark()},
        )


class Dialogues:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out, each with its dialogue.

    The completion is the dialogue's text, and `trace` its steps and why it ended. Tokens are those of the question as
    it is first asked, and of the dialogue; what both students read again is not counted.

    Args:
        students: who asks, who answers.
        resources: devices, memory.
        recipe: name of the recipe that both were taught by.
        tally: actor of `pad_ray.tally`, or None. It counts `lines`, subquestions and solutions.
    """

    def __init__(self, students: Sequence[Loaded], resources: ResourcesConfig, recipe: str, tally: Any = None) -> None:
        found = recipe_named(recipe)
        assert isinstance(found, SocraticIterative)
        self._recipe, self._tally = found, tally
        # Engines hold to one event loop, and Ray may call from several threads.
        self._loop = LoopThread("dialogues")
        self._asker, self._answerer = (self._loop.run(_load(one, resources)) for one in students)

    def close(self) -> None:
        """Ends the engines and the thread; Ray ends an actor's process with all that is in it."""
        for one in (self._asker, self._answerer):
            one.close()
        self._loop.close()

    def __call__(self, batch: Any) -> Any:
        requests = sorted(batch.to_pylist(), key=_rules)
        rows: list[Row] = []
        for _, group in groupby(requests, key=_rules):
            rows += self._loop.run(self._answer(list(group)))
        return table("completion", rows)

    async def _answer(self, requests: list[Row]) -> list[Row]:
        """Dialogues by the same rules; when an engine dies, failed rows, which the next run asks again."""
        asked = [json.loads(request["sampling"]) for request in requests]
        begun = time.monotonic()
        try:
            dialogues = await take_turns(
                [_problem(one) for one in asked],
                self._recipe,
                self._writing(self._asker, asked[0]["max_tokens"]),
                self._writing(self._answerer, asked[0]["max_tokens"]),
                StopRules(**asked[0]["turns"]),
            )
        except EngineError as error:
            return [failed(request, str(error)) for request in requests]
        seconds = time.monotonic() - begun
        return [self._row(*pair) | {"seconds": seconds} for pair in zip(requests, dialogues, strict=True)]

    def _writing(self, lines: Lines, max_tokens: int) -> Generate:
        async def write(turns: Sequence[Turn]) -> list[str | None]:
            written = await lines.write(turns, max_tokens)
            if self._tally is not None:
                self._tally.add.remote({"lines": len(written)})
            return written

        return write

    def _row(self, request: Row, dialogue: Dialogue) -> Row:
        cut = dialogue.stop in (Stop.MAX_TURNS, Stop.FAILED)
        row = answered(
            request,
            dialogue.text,
            prompt_tokens=len(self._asker.encode(request["prompt"])),
            completion_tokens=len(self._answerer.encode(dialogue.text)),
            finish_reason="length" if cut else "stop",
        )
        steps = [{"question": one.question, "solution": one.solution, "answer": one.answer} for one in dialogue.steps]
        told = {"steps": steps, "stop": dialogue.stop, "prompts": dialogue.prompts}
        return {**row, "trace": json.dumps(told, ensure_ascii=False)}


async def _load(student: Loaded, resources: ResourcesConfig) -> Lines:
    kind, model, adapter = student
    return lines_of(kind, model, adapter, resources)


def _rules(request: Row) -> str:
    asked = json.loads(request["sampling"])
    return json.dumps([asked["turns"], asked["max_tokens"]], sort_keys=True)


def _problem(asked: Row) -> Asked:
    return Asked(asked["question"], [Step(**step) for step in asked["plan"]], asked["given"])


def turns_request(asked: Asked, decoder: str, rules: TurnsConfig, max_tokens: int) -> Row:
    """The `sampling` of a request that two students answer: all that shapes the dialogue.

    Args:
        asked: the question, with guidance or given subquestions.
        decoder: its name in results.
        rules: when a dialogue ends.
        max_tokens: longest line.
    """
    plan = [{name: value for name, value in asdict(step).items() if name != "notes"} for step in asked.plan]
    return {
        "decoder": decoder,
        "turns": rules.model_dump(),
        "question": asked.question,
        "plan": plan,
        "given": list(asked.given) if asked.given is not None else None,
        "max_tokens": max_tokens,
    }
