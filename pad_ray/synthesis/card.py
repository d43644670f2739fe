"""The card of a run's samples: `samples/README.md`, in the form of the cards of data sets on the Hugging Face hub."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pad_ray.licences import licence_facts
from pad_ray.markdown import block, inline, markdown_table, percent
from pad_ray.records import Row
from pad_ray.synthesis.marks import MARKS, kind_of

_SHOWN = 3  # examples of each finding
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_FOUND = {
    "forged": "may have altered the value reported for itself",
    "constant_program": "returns one literal",
    "unused_steps": "computes a step that the answer does not depend on",
    "ignores_question": "uses numbers, and none of the question's",
}


@dataclass(frozen=True)
class Origin:
    """Where samples come from: what their rows do not say.

    Attributes:
        run: the run's name.
        teacher: the model that wrote them.
        source: where the problems come from, such as `gsm8k/train.jsonl`.
        license: the licence of that source; `unknown` where nobody said.
        sampling: sampling parameters by name.
        created: the date, as 2026-03-01.
        folder: the folder of the Parquet files, as seen from the card: the stage's id.
        evaluation_sets: names of the sets that questions were compared with.
        currency: of costs.
        beware: a sentence on what spoils measurements with these samples; empty where nothing does.
    """

    run: str
    teacher: str
    source: str
    license: str
    sampling: Mapping[str, Any]
    created: str
    folder: str
    evaluation_sets: Sequence[str] = ()
    currency: str = ""
    beware: str = ""


@dataclass
class Counts:
    """What the card says of samples and examples, gathered as they pass by."""

    verdicts: Counter[str] = field(default_factory=Counter)
    verifiers: set[str] = field(default_factory=set)
    problems: set[str] = field(default_factory=set)
    solved: set[str] = field(default_factory=set)
    tokens: Counter[str] = field(default_factory=Counter)
    cost: float = 0.0
    marks: Counter[str] = field(default_factory=Counter)
    contaminated: dict[str, set[str]] = field(default_factory=dict)
    shown: dict[str, list[Row]] = field(default_factory=dict)
    used: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row, marks: Sequence[str]) -> None:
        """A sample with its latest verdict and its marks; the first with a mark are those that are shown."""
        self.verdicts[row["verdict"]] += 1
        self.verifiers.add(row["verifier"] or "unknown")
        self.problems.add(row["problem_id"])
        for name in ("prompt_tokens", "completion_tokens"):
            self.tokens[name] += row[name] or 0
        self.cost += row["cost"] or 0.0
        for mark in marks:
            name = mark.partition(":")[2]
            if name:
                self.contaminated.setdefault(name, set()).add(row["problem_id"])
        if row["verdict"] == "ok":
            self.solved.add(row["problem_id"])
            self.marks.update({kind_of(mark) for mark in marks})
            for mark in marks:
                shown = self.shown.setdefault(mark, [])
                if len(shown) < _SHOWN:
                    shown.append(row)

    def add_example(self, row: Row) -> None:
        """An example row; its `used` and `why_not` are read."""
        if row["used"]:
            self.used += 1
        else:
            self.reasons[row["why_not"]] += 1


def dataset_card(counts: Counts, questions: Mapping[str, str], origin: Origin) -> str:
    """The Markdown of a card.

    Args:
        counts: of all samples and of the examples that were made of them.
        questions: problem id to question.
        origin: what the rows do not say.

    Returns:
        A card with YAML front matter. Nothing that a model or a data set wrote can end a block of it.
    """
    parts = [
        _front_matter(origin, counts),
        _opening(origin, counts),
        _yield(counts),
        _training(counts),
        _duplicates(counts),
        _contamination(origin, counts, questions),
        _suspicious(counts, questions),
        _making(origin, counts),
        _loading(origin),
    ]
    return "\n".join(parts)


def _front_matter(origin: Origin, counts: Counts) -> str:
    import yaml

    total = counts.verdicts.total()
    facts = {
        **licence_facts(origin.license),
        "pretty_name": f"pad-ray samples: {origin.run}",
        "size_categories": [next((name for limit, name in _SIZES if total < limit), "n>1M")],
        "task_categories": ["text-generation"],
        "tags": ["synthetic", "program-aided-distillation", "math-word-problems"],
        "configs": [{"config_name": "default", "data_files": f"{origin.folder}/*.parquet"}],
    }
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def _opening(origin: Origin, counts: Counts) -> str:
    return (
        f"# Samples of the run {inline(origin.run)}\n\n"
        f"{counts.verdicts.total():,} programs that {inline(origin.teacher)} wrote for {len(counts.problems):,} "
        f"problems of {inline(origin.source)}, each with the verdict of a sandbox. Nothing was filtered: what failed "
        "is a row with its verdict.\n" + (f"\n**Beware.** {origin.beware}\n" if origin.beware else "")
    )


def _yield(counts: Counts) -> str:
    total = counts.verdicts.total()
    order = sorted(counts.verdicts, key=lambda name: (name != "ok", -counts.verdicts[name], name))
    rows = [(name, f"{counts.verdicts[name]:,}", percent(counts.verdicts[name], total)) for name in order]
    solved = f"{len(counts.solved):,} of {len(counts.problems):,} problems"
    return (
        f"## Yield\n\n{markdown_table(('verdict', 'samples', 'share'), rows)}\n"
        f"Solved by at least one sample: {solved} ({percent(len(counts.solved), len(counts.problems))}).\n"
    )


def _training(counts: Counts) -> str:
    reasons = [(f"not used: {why}", f"{count:,}") for why, count in counts.reasons.most_common()]
    rows = [("used", f"{counts.used:,}"), *reasons]
    return f"## Training\n\n{markdown_table(('samples with the verdict ok', 'count'), rows)}"


def _duplicates(counts: Counts) -> str:
    count, held = counts.marks["duplicate"], counts.verdicts["ok"]
    return (
        f"## Duplicates\n\n{count:,} of {held:,} right samples ({percent(count, held)}) repeat another program for "
        "the same problem, but for names, comments and layout.\n"
    )


def _contamination(origin: Origin, counts: Counts, questions: Mapping[str, str]) -> str:
    names = list(dict.fromkeys((*origin.evaluation_sets, *sorted(counts.contaminated))))
    if not names:
        return "## Contamination\n\nThe questions were not compared with an evaluation set.\n"
    found = {name: sorted(counts.contaminated.get(name, ())) for name in names}
    rows = [(name, f"{len(ids):,}", percent(len(ids), len(counts.problems))) for name, ids in found.items()]
    shown = [
        f"In {inline(name)}, {inline(id)}:\n\n{block(questions[id])}"
        for name, ids in found.items()
        for id in ids[:_SHOWN]
    ]
    head = "## Contamination\n\nProblems whose question overlaps with an evaluation set:\n\n"
    return head + "\n".join([markdown_table(("evaluation set", "problems", "share"), rows), *shown])


def _suspicious(counts: Counts, questions: Mapping[str, str]) -> str:
    held = counts.verdicts["ok"]
    rows = [
        (mark, _FOUND[mark], f"{counts.marks[mark]:,}", percent(counts.marks[mark], held))
        for mark in MARKS
        if mark in _FOUND
    ]
    shown = [
        f"`{mark}`, sample {inline(row['id'])}:\n\n"
        + block(f"{questions[row['problem_id']]}\n\n{row['program'] or row['completion'] or ''}")
        for mark in _FOUND
        for row in counts.shown.get(mark, ())
    ]
    head = "## Right answers by suspicious ways\n\n"
    return head + "\n".join([markdown_table(("mark", "the program", "right samples", "share"), rows), *shown])


def _making(origin: Origin, counts: Counts) -> str:
    amount = f"{counts.cost:,.2f}" if counts.cost >= 1 else f"{counts.cost:.2g}"
    cost = f"{amount} {origin.currency}".strip() if counts.cost else "none"
    rows = [
        ("run", origin.run),
        ("date", origin.created),
        ("problems", origin.source),
        ("licence of the problems", origin.license),
        ("teacher", origin.teacher),
        *((name, value if isinstance(value, str) else json.dumps(value)) for name, value in origin.sampling.items()),
        ("prompt tokens", f"{counts.tokens['prompt_tokens']:,}"),
        ("completion tokens", f"{counts.tokens['completion_tokens']:,}"),
        ("cost", cost),
        ("verifier", ", ".join(sorted(counts.verifiers))),
    ]
    return (
        f"## How they were made\n\n{markdown_table(('', ''), rows)}\n"
        "The licence is that of the problems. What a teacher writes may fall under terms of its own.\n"
    )


def _loading(origin: Origin) -> str:
    folder, files = json.dumps(origin.folder), json.dumps(f"{origin.folder}/*.parquet")
    return (
        "## Loading\n\nFrom the folder of this card:\n\n```python\nimport pyarrow.dataset\n\n"
        f'samples = pyarrow.dataset.dataset({folder}, format="parquet", exclude_invalid_files=True).to_table()\n```\n\n'
        "```python\nimport datasets\n\n"
        f'samples = datasets.load_dataset("parquet", data_files={files}, split="train")\n```\n'
    )
