"""Results to one HTML file that answers, before anything else, whether the student learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.config import RunConfig
from pad_ray.run_folder import RunFolder, Stage

FILE = "report.html"


def write_report(
    folder: RunFolder, config: RunConfig, stages: Mapping[str, Stage], results: Sequence[dict[str, Any]]
) -> str:
    """Writes `report.html` into the run folder, and returns where it is.

    What is missing (a stage that is not done, a split, the loss) is said to be missing, in its place on the
    page.

    Args:
        folder: the run's folder.
        config: its settings.
        stages: problems, requests, samples, examples, student, base_validation, base, student_test; any may
            be left out.
        results: rows of `evaluation/results.json`, see `pad_ray.evaluation.metrics.summarise`.

    Raises:
        InputError: the file cannot be written.
    """
    from pad_ray.report.page import render

    folder.storage.write_text(FILE, render(folder, config, stages, results))
    return (folder.storage / FILE).uri
