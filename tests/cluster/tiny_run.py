"""A run of recorded programs, every other one right, that takes seconds once Ray is up."""

from __future__ import annotations

import json
from pathlib import Path

_PROGRAM = "def solution():\n    return {answer}\n"


def write_run(folder: Path, problems: int) -> Path:
    """Writes problems, completions and a configuration into `folder`, with runs in `folder/runs`.

    Returns:
        The configuration.
    """
    asked = [{"id": f"p{n}", "question": f"What is {n} and 2?", "answer": n + 2} for n in range(problems)]
    said = [{"problem_id": f"p{n}", "completion": _PROGRAM.format(answer=n + 2 + n % 2)} for n in range(problems)]
    for name, rows in (("problems", asked), ("completions", said)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = folder / "mine.yaml"
    config.write_text(
        f"runs: {folder}/runs\nproblems: {{train: {folder}/problems.jsonl, holdout: 0}}\nevaluation: {{shots: [0]}}\n"
        f"teacher: {{kind: recorded, file: {folder}/completions.jsonl, shots: 0, samples: 1}}\n"
    )
    return config
