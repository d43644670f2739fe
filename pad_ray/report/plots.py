"""The plots of the report, as matplotlib figures for a width in CSS pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pad_ray.report.svg import BACK, BASE, GRID, INK, MUTED, STUDENT, figure, label
from pad_ray.report.words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pad_ray.report.rounds import RoundLine

_NARROW = 500


@dataclass(frozen=True)
class Bar:
    """One bar: a share from 0 to 1, what stands at its end, its colour."""

    share: float
    note: str
    colour: str


def accuracy_plot(results: Sequence[dict[str, Any]], width: int) -> Figure:
    """Accuracy with its interval: a row for each result, grouped by benchmark and split."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in results:
        groups.setdefault((row["benchmark"], row["split"]), []).append(row)
    drawn = figure(width, 46 + 36 * len(groups) + 30 * len(results))
    axes = drawn.add_subplot()
    names: dict[float, str] = {}
    place = 0.0
    several = len({benchmark for benchmark, _ in groups}) > 1
    for (benchmark, split), rows in groups.items():
        head = label(f"{benchmark} · {split}" if several else split, width)
        axes.text(0, place, f"{head} · {rows[0]['n']:,} problems", va="center", color=MUTED, in_layout=False)
        for row in rows:
            place += 1
            names[place] = _name(row, width)
            _interval(axes, place, row)
        place += 1.25
    most = max([0.1, *(row["high"] for row in results)])
    axes.set_xlim(0, most * (1.12 if width > _NARROW else 1.3))
    axes.set_ylim(place - 0.5, -0.6)
    axes.set_yticks(list(names), labels=list(names.values()))
    _percent_axis(axes, "x")
    return drawn


def _name(row: dict[str, Any], width: int) -> str:
    parts = [row["model"]]
    if row["shots"]:
        parts.append(f"{row['shots']} shots")
    if row["decoder"] != "greedy":
        parts.append(row["decoder"])
    return label(", ".join(parts), width)


def _interval(axes: Axes, place: float, row: dict[str, Any]) -> None:
    colour = BASE if row["model"] == "base" else STUDENT
    axes.plot(
        [row["low"], row["high"]],
        [place, place],
        color=colour,
        linewidth=3,
        solid_capstyle="round",
        alpha=0.5,
    )
    axes.plot(row["accuracy"], place, marker="o", markersize=9, color=colour, markeredgecolor=BACK, clip_on=False)
    axes.annotate(
        percent(row["accuracy"]),
        (row["high"], place),
        (8, 0),
        textcoords="offset points",
        va="center",
        weight="bold",
    )


def _percent_axis(axes: Axes, side: Literal["x", "y"]) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol="\u00a0%"))
    axes.grid(axis=side, color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def bar_plot(names: Sequence[str], groups: Sequence[Sequence[Bar]], width: int) -> Figure:
    """Horizontal bars, one group for each name; their figures stand at their ends, so there is no axis."""
    thickness, gap = 18, 12
    bars_each = max(map(len, groups))
    drawn = figure(width, 16 + len(names) * (bars_each * thickness + gap))
    axes = drawn.add_subplot()
    step = bars_each + gap / thickness
    for n, group in enumerate(groups):
        for m, bar in enumerate(group):
            place = n * step + m
            axes.barh(place, bar.share, height=0.84, color=bar.colour)
            axes.annotate(bar.note, (bar.share, place), (6, 0), textcoords="offset points", va="center_baseline")
    most = max((bar.share for group in groups for bar in group), default=0.0)
    axes.set_xlim(0, (most or 1.0) * (1.25 if width > _NARROW else 1.75))
    axes.set_ylim(len(names) * step - gap / thickness - 0.4, -0.6)
    middles = [n * step + (bars_each - 1) / 2 for n in range(len(names))]
    axes.set_yticks(middles, labels=[label(name, width) for name in names])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    return drawn


def loss_plot(points: Sequence[tuple[int, float]], width: int) -> Figure:
    """Loss by step; over more than twenty steps, each step is faint and the running mean is strong."""
    drawn = figure(width, 260 if width > _NARROW else 220)
    axes = drawn.add_subplot()
    steps, losses = [step for step, _ in points], [loss for _, loss in points]
    many = len(points) > 20
    marker = "o" if len(points) == 1 else None
    axes.plot(steps, losses, color=BASE if many else STUDENT, linewidth=1 if many else 2, marker=marker)
    if many:
        axes.plot(steps, running_mean(losses, len(losses) // 20 + 1), color=STUDENT, linewidth=2.2)
    axes.set_ylim(0, max(losses) * 1.05 or 1)
    axes.set_xlabel("step")
    axes.set_ylabel("nats per token")
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.tick_params(length=0, labelcolor=MUTED)
    axes.locator_params(axis="x", integer=True, nbins=6)
    axes.locator_params(axis="y", nbins=5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    return drawn


def round_plot(lines: Sequence[RoundLine], width: int) -> Figure:
    """Accuracy by round: validation with its interval, and the test splits as thinner lines."""
    drawn = figure(width, 260 if width > _NARROW else 230)
    axes = drawn.add_subplot()
    numbers = [line.number for line in lines]
    axes.fill_between(
        numbers, [line.low for line in lines], [line.high for line in lines], color=STUDENT, alpha=0.18, linewidth=0
    )
    axes.plot(
        numbers, [line.right.share for line in lines], color=STUDENT, linewidth=2.2, marker="o", label="validation"
    )
    splits = list(dict.fromkeys(split for line in lines for split in line.tests))
    for split, style in zip(splits, ("-", "--", ":"), strict=False):  # there are three kinds of problems at most
        shown = [(line.number, line.tests[split].share) for line in lines if split in line.tests]
        name = label(split, width)
        axes.plot(*zip(*shown, strict=True), color=BASE, linestyle=style, linewidth=1.6, marker=".", label=name)
    axes.set_xticks(numbers)
    axes.set_xlabel("round")
    axes.set_ylim(0, max(0.1, *(line.high for line in lines)) * 1.05)
    _percent_axis(axes, "y")
    axes.legend(frameon=False, ncols=3, loc="lower right")
    return drawn


def running_mean(values: Sequence[float], reach: int) -> list[float]:
    """Mean of each value and of up to `reach` neighbours on either side."""
    means = []
    for n in range(len(values)):
        near = values[max(0, n - reach) : n + reach + 1]
        means.append(sum(near) / len(near))
    return means
