"""The page: facts and plots put into the template.

What models wrote is not to be trusted: the template escapes everything but the plots, and the page forbids
scripts and anything from outside by its content security policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from pad_ray.config import RunConfig
from pad_ray.evaluation.metrics import place_names
from pad_ray.report import words
from pad_ray.report.answer import answer, in_short, matches
from pad_ray.report.changes import find_changes
from pad_ray.report.facts import (
    Count,
    ErrorPair,
    LossCurve,
    costs,
    error_pairs,
    exclusions,
    loss_curve,
    verdict_counts,
)
from pad_ray.report.groups import grouping
from pad_ray.report.origin import origin
from pad_ray.report.plots import Bar, accuracy_plot, bar_plot, loss_plot, round_plot
from pad_ray.report.rounds import round_lines
from pad_ray.report.rows import RunRows
from pad_ray.report.svg import BASE, STUDENT, inline
from pad_ray.rounds import read_rounds
from pad_ray.run_folder import RunFolder, Stage

_NOT_MEASURED = ("train", "validation")


def render(folder: RunFolder, config: RunConfig, stages: Mapping[str, Stage], results: Sequence[dict[str, Any]]) -> str:
    """The text of the page; the arguments are those of `write_report`."""
    rows = RunRows(stages)
    spent = costs(folder, {name: rows.mark(name) for name in stages})
    context = {
        "config": config,
        "css": Markup(resource("style.css")),
        **_answers(rows, results),
        **_yields(rows),
        **_learning(rows, stages),
        **_rounds(folder),
        "changes": find_changes(rows.base, rows.student),
        "costs": spent,
        "money": sum(cost.money for cost in spent),
        "finished": max((cost.finished for cost in spent if cost.finished is not None), default=None),
        "prompt_tokens": sum(row["prompt_tokens"] or 0 for row in rows.samples),
        "origin": origin(folder, config, stages),
    }
    text: str = environment().from_string(resource("template.html.j2")).render(context)
    # A lone surrogate can stand in a problem's metadata, and is no UTF-8.
    return text.encode("utf-8", "replace").decode()


def resource(name: str) -> str:
    """A file that lies beside this one."""
    return files("pad_ray.report").joinpath(name).read_text(encoding="utf-8")


def environment() -> Any:
    """Where templates are rendered: everything is escaped that is not marked as safe."""
    from jinja2 import Environment, StrictUndefined

    made = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for spelt in (words.percent, words.interval, words.points, words.counted, words.duration, words.moment):
        made.filters[spelt.__name__] = spelt
    made.filters["unbroken"] = words.unbroken
    made.filters["meaning"] = words.meaning
    return made


def _answers(rows: RunRows, results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was measured: the headline, the figures and their plot."""
    found = matches(results, rows.base, rows.student)
    order = {name: place for place, name in enumerate(dict.fromkeys(row["benchmark"] for row in results))}
    measured = sorted(
        (row for row in results if row["split"] not in _NOT_MEASURED),
        key=lambda row: (row["split"] != "test", order[row["benchmark"]], row["split"], row["model"] != "base"),
    )
    groups = grouping(rows.problems, rows.samples, rows.base, rows.student)
    names = place_names(measured)
    spoken = (f"{names[row['benchmark'], row['split']]}, {row['model']}: {_share(row)}" for row in measured)
    title = "Accuracy with 95 % intervals. " + "; ".join(spoken)
    return {
        "answer": answer(found),
        "main": found[0] if found else None,
        "main_name": names[found[0].benchmark, found[0].split] if found else "",
        "further": [sentence for match in found[1:] if (sentence := in_short(match))],
        "measured": measured,
        "benchmarks": sorted({row["benchmark"] for row in results}),
        "validation": [row for row in results if row["split"] == "validation" and row["model"] == "base"],
        "groups": groups,
        "accuracy_plot": inline(lambda width: accuracy_plot(measured, width), "accuracy", title) if measured else "",
    }


def _share(row: Mapping[str, Any]) -> str:
    return words.percent(row["accuracy"])


def _yields(rows: RunRows) -> dict[str, Any]:
    """What came of the teacher's samples."""
    verdicts = verdict_counts(rows.samples)
    made = rows.examples
    return {
        "verdicts": verdicts,
        "verdict_plot": _verdict_plot(verdicts) if verdicts else "",
        "examples": None if made is None else sum(row["used"] for row in made),
        "asked": len({row["problem_id"] for row in rows.samples}),
        "solved": len({row["problem_id"] for row in rows.samples if row["verdict"] == "ok"}),
        "cut": sum(row["finish_reason"] == "length" for row in rows.samples),
        "excluded": exclusions(rows.samples, made) if rows.samples else [],
    }


def _verdict_plot(verdicts: Sequence[Count]) -> Markup:
    bars = [
        [Bar(v.share, f"{v.count:,} · {words.percent(v.share)}", STUDENT if v.name == "ok" else BASE)] for v in verdicts
    ]
    title = "Samples by verdict. " + "; ".join(f"{v.name}: {v.count:,}" for v in verdicts)
    return inline(lambda width: bar_plot([v.name for v in verdicts], bars, width), "yield", title)


def _learning(rows: RunRows, stages: Mapping[str, Stage]) -> dict[str, Any]:
    """How training went, and which errors it took away."""
    errors = error_pairs(rows.base, rows.student)
    return {
        "losses": _losses(stages.get("student"), rows.mark("student") or {}),
        "errors": errors,
        "error_plot": _error_plot(errors) if errors else "",
        "base_measured": len(rows.base),
        "student_measured": len(rows.student),
    }


def _rounds(folder: RunFolder) -> dict[str, Any]:
    """What refinement did, where there are rounds."""
    lines = round_lines(read_rounds(folder.storage))
    title = "Right answers on validation problems by round. " + "; ".join(
        f"round {line.number}: {words.percent(line.right.share)}" for line in lines
    )
    plot = inline(lambda width: round_plot(lines, width), "rounds", title) if len(lines) > 1 else ""
    return {"rounds": lines, "round_plot": plot}


def _losses(student: Stage | None, mark: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The loss of each student: `task` is empty where there is one."""
    found = []
    for task, trained in (mark.get("students") or {"": mark}).items():
        curve = loss_curve(student, task)
        plot = _loss_plot(curve, task) if curve and curve.points else ""
        found.append({"task": task, "curve": curve, "plot": plot, "training": trained})
    return found


def _loss_plot(loss: LossCurve, task: str = "") -> Markup:
    title = f"Training loss, from {loss.first:.3f} to {loss.last:.3f} over {loss.points[-1][0]:,} steps"
    name = f"loss-{task}" if task else "loss"
    return inline(lambda width: loss_plot(loss.points, width), name, title)


def _error_plot(errors: Sequence[ErrorPair]) -> Markup:
    bars = [[_error_bar(pair.base, BASE), _error_bar(pair.student, STUDENT)] for pair in errors]
    title = "Errors. " + "; ".join(f"{e.verdict}: base {e.base.count:,}, student {e.student.count:,}" for e in errors)
    return inline(lambda width: bar_plot([pair.verdict for pair in errors], bars, width), "errors", title)


def _error_bar(count: Count, colour: str) -> Bar:
    return Bar(count.share, f"{count.count:,}" if count.total else "not measured", colour)
