"""Promises of a served student under kill -9: every request is answered, or its stream says that it is not."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench import kills
from tests.bench.load import Client
from tests.serving.page_server import QUESTION
from tests.serving.scripted_app import scripted_application

pytestmark = [pytest.mark.chaos, pytest.mark.filterwarnings("default")]
CONNECTIONS = 8
TWO: dict[str, Any] = {"least": 2, "most": 2}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    settings = dict.fromkeys(("decoders", "sandboxes", "models"), TWO)
    with scripted_application(tmp_path_factory.mktemp("kills"), **settings) as address:
        yield Client(address, seed=0)


@pytest.mark.parametrize("victim", kills.VICTIMS)
def test_a_kill_loses_no_request(client: Client, victim: str) -> None:
    one = asyncio.run(kills.kill(client, [QUESTION], CONNECTIONS, victim))
    assert one.lost == []
    assert len(one.asked) >= CONNECTIONS


def test_requests_of_a_dead_decoder_are_given_to_another(client: Client) -> None:
    before, _ = kills.replayed_and_retried()
    asyncio.run(kills.kill(client, [QUESTION], CONNECTIONS, "decoder", seed=1))
    limit = time.monotonic() + 120
    while kills.replayed_and_retried()[0] <= before:
        assert time.monotonic() < limit
        time.sleep(1)
