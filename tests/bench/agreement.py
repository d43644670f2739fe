"""Agreement of `pad-ray verify` with what plain CPython found in the same programs, as a Markdown table.

    python tests/bench/agreement.py [FILE.jsonl …] > agreement.md

Each record has `program`, `answer` and `check`: what a run under CPython 3.11 with a limit of 2 s
gave (`status`, `value`, `error`). Without arguments: `pot_codex/*.jsonl` and `derived/*.jsonl` in the data
folder (environment variable PAD_RAY_DATA, default ../shared/data). Exit code 1 if nothing explains a
disagreement.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pad_ray.programs.values import decode
from pad_ray.verification import Verdict
from pad_ray.verify_file import verify_file

_BY_STATUS = {
    "match": Verdict.OK,
    "wrong": Verdict.WRONG_ANSWER,
    "none": Verdict.NO_ANSWER,
    "non_numeric": Verdict.BAD_VALUE,
    "no_code": Verdict.NO_PROGRAM,
}
_BY_ERROR = {
    "SyntaxError": Verdict.SYNTAX_ERROR,
    "IndentationError": Verdict.SYNTAX_ERROR,
    "NameError": Verdict.NAME_ERROR,
    "UnboundLocalError": Verdict.UNBOUND_LOCAL,
    "LookupError": Verdict.NO_ANSWER,  # here: the code set no answer
    "Timeout": Verdict.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A record on which the two differ, and why."""

    id: str
    check: dict[str, Any]
    judged: dict[str, Any]

    @property
    def reason(self) -> str:
        """The explanation; empty when there is none."""
        same_verdict = self.judged["verdict"] == expected_verdict(self.check)
        if same_verdict and str(self.check.get("value")).startswith("array("):
            return "same verdict; numpy's array comes out of the sandbox as a list"
        return ""


def expected_verdict(check: dict[str, Any]) -> Verdict:
    """The verdict that a `check` field stands for."""
    if check["status"] == "error":
        return _BY_ERROR.get(check["error"], Verdict.RUNTIME_ERROR)
    return _BY_STATUS[check["status"]]


def same_value(check: dict[str, Any], judged: dict[str, Any]) -> bool:
    """Whether both found the same value: numbers to the bit and with their type, others by their `repr`."""
    if check["status"] == "error" or judged["value"] is None:
        return check["status"] == "error" and judged["value"] is None
    expected = check.get("value")
    return repr(decode(judged["value"])) == (expected if check["status"] == "non_numeric" else repr(expected))


def same_error(check: dict[str, Any], judged: dict[str, Any]) -> bool:
    """Whether both name the same exception class, where an exception of the program's own ended it."""
    return check.get("error") in (None, "LookupError", "Timeout") or check["error"] == judged["error_class"]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All records of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def compare_file(path: Path) -> tuple[Counter[Verdict], list[Disagreement]]:
    """Judge a file and hold every verdict and value against its `check` field."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "verdicts.jsonl"
        counts = verify_file(path, output)
        pairs = list(zip(read_lines(path), read_lines(output), strict=True))
    return counts, [
        Disagreement(row["id"], row["check"], judged)
        for row, judged in pairs
        if judged["verdict"] != expected_verdict(row["check"])
        or not same_value(row["check"], judged)
        or not same_error(row["check"], judged)
    ]


def main(paths: list[Path]) -> int:
    """Print the tables; the number of disagreements that nothing explains decides the exit code."""
    found: list[Disagreement] = []
    print("| file | programs | agree | disagree | verdicts |\n|---|---:|---:|---:|---|")
    for path in paths:
        counts, disagreements = compare_file(path)
        found += disagreements
        verdicts = ", ".join(f"{verdict} {count:,}" for verdict, count in counts.most_common())
        total = counts.total()
        agree = total - len(disagreements)
        print(f"| {path.stem} | {total:,} | {agree:,} | {len(disagreements)} | {verdicts} |")
    print("\n| record | plain CPython | pad-ray | why |\n|---|---|---|---|")
    for one in found:
        judged = {key: one.judged[key] for key in ("verdict", "value", "error_class", "error", "tier")}
        print(f"| {one.id} | {one.check} | {judged} | {one.reason} |".replace("\n", " "))
    return 1 if any(not one.reason for one in found) else 0


if __name__ == "__main__":
    data = Path(os.environ.get("PAD_RAY_DATA", Path(__file__).parents[3] / "shared" / "data"))
    defaults = sorted([*data.glob("pot_codex/*.jsonl"), *data.glob("derived/*.jsonl")])
    sys.exit(main([Path(argument) for argument in sys.argv[1:]] or defaults))
