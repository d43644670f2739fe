"""What the command line prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pad_ray.pipeline import Pipeline
    from pad_ray.sandbox.doctor import Escape


def print_plan(pipeline: Pipeline) -> None:
    """One line for each stage: kept, or to do."""
    print(f"run {pipeline.config.name} in {pipeline.folder.storage.uri}")
    for stage, done in pipeline.plan():
        print(f"  {'kept ' if done else 'to do'}  {stage.name} {stage.id}")


def print_results(results: list[dict[str, Any]], report: str) -> None:
    """Accuracy with intervals by split and model."""
    print(f"\n{'split':<11} {'model':<9} {'shots':>5} {'n':>5} {'right':>6} {'95 % interval':>16} {'executable':>11}")
    for row in results:
        interval = f"{100 * row['low']:.1f} – {100 * row['high']:.1f}"
        rate = "" if row["executable_rate"] is None else f"{100 * row['executable_rate']:.1f} %"
        print(
            f"{row['split']:<11} {row['model']:<9} {row['shots']:>5} {row['n']:>5} "
            f"{100 * row['accuracy']:>5.1f}% {interval:>16} {rate:>11}"
        )
    print(f"\nreport: {report}")


def print_verdicts(counts: Mapping[Any, int]) -> None:
    """How many lines got each verdict."""
    total = sum(counts.values())
    for verdict, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{verdict!s:<15} {count:>8,}  {100 * count / total:5.1f} %")
    print(f"{'all':<15} {total:>8,}")


def print_escapes(escapes: Sequence[Escape], as_json: bool = False) -> int:
    """A table of what held and under which layer.

    Returns:
        0, or 1 if anything got through.
    """
    through = [escape for escape in escapes if not escape.held]
    if as_json:
        print(json.dumps([asdict(escape) for escape in escapes], indent=2))
    else:
        print(f"{'kind':<12} {'attempt':<34} {'tier':<8} {'held':<5} {'stopped by':<40} how it ended")
        for escape in escapes:
            layers = ", ".join(escape.layers) or "all layers together"
            held = "yes" if escape.held else "NO"
            print(f"{escape.kind:<12} {escape.name:<34} {escape.tier:<8} {held:<5} {layers:<40.40} {escape.detail:.80}")
        print(f"\n{len(escapes) - len(through)} of {len(escapes)} attempts held")
    return 1 if through else 0
