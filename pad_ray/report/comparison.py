"""An experiment as one page: a table and a plot, with intervals and paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pad_ray.evaluation.metrics import place_names
from pad_ray.report import words
from pad_ray.report.page import environment, resource
from pad_ray.report.plots import accuracy_plot
from pad_ray.report.svg import inline

if TYPE_CHECKING:
    from pad_ray.comparison import Comparison
    from pad_ray.findings import Finding

FILE = "comparison.html"


def comparison_page(comparison: Comparison, findings: Sequence[Finding], left: int = 0) -> str:
    """The text of the page.

    Args:
        comparison: the experiment.
        findings: all that was measured.
        left: runs that are still to come.
    """
    shown = [one for one in findings if one.last or one.arm == "base"]
    whole = {(one.benchmark, one.split): one.n for one in sorted(shown, key=lambda one: one.n)}
    several = len({one.fraction for one in comparison.cells}) > 1
    rows = [_plotted(one, whole[one.benchmark, one.split], several) for one in shown]
    names = place_names(map(asdict, findings))
    order = {name: place for place, name in enumerate(dict.fromkeys(one.benchmark for one in findings))}
    best = _best(shown)
    title = "Accuracy by arm, with 95 % intervals. " + "; ".join(
        f"{names[row['benchmark'], row['split']]}, {row['model']}: {words.percent(row['accuracy'])}" for row in rows
    )
    text: str = (
        environment()
        .from_string(resource("comparison.html.j2"))
        .render(
            name=comparison.config.name,
            css=Markup(resource("style.css")),
            config=comparison.config,
            base=comparison.shared[0],
            findings=sorted(findings, key=lambda one: (order[one.benchmark], one.split != "test", one.split)),
            several=several,
            seeds=len({one.seed for one in comparison.cells}) > 1,
            plot=inline(lambda width: accuracy_plot(rows, width), "arms", title) if rows else "",
            left=left,
            best=best,
            best_name=names[best.benchmark, best.split] if best else "",
        )
    )
    return text.encode("utf-8", "replace").decode()


def _plotted(one: Finding, whole: int, several: bool) -> dict[str, Any]:
    """A row of the plot; one that was measured on fewer problems than the split has says so."""
    decoder = one.decoder if one.n == whole else f"{one.decoder} ({one.n:,})"
    label = one.arm_of(several) + (f" · seed {one.seed}" if one.seed else "")
    return {**asdict(one), "model": label, "shots": 0, "decoder": decoder, "n": whole}


def _best(findings: Sequence[Finding]) -> Finding | None:
    """The arm that is ahead on the first split."""
    first = min(findings, key=lambda one: (one.split != "test", one.split), default=None)
    here = [one for one in findings if first and (one.benchmark, one.split) == (first.benchmark, first.split)]
    return max(here, key=lambda one: one.accuracy, default=None)
