"""What the command line prints."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pad_ray.evaluation.metrics import place_names
from pad_ray.figures import difference, interval, p_value
from pad_ray.recipes import JudgedBy, recipe_named
from pad_ray.rounds import Round, table_of
from pad_ray.verification import Verdict

if TYPE_CHECKING:
    from pad_ray.answers import Answers
    from pad_ray.config import RunConfig
    from pad_ray.findings import Finding
    from pad_ray.forecast import Forecast
    from pad_ray.plan import Step
    from pad_ray.sandbox.doctor import Escape


def print_plan(
    folder: str, name: str, steps: Iterable[Step], changed: Sequence[str], purposes: Mapping[str, str] | None = None
) -> None:
    """What changed since the run before, and a line for each stage: kept, gone on with, or to do, and what it does."""
    print(f"run {name} in {folder}")
    for line in changed:
        print(f"  changed  {line}")
    for step in steps:
        what = "" if step.state == "kept" else (purposes or {}).get(step.name, "")
        told = " · ".join(part for part in (step.note, what) if part)
        print(f"  {step.state:<7}  {step.name:<16} {step.id:<12}  {told}".rstrip())


def print_forecast(forecast: Forecast) -> None:
    """What is left to ask, and what it will take."""
    print(f"\nforecast from {forecast.probed:,} rows, which are kept:")
    print(f"  rows to ask    {forecast.rows:>12,}")
    print(f"  prompt tokens  {forecast.prompt_tokens:>12,}")
    print(f"  tokens         {forecast.tokens:>12,}")
    print(f"  hours          {forecast.hours:>12.2f}")
    if forecast.cost:
        print(f"  cost           {forecast.cost:>12.2f} {forecast.currency}".rstrip())


def print_bill(bill: Mapping[str, tuple[float, float]]) -> None:
    """The forecast beside what it came to."""
    print(f"\n{'samples':<8} {'forecast':>12} {'came to':>12}")
    for name, (forecast, actual) in bill.items():
        digits = 0 if name in ("rows", "tokens") else 2
        print(f"{name:<8} {forecast:>12,.{digits}f} {actual:>12,.{digits}f}")


def print_rows(sampling: Answers, place: str) -> None:
    """The yield by verdict, where a run ends with its samples."""
    mark = sampling.verdicts.done or {}
    print_verdicts({verdict: mark[verdict] for verdict in Verdict if mark.get(verdict)})
    print(f"in {place}")


def print_results(results: list[dict[str, Any]], report: str) -> None:
    """Accuracy with intervals by split and model."""
    names = place_names(results)
    width = max(11, *map(len, names.values())) if names else 11
    head = f"{'split':<{width}} {'model':<9} {'decoder':<24} {'shots':>5} {'n':>5} {'right':>6}"
    print(f"\n{head} {'95 % interval':>16} {'executable':>11}")
    for row in results:
        rate = "" if row["executable_rate"] is None else f"{100 * row['executable_rate']:.1f} %"
        print(
            f"{names[row['benchmark'], row['split']]:<{width}} {row['model']:<9} {row['decoder']:<24} "
            f"{row['shots']:>5} {row['n']:>5} "
            f"{100 * row['accuracy']:>5.1f}% {interval(row['low'], row['high']):>16} {rate:>11}"
        )
    print(f"\nreport: {report}")


def print_serving(config: RunConfig, run: str) -> None:
    """The command that serves the run's student, where it is one that can be served."""
    recipe = recipe_named(config.recipe)
    if recipe.judged_by is JudgedBy.PROGRAM and not recipe.students:
        print(f"serve it: pad-ray serve --run {shlex.quote(run)}")


def print_findings(findings: Sequence[Finding]) -> None:
    """A line for each figure of the last student of each arm; the others are in `comparison.json`."""
    names = place_names(map(asdict, findings))
    several = len({one.fraction for one in findings if one.arm != "base"}) > 1
    width = max(11, *map(len, names.values())) if names else 11
    head = (
        f"\n{'split':<{width}} {'arm':<24} {'student':<9} {'decoder':<24} {'n':>5} {'right':>6} {'95 % interval':>16}"
    )
    print(f"{head} {'difference':>10} {'p':>6} {'executable':>11}")
    for one in (finding for finding in findings if finding.last or finding.student == "base"):
        name = one.arm_of(several) + (f" ({one.seed})" if one.seed else "")
        rate = "" if one.executable_rate is None else f"{100 * one.executable_rate:.1f} %"
        print(
            f"{names[one.benchmark, one.split]:<{width}} {name:<24} {one.student:<9} {one.decoder:<24} {one.n:>5} "
            f"{100 * one.accuracy:>5.1f}% {interval(one.low, one.high):>16} "
            f"{difference(one.difference):>10} {p_value(one.p_value):>6} {rate:>11}"
        )


_STOPPED = {
    "no_gain": "no gain beyond the interval for as many rounds as `refinement.stop.patience`",
    "rounds": "as many rounds as `refinement.stop.rounds`",
    "tokens": "as many tokens as `refinement.stop.tokens`",
}


def print_rounds(rounds: Sequence[Round], reason: str | None) -> None:
    """A line for each round, and why there is no further one.

    Args:
        rounds: those that are over, from 0 on.
        reason: of the stop rule; None where another round is to come.
    """
    if not rounds:
        print("there are no rounds")
        return
    head = f"\n{'round':>5} {'n':>5} {'right':>6} {'gained':>7} {'lost':>5}"
    print(f"{head} {'p':>6} {'sampled':>8} {'programs':>9} repairs")
    for line in table_of(rounds):
        share = 100 * line["correct"] / line["n"] if line["n"] else 0.0
        changes = [line["gained"], line["lost"]] if line["gained"] is not None else ["", ""]
        print(
            f"{line['round']:>5} {line['n']:>5} {share:>5.1f}% {changes[0]:>7} {changes[1]:>5} "
            f"{p_value(line['p_value']):>6} {line['sampled']:>8,} {line['reasoning']:>9,} {line['repairs']:>7,}"
        )
    print(f"ended: {_STOPPED[reason]}" if reason else "not ended: `pad-ray refine` or `pad-ray rounds` goes on")


def print_student(mark: Mapping[str, Any], folder: str) -> None:
    """What the student was trained on, where a run ends with it."""
    for task, one in (mark.get("students") or {"": mark}).items():
        figures = f"{one.get('examples', 0):,} examples, {one.get('steps', 0):,} steps, loss {one.get('loss', 0):.3f}"
        print(f"\n{task}{': ' if task else ''}{figures}")
    print(f"student: {folder}")


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
