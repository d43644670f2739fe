"""A subset of BIG-Bench Hard in a data folder, small enough to be answered by a random model."""

from __future__ import annotations

import json
from pathlib import Path

ANSWERS = ("No", "No", "Yes", "No", "Yes", "No")


def write_subset(folder: Path, answers: tuple[str, ...] = ANSWERS) -> str:
    """Writes `bbh/navigate.jsonl` with these answers, and a file of facts; returns the folder."""
    rows = [
        {"id": f"navigate-{place}", "question": f"Take {place} steps. Are you back?", "answer": answer}
        for place, answer in enumerate(answers)
    ]
    facts = [{"id": "a", "rationale": "A nut is a fruit with a shell."}, {"id": "b", "rationale": "Ann has nuts."}]
    for name, lines in (("bbh/navigate.jsonl", rows), ("strategyqa/dev.jsonl", facts)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(folder)
