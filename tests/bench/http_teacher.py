"""The teacher `http` against an endpoint that misbehaves: what rows got and what was paid, as a Markdown table.

    python -m tests.bench.http_teacher [--rows N] [--in-flight N] [--retries N] [--timeout S]

The rows are spread over all kinds of misbehaviour, every hundredth reply is garbage besides, and all are asked at once
over the loopback. A paid reply is one that the server sent whole with a count of tokens; it is lost if the cost in its
row does not hold it, or if it was a completion and the row has none. A provider may charge for a reply that never
arrived whole as well (hang, trickle, truncated, reset): nobody but the provider knows, and it is not counted. Exit code
1 if a paid reply is lost or a row has neither a completion nor a reason.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from pad_ray.generation.http import HttpTeacher
from pad_ray.generation.http_settings import HttpConfig
from tests.generation.bad_server import COMPLETION_TOKENS, KINDS, MODEL, PROMPT_TOKENS, BadServer, request_rows

_PASSING = (
    "error_json",
    "error_page",
    "busy",
    "rate_limited",
    "rate_limited_by_date",
    "truncated",
    "reset",
    "garbage",
    "hang",
)
_WITHOUT_COMPLETION = ("another_model", "no_choices", "null_text", "filtered")
_WITHOUT_COUNT = ("no_usage", "absurd_usage")  # their cost is unknown to everybody here
_COST = PROMPT_TOKENS + COMPLETION_TOKENS  # at a price of 1 a token


@dataclass
class Outcome:
    """What became of the rows of one kind."""

    rows: int = 0
    got: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    paid: int = 0
    lost: int = 0
    silent: int = 0

    @property
    def retries(self) -> int:
        """Requests beyond the first of each row."""
        return self.requests - self.rows


def ask(config: HttpConfig, prompts: list[str]) -> list[dict[str, Any]]:
    """One row for each prompt, in order."""
    import pyarrow

    async def first(teacher: HttpTeacher) -> Any:
        async for table in teacher(pyarrow.Table.from_pylist(request_rows(prompts))):
            return table

    with closing(HttpTeacher(config, MODEL)) as teacher:
        rows: list[dict[str, Any]] = asyncio.run(first(teacher)).to_pylist()
    return rows


def outcomes(server: BadServer, kinds: list[str], prompts: list[str], rows: list[dict[str, Any]]) -> dict[str, Outcome]:
    """By kind, in the order in which they were asked."""
    sent = Counter(arrival.prompt for arrival in server.arrivals)
    found: dict[str, Outcome] = {}
    for kind, prompt, row in zip(kinds, prompts, rows, strict=True):
        outcome = found.setdefault(kind, Outcome())
        outcome.rows += 1
        outcome.requests += sent[prompt]
        outcome.paid += server.paid[prompt]
        outcome.lost += _lost(kind, server.paid[prompt], row)
        outcome.silent += row["completion"] is None and not row["teacher_error"]
        outcome.got[_got(row)] += 1
    return found


def _lost(kind: str, paid: int, row: dict[str, Any]) -> int:
    """Paid replies of a row that it does not hold."""
    uncounted = 0 if kind in _WITHOUT_COUNT else abs(paid - round(row["cost"] / _COST))
    unread = paid > 0 and kind not in _WITHOUT_COMPLETION and row["completion"] is None
    return max(uncounted, int(unread))


def _got(row: dict[str, Any]) -> str:
    if row["completion"] is not None:
        return "completion" if row["finish_reason"] == "stop" else f"completion ({row['finish_reason']})"
    return str(row["teacher_error"]).replace("|", "/")[:60]


def table(found: dict[str, Outcome]) -> str:
    """The outcomes as Markdown."""
    lines = [
        "| kind | rows | what they got | requests | retries | paid replies | lost |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for kind, one in found.items():
        got = "; ".join(f"{number} × {words}" for words, number in one.got.most_common())
        lines.append(f"| {kind} | {one.rows} | {got} | {one.requests} | {one.retries} | {one.paid} | {one.lost} |")
    names = ("rows", "requests", "retries", "paid", "lost")
    rows, requests, retries, paid, lost = (sum(getattr(one, name) for one in found.values()) for name in names)
    answered = sum(one.got["completion"] + one.got["completion (length)"] for one in found.values())
    return "\n".join([*lines, f"| all | {rows} | {answered} × completion | {requests} | {retries} | {paid} | {lost} |"])


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--in-flight", type=int, default=64, help="requests at once")
    parser.add_argument("--retries", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds for one request")
    args = parser.parse_args()
    every = [*KINDS, *(f"{kind}_once" for kind in _PASSING)]
    kinds = [every[place % len(every)] for place in range(args.rows)]
    prompts = [f"kind={kind} {place}" for place, kind in enumerate(kinds)]
    begun = time.perf_counter()
    with BadServer(garbage_every=100) as server:
        config = HttpConfig(
            base_url=server.url,
            max_in_flight=args.in_flight,
            retries=args.retries,
            timeout_s=args.timeout,
            breaker_failures=args.rows,
            price_per_million_prompt_tokens=1e6,
            price_per_million_completion_tokens=1e6,
        )
        rows = ask(config, prompts)
    found = outcomes(server, kinds, prompts, rows)
    print(f"{os.cpu_count()} cores, {args.in_flight} in flight, {args.retries} retries, ", end="")
    print(f"{time.perf_counter() - begun:.0f} s\n")
    print(table(found))
    return 1 if any(one.lost or one.silent for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
