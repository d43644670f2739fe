"""Replicas of a served student come and go with its load. A file of its own: one process has one Ray at a time."""

from __future__ import annotations

import asyncio
import sys
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
QUICK: dict[str, Any] = {"least": 1, "most": 2, "upscale_seconds": 1, "downscale_seconds": 5}


def test_replicas_come_and_go_with_the_load_and_lose_nothing(tmp_path: Path) -> None:
    settings = {"decoders": {**QUICK, "target": 2}, "sandboxes": {**QUICK, "target": 0.1}}
    with scripted_application(tmp_path, **settings) as address:
        asked, moments = asyncio.run(kills.scaled(Client(address, seed=0), [QUESTION], CONNECTIONS))
    assert [one.lost for one in asked if one.lost] == []
    assert moments[-1].replicas == {"decoder": 1, "sandbox": 1}
