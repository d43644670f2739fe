"""The teacher `http` as an actor of Ray Data: requests of several batches in flight together, and its tally."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.generation.http import HttpTeacher
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.tally import tally_actor
from tests.generation.bad_server import COMPLETION_TOKENS, MODEL, PROMPT_TOKENS, BadServer, request_rows, text_of

BLOCK = 8
PRICES = {"price_per_million_prompt_tokens": 1e6, "price_per_million_completion_tokens": 2e6}
COST = PROMPT_TOKENS + 2 * COMPLETION_TOKENS


@pytest.fixture(scope="module", autouse=True)
def started() -> Iterator[None]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def stream(config: HttpConfig, prompts: list[str], tally: Any = None, spent: float = 0.0) -> list[dict[str, Any]]:
    """Rows in the order of their prompts, through Ray Data in blocks of 8."""
    import ray

    requests = ray.data.from_items(request_rows(prompts), override_num_blocks=-(-len(prompts) // BLOCK))
    completions = requests.map_batches(
        HttpTeacher,
        fn_constructor_args=(config, MODEL, tally, spent),
        compute=ray.data.ActorPoolStrategy(size=1, max_concurrent_calls_per_actor=-(-config.max_in_flight // BLOCK)),
        batch_size=BLOCK,
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=0.5,
    )
    rows = list(completions.iter_rows())
    return sorted(rows, key=lambda row: int(row["rid"][1:]))


def test_requests_of_many_batches_are_in_flight_together() -> None:
    prompts = [f"kind=good {place}" for place in range(64)]
    with BadServer(hold_until=48) as server:
        rows = stream(HttpConfig(base_url=server.url, max_in_flight=48), prompts)
    assert server.most_in_flight == 48  # the first reply was held back until so many had arrived, of six blocks
    assert [row["completion"] for row in rows] == [text_of(prompt) for prompt in prompts]


def test_the_limit_in_flight_is_one_for_all_batches() -> None:
    with BadServer() as server:
        config = HttpConfig(base_url=server.url, max_in_flight=10)
        stream(config, [f"kind=good {place}" for place in range(64)])
    assert server.most_in_flight <= 10


def test_the_tally_counts_what_was_sent_and_paid() -> None:
    import ray

    kinds = ["good", "error_page_once", "rate_limited_once", "another_model", "no_usage", "bad_request"]
    tally = tally_actor()
    with BadServer() as server:
        config = HttpConfig(base_url=server.url, **PRICES)
        rows = stream(config, [f"kind={kind} 1" for kind in kinds], tally)
    counts = ray.get(tally.read.remote())
    assert counts == {
        "requests": 8,
        "retries": 2,
        "rate_limited": 1,
        "tokens": 4 * (PROMPT_TOKENS + COMPLETION_TOKENS),
        "usage_missing": 1,
        "cost": 4 * COST,
    }
    assert counts["cost"] == sum(row["cost"] for row in rows)
    assert counts["requests"] == len(server.arrivals)


def test_the_driver_learns_that_the_circuit_opened() -> None:
    import ray

    tally = tally_actor()
    with BadServer() as server:
        config = HttpConfig(base_url=server.url, retries=0, breaker_failures=3)
        stream(config, [f"kind=error_page {place}" for place in range(20)], tally)
    counts = ray.get(tally.read.remote())
    assert counts["circuit_open"] == 1
    assert "spending_limit_reached" not in counts


def test_the_driver_learns_that_the_spending_limit_is_reached() -> None:
    import ray

    tally = tally_actor()
    with BadServer() as server:
        config = HttpConfig(base_url=server.url, spending_limit=3 * COST, **PRICES)
        stream(config, [f"kind=good {place}" for place in range(50)], tally, spent=2 * COST)
    counts = ray.get(tally.read.remote())
    assert counts["spending_limit_reached"] == 1
    assert "circuit_open" not in counts


def test_an_actor_that_is_started_anew_remembers_what_the_run_spent() -> None:
    import ray

    tally = tally_actor()
    ray.get(tally.add.remote({"cost": 2.0 * COST}))  # what an actor counted before it died
    with BadServer() as server:
        config = HttpConfig(base_url=server.url, spending_limit=2 * COST, **PRICES)
        rows = stream(config, ["kind=good 1"], tally)
    assert server.arrivals == []
    assert rows[0]["teacher_error"].startswith("not asked: the spending limit")


def test_a_key_that_the_actors_machine_lacks_ends_the_stream_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.exceptions import RayError

    monkeypatch.setenv("LATE_KEY", "set in the driver after its cluster started")
    config = HttpConfig(base_url="http://127.0.0.1:1/v1", api_key_env="LATE_KEY")
    with pytest.raises(RayError, match="LATE_KEY"):
        stream(config, ["kind=good 1"])
