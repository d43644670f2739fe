"""The whole way without Ray: HTTP, the step beam over a scripted model, the real sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from fastapi import FastAPI

from pad_ray.asking import Asking
from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.recipes import recipe_named
from pad_ray.sandbox import Sandbox
from pad_ray.serving.search import Searcher
from tests.decoding.scripted import ScriptedEngine
from tests.serving.web import QUESTION, app_of, chat, client_of, events_of, solve

TREE = {
    "def": [("\n    boxes = 3 * 4\n", 0.8), ("\n    boxes = pens\n", 0.2)],
    "boxes": [("    left = boxes - 5\n", 0.6), ("    left = boxes / 0\n", 0.4)],
    "left": [("    return left", 1.0)],
}
PROGRAM = "def solution():\n    boxes = 3 * 4\n    left = boxes - 5\n    return left"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def _script(text: str) -> Sequence[tuple[str, float]]:
    """Three statements; beside each of the first two one that breaks."""
    return TREE[["def", "def", "boxes", "left"][text.count("\n")]]


def _app(sandbox: Sandbox, engine: ScriptedEngine | None = None) -> FastAPI:
    decoding = {"candidates": 12, "certain": 1.0}
    return app_of(Searcher(engine or ScriptedEngine(_script), sandbox, Asking(recipe_named("pad"))), decoding=decoding)


def test_a_question_is_solved_and_what_broke_is_told(sandbox: Sandbox) -> None:
    body = solve(_app(sandbox)).json()
    assert (body["answer"], body["value"], body["ran"], body["stopped"]) == ("7", 7, True, "done")
    assert body["program"].rstrip() == PROGRAM
    assert set(body["deaths"]) >= {"NameError", "ZeroDivisionError"}
    assert [line["values"].get("left") for line in body["lines"]] == [None, "7", None]
    assert body["sandbox_seconds"] > 0


@pytest.mark.parametrize("decoder", ["step-beam", "self-consistency", "greedy", "greedy+repair"])
def test_a_chat_streams_what_it_would_answer_whole(sandbox: Sandbox, decoder: str) -> None:
    options = {"pad_ray": {"decoder": decoder}}
    whole = chat(_app(sandbox), **options).json()["choices"][0]["message"]["content"]
    chunks = [data for _, data in events_of(chat(_app(sandbox), stream=True, **options)) if data != "[DONE]"]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole
    assert whole == f"```python\n{PROGRAM}\n```\n\nAnswer: 7"


def test_a_line_is_sent_before_the_program_is_whole(sandbox: Sandbox) -> None:
    chunks = [data for _, data in events_of(chat(_app(sandbox), stream=True)) if data != "[DONE]"]
    text = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "```python\ndef solution():\n    boxes = 3 * 4" in text


def test_steps_are_told_as_the_tree_grows(sandbox: Sandbox) -> None:
    events = events_of(solve(_app(sandbox), stream=True))
    assert [name for name, _ in events] == ["step", "step", "step", "answer"]
    assert [data["depth"] for name, data in events if name == "step"][:2] == [1, 2]


def test_one_seed_gives_one_search(sandbox: Sandbox) -> None:
    first, second = (solve(_app(sandbox), seed=5).json()["branches"] for _ in range(2))
    assert first == second


def test_a_client_that_hangs_up_stops_the_search(sandbox: Sandbox) -> None:
    class Slow(ScriptedEngine):
        """A model that is asked and never answers."""

        def __init__(self) -> None:
            super().__init__(_script)
            self.asked_once, self.cancelled = asyncio.Event(), asyncio.Event()

        async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
            self.asked_once.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
            raise AssertionError

    async def main() -> None:
        engine = Slow()
        async with client_of(_app(sandbox, engine)) as client:
            asking = asyncio.create_task(client.post("/v1/solve", json={"question": QUESTION}))
            await engine.asked_once.wait()
            asking.cancel()
            await asyncio.wait_for(engine.cancelled.wait(), 60)

    asyncio.run(main())
