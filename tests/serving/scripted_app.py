"""The application in real deployments, with a script in place of the model: all else is as it is served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pad_ray.decoding.engine import Draw, Proposals, Tokens
from pad_ray.generation.step_tokens import StepTokenizer
from pad_ray.serving.launch import answers, serving
from pad_ray.serving.settings import ServeConfig
from tests.decoding.scripted import ScriptedEngine
from tests.ray_cluster import free_ports
from tests.serving.page_server import shopping
from tests.training.tiny import make_student

_PATIENCE = 900.0  # seconds; other work on the machine must fail no test
SECONDS = 0.1  # of a call: without it no kill would find a request in flight


class ScriptedModel(ScriptedEngine):
    """Replica of a model that writes programs for `page_server.QUESTION`, in the tokens of a real tokenizer.

    Args:
        model: a folder with a tokenizer.
    """

    def __init__(self, model: str) -> None:
        from transformers import AutoTokenizer

        super().__init__(shopping)
        self._tokenizer = StepTokenizer(AutoTokenizer.from_pretrained(model))

    def encode(self, prompt: str) -> Tokens:
        return self._tokenizer.encode(prompt)

    def decode(self, tokens: Tokens) -> str:
        return self._tokenizer.decode(tokens)

    async def propose(self, prompt: Tokens, beams: Sequence[Tokens], draw: Draw) -> Proposals:
        await asyncio.sleep(SECONDS)
        found = await super().propose(prompt, beams, draw)
        of = [[replace(one, tokens=self._written(one.tokens)) for one in row] for row in found.of]
        return replace(found, of=of)

    def _written(self, lines: Tokens) -> Tokens:
        return self._tokenizer.encode_on(ScriptedEngine.decode(self, lines))

    async def check_health(self) -> None:
        """It lives."""


@contextmanager
def scripted_application(folder: Path, **config: Any) -> Iterator[str]:
    """The address of a service on a Ray of its own.

    Args:
        folder: for what stands in for the model's folder.
        config: settings, see `ServeConfig`.
    """
    model = make_student("t5", folder / "student")  # an encoder-decoder, so its replica is a class of ours
    settings = {"port": free_ports(1)[0], "decoding": {"candidates": 6, "certain": 1.0}, **config, "model": model}
    with (
        patch("pad_ray.serving.model.StepServer", ScriptedModel),
        serving(ServeConfig.model_validate(settings)) as address,
    ):
        assert answers(address, _PATIENCE)
        yield address
