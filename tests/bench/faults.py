"""Faults in GSM8K's annotated programs: for how many each kind can be made, how many fail as meant, and where they are.

    python -m tests.bench.faults --programs 1000

Every program that can be made of an annotation is given every fault (`possible`) or, with `--drawn n`, a seeded draw of
n; all are run. Places are thirds of the function's body.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pad_ray.confirmation import confirmed
from pad_ray.jsonl import read_rows
from pad_ray.problem_sources import data_folder
from pad_ray.programs.annotations import program_of
from pad_ray.programs.faults import EFFECTS, Fault, Kind, Mix, all_faults, draw
from pad_ray.sandbox import Sandbox

_BATCH = 2000


def programs(path: Path, count: int, seed: int = 0) -> list[str]:
    """Different programs of annotated solutions, drawn from the whole file."""
    made = (program_of(row.text("rationale")) for row in read_rows(path))
    found = list(dict.fromkeys(program for program in made if program))
    return random.Random(seed).sample(found, min(count, len(found)))


def confirm(faults: Sequence[Fault]) -> list[Fault]:
    """Those that fail as they are meant to, by batches."""
    kept: list[Fault] = []
    with Sandbox() as sandbox:
        for start in range(0, len(faults), _BATCH):
            kept += confirmed(faults[start : start + _BATCH], sandbox)
    return kept


def report(chosen: Sequence[str], made: Sequence[Fault], kept: Sequence[Fault]) -> None:
    """The table: shares of programs, of faults, and of thirds of the body."""
    of_kind, good = Counter(fault.kind for fault in made), Counter(fault.kind for fault in kept)
    print(
        f"{'kind':<14}{'effect':<15}{'can have':>9}{'confirmed':>10}{'faults':>9}{'as meant':>10}"
        f"{'thirds of the body':>24}"
    )
    for kind in Kind:
        can, have = ({fault.program for fault in faults if fault.kind is kind} for faults in (made, kept))
        share = good[kind] / of_kind[kind] if of_kind[kind] else 0.0
        places = thirds([fault for fault in kept if fault.kind is kind])
        shares = f"{len(can) / len(chosen):>9.1%}{len(have) / len(chosen):>10.1%}"
        print(f"{kind:<14}{EFFECTS[kind]:<15}{shares}{of_kind[kind]:>9,}{share:>10.1%}{places:>24}")
    can, have = ({fault.program for fault in faults} for faults in (made, kept))
    shares = f"{len(can) / len(chosen):>9.1%}{len(have) / len(chosen):>10.1%}"
    print(f"{'all':<29}{shares}{len(made):>9,}{len(kept) / max(1, len(made)):>10.1%}{thirds(kept):>24}")


def thirds(faults: Sequence[Fault]) -> str:
    """Shares of the faults in the first, second and last third."""
    parts = Counter(Mix().part(fault) for fault in faults)
    return " ".join(f"{parts[part] / max(1, len(faults)):.0%}" for part in range(3))


def main() -> None:
    """Makes, runs and counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--drawn", type=int, help="faults drawn for each program; by default every fault there is")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = data_folder(None)
    if folder is None:
        raise SystemExit("name the data folder in PAD_RAY_DATA")
    chosen = programs(folder / "gsm8k/train.jsonl", arguments.programs, arguments.seed)
    begun = time.monotonic()
    drawn = arguments.drawn
    made = [fault for one in chosen for fault in (draw(one, drawn, arguments.seed) if drawn else all_faults(one))]
    ready = time.monotonic()
    kept = confirm(made)
    print(f"{len(chosen):,} programs; made in {ready - begun:.1f} s, run in {time.monotonic() - ready:.1f} s\n")
    report(chosen, made, kept)


if __name__ == "__main__":
    main()
