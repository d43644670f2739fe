"""How many words in a row make an overlap: what each length finds of a leak, and flags of what is none.

    PAD_RAY_DATA=/path/to/data python tests/bench/overlap.py          (about 10 s)

GSM-hard's changed questions are GSM8K test questions with other numbers: a leak. GSM8K's training set and the
quickstart's problems are none. pad_ray/contamination.py quotes the table.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from pad_ray.benchmarks import State, benchmark_named, coverage, load_benchmark
from pad_ray.contamination import Overlap
from pad_ray.problems import load_problems, read_problems


def main() -> None:
    folder = Path(os.environ.get("PAD_RAY_DATA", Path(__file__).parents[3] / "shared" / "data"))
    gsm8k = benchmark_named("gsm8k")
    if coverage(gsm8k, folder).state is State.MISSING:
        sys.exit(f"no data sets in {folder}: set PAD_RAY_DATA")
    changed = [p.question for p in load_benchmark("gsm_hard", folder) if not p.meta.get("same_question_as_gsm8k")]
    train = [p.question for p in read_problems(folder / "gsm8k/train.jsonl")]
    quickstart = [p.question for p in load_problems("quickstart")["train"]]
    for words in (5, 6, 7, 8, 9, 10, 11, 13, 15):
        source, every = Overlap([gsm8k], folder, words), Overlap(folder=folder, words=words)
        flagged = [every.of(question) for question in train]
        print(
            f"{words:2} words: leaks found {sum(bool(source.of(q)) for q in changed)} of {len(changed)};",
            f"train flagged {sum(map(bool, flagged))} of {len(train)};",
            f"quickstart flagged {sum(bool(every.of(q)) for q in quickstart)} of {len(quickstart)};",
            f"train by set {dict(Counter(name for names in flagged for name in names).most_common(4))}",
        )


if __name__ == "__main__":
    main()
