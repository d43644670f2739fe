"""A served student under load, beside one question at a time.

    python -m tests.bench.serving [--url URL | --model FOLDER | --scripted] [--problems N] [--connections N]
                                  [--abandon N] [--overhead] [--kill] [--set KEY=VALUE]

Asks the quickstart's test questions, at most so many at once on the loopback, and prints answers a second and times to
the first step and to the answer. A question that is turned away with 503 is asked again after the time that it names;
it is lost if it never gets an answer. The server is started by the bench unless `--url` says where one runs.

`--abandon N` drops N more requests at their first event; the server must be idle after it, and its memory as it was.
`--overhead` lets one engine in this process do the same searches first: the ratio is what Ray Serve costs.
`--kill` does something else: it starts two replicas of each deployment in a Ray of its own, kills one of each in turn
under that load, and then lets one of each become two and one again by the load alone. It prints a table for each.
`--scripted` tries the bench itself, on a server whose model is a script.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, aclosing, nullcontext
from itertools import count, cycle, islice
from typing import Any

from tests.bench import kills
from tests.bench.decoding import engine, in_flight, problems
from tests.bench.load import Client, Turn, percentile
from tests.bench.server import REPORTED, Server, application, elsewhere, scripted, started

WARM = 8
_GROWTH = 1.05  # of memory, and besides it
_SLACK = 64  # MiB that allocators keep


def main() -> None:
    """Runs the bench; the exit code is 1 where a question was lost or something stayed behind."""
    arguments = _parsed()
    questions = [one.question for one in problems("quickstart", arguments.problems)]
    if arguments.kill:
        sys.exit(not _killed(arguments, questions))
    direct = asyncio.run(_direct(arguments, questions)) if arguments.overhead else None
    with _server(arguments) as server:
        client = Client(server.url, arguments.token, **_fields(arguments))
        asyncio.run(client.turn(questions[:WARM], WARM))
        turns = [asyncio.run(client.turn(questions, many)) for many in (1, arguments.connections)]
        _report(turns)
        well = not any(turn.lost for turn in turns)
        if direct is not None:
            _compare(direct, turns[-1])
        if arguments.abandon:
            well &= _abandon(server, client, questions, arguments)
    sys.exit(not well)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="of a server that runs; without, one is started")
    where.add_argument("--scripted", action="store_true", help="a server whose model is a script")
    parser.add_argument("--metrics", help="with --url: where a node of Ray tells its figures")
    parser.add_argument("--token", help="a bearer token")
    parser.add_argument("--model", default="embedded", help="what is served by a server that is started")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of a server that is started")
    parser.add_argument("--decoder", default="step-beam")
    parser.add_argument("--problems", type=int, default=64)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--abandon", type=int, default=0, metavar="N", help="requests that are dropped mid-way")
    parser.add_argument("--kill", action="store_true", help="replicas die, come and go under the load")
    parser.add_argument("--overhead", action="store_true", help="beside the same engine without a server")
    return parser.parse_args()


def _server(arguments: argparse.Namespace) -> AbstractContextManager[Server]:
    if arguments.url:
        return nullcontext(elsewhere(arguments.url, arguments.metrics))
    return scripted() if arguments.scripted else started(arguments.model, arguments.set)


def _fields(arguments: argparse.Namespace) -> dict[str, Any]:
    """Of a request; searches are compared that end by themselves, not at a limit of time."""
    return {"decoder": arguments.decoder, "seed": 0}


def _report(turns: Sequence[Turn]) -> None:
    heads = ("at once", "answers/s", "step p50", "step p99", "answer p50", "answer p99", "503s", "lost", "ran")
    print("\n" + " ".join(f"{head:>10}" for head in heads))
    for turn in turns:
        times = [percentile(of, part) for of in (turn.firsts(), turn.answers()) for part in (50, 99)]
        counts = (sum(one.refused for one in turn.asked), len(turn.lost), sum(one.ran for one in turn.asked))
        row = [f"{turn.connections}", f"{turn.per_second:.2f}", *(f"{one:.2f} s" for one in times), *map(str, counts)]
        print(" ".join(f"{cell:>10}" for cell in row))
    one, many = turns
    print(f"\n{many.connections} at once are {many.per_second / one.per_second:.1f} × as fast as one", flush=True)
    for asked in [asked for turn in turns for asked in turn.lost][:5]:
        print(f"lost: {asked.lost}", file=sys.stderr)


# Requests that nobody waits for any more.


def _abandon(server: Server, client: Client, questions: Sequence[str], arguments: argparse.Namespace) -> bool:
    """Whether the server is idle after it, and its memory as it was."""
    wave = list(islice(cycle(questions), arguments.abandon))
    # What is loaded at the first hang-up is there before the first look.
    asyncio.run(client.abandon(wave[: arguments.connections], arguments.connections))
    server.settles()
    before = server.memory()
    begun = asyncio.run(client.abandon(wave, arguments.connections))
    left, after = server.settles(), server.memory()
    again = asyncio.run(client.turn(questions[:1], 1))
    print(f"\n{len(wave)} dropped, {begun} of them at their first event; ", end="")
    print("what is at work is not known" if left is None else f"{left:g} calls still at work")
    # An engine tells what it runs at each of its steps, so what it tells now is of the question just asked, or later.
    time.sleep(server.lag)
    engine = server.in_engine()
    print("what the engine runs is not known" if engine is None else f"the engine runs {engine:g} requests")
    return _is_flat(before, after) and not left and not engine and not again.lost


def _is_flat(before: dict[str, float], after: dict[str, float]) -> bool:
    if not before:
        print("memory of a server that was not started here is not known")
        return True
    print(f"\n{'process':<56} {'before':>9} {'after':>9}  MiB")
    for name in sorted(before | after):
        print(f"{name:<56} {before.get(name, 0):>9.0f} {after.get(name, 0):>9.0f}")
    first, last = sum(before.values()), sum(after.values())
    flat = last <= first * _GROWTH + _SLACK
    print(f"{'all':<56} {first:>9.0f} {last:>9.0f}  {'flat' if flat else 'GROWN'}", flush=True)
    return flat


# Replicas that die, come and go.


def _killed(arguments: argparse.Namespace, questions: Sequence[str]) -> bool:
    """Whether every request was answered, or its stream told that there is no answer."""
    with application(arguments.model, arguments.set, _replicas(2, 2), arguments.scripted) as url:
        client = Client(url, **_fields(arguments))
        rows, counted = [], kills.replayed_and_retried()
        for victim in kills.VICTIMS:
            one = asyncio.run(kills.kill(client, questions, arguments.connections, victim))
            time.sleep(REPORTED)
            before, counted = counted, kills.replayed_and_retried()
            rows.append((one, counted[0] - before[0], counted[1] - before[1]))
    print(f"\n{kills.as_markdown(rows)}", flush=True)
    with application(arguments.model, arguments.set, _replicas(1, 2), arguments.scripted) as url:
        asked, moments = asyncio.run(kills.scaled(Client(url, **_fields(arguments)), questions, arguments.connections))
    print(f"\n{kills.moments_as_markdown(moments)}", flush=True)
    went = [one for one in asked if one.lost]
    print(f"{len(asked)} requests while replicas came and went, {len(went)} of them lost")
    lost = [one.lost for kill, *_ in rows for one in kill.lost] + [one.lost for one in went]
    for reason in lost[:5]:
        print(f"lost: {reason}", file=sys.stderr)
    return not lost


def _replicas(least: int, most: int) -> dict[str, Any]:
    """Settings of a server whose decoders and sandboxes follow the load; of models there are always as many."""
    quick = {"least": least, "most": most, "upscale_seconds": 1, "downscale_seconds": 5}
    models = {"least": least, "most": least, "in_flight": 256, "target": 64, "cpus": 0}
    return {"decoders": {**quick, "target": 4}, "sandboxes": {**quick, "target": 0.2}, "models": models}


# The same without a server.


async def _direct(arguments: argparse.Namespace, questions: Sequence[str]) -> float:
    """Seconds for all questions, by an engine in this process."""
    from pad_ray.models import resolve_model
    from pad_ray.sandbox import Sandbox

    with Sandbox() as sandbox:
        if arguments.scripted:
            from tests.serving.page_server import Gated, shopping

            model = Gated(shopping)
            model.allow()
            return await _searched(model, sandbox, arguments, questions)
        async with engine("auto", resolve_model(arguments.model)) as model:
            return await _searched(model, sandbox, arguments, questions)


async def _searched(model: Any, sandbox: Any, arguments: argparse.Namespace, questions: Sequence[str]) -> float:
    from pad_ray.asking import Asking
    from pad_ray.models import resolve_model
    from pad_ray.serving.launch import serve_config
    from pad_ray.serving.requests import Jobs, SolveRequest
    from pad_ray.serving.search import Searcher

    searcher = Searcher(model, sandbox, Asking.of(resolve_model(arguments.model)))
    jobs, numbers = Jobs(serve_config(None, arguments.set, {})), count()

    async def one(question: str) -> None:
        job = jobs.of(SolveRequest(question=question, **_fields(arguments)), f"direct-{next(numbers)}")
        async with aclosing(searcher.solve(job)) as events:
            async for _ in events:
                pass

    await in_flight(one, questions[:WARM], WARM)
    begun = time.monotonic()
    await in_flight(one, questions, arguments.connections)
    return time.monotonic() - begun


def _compare(direct: float, served: Turn) -> None:
    ratio = served.seconds / direct
    print(f"\nwithout a server {direct:.1f} s, served {served.seconds:.1f} s: {ratio:.2f} × the time", flush=True)


if __name__ == "__main__":
    main()
