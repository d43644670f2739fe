"""What synthesis costs beside its engine: tokens a second of the whole stream against the same engine fed directly.

    python -m tests.bench.synthesis [--requests N] [--rounds N]        (some minutes)

Both arms have the embedded model, the quickstart's prompts, greedy completions of at most 48 tokens, the same engine
arguments, and the engine's computing pinned to core 0. The stream is timed from the first block of requests that goes
to the engine to the last file of judged samples, `LLM.generate` from its call to its return: the start of an engine is
in neither. The arms take turns, and the median of the rounds counts. The stream's own processes have the other cores;
on a busy machine the ratio says little.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pad_ray.config import ResourcesConfig, RunConfig, load_config
from pad_ray.generation.teachers import Teacher
from pad_ray.generation.vllm import engine_config
from pad_ray.models import embedded_model
from pad_ray.pipeline import Pipeline
from pad_ray.runtime import start_ray
from pad_ray.synthesis.stream import sample_and_judge

AIM = 0.90
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measure:
    """One arm of one round."""

    rows: int
    tokens: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tokens written a second."""
        return self.tokens / self.seconds


class Stamp:
    """Ray Data callable that passes blocks on and leaves the time of the first one in a file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, batch: Any) -> Any:
        with suppress(FileExistsError), open(self._path, "x") as file:
            file.write(str(time.time()))
        return batch


@dataclass(frozen=True)
class TimedTeacher(Teacher):
    """A teacher that notes when the first block goes to it.

    Attributes:
        stamp: the file for that.
    """

    stamp: str = ""

    def complete(self, requests: Any, resources: ResourcesConfig, tally: Any, spent: float = 0.0) -> Any:
        stamped = requests.map_batches(Stamp(self.stamp), batch_size=None, batch_format="pyarrow", zero_copy_batch=True)
        return super().complete(stamped, resources, tally, spent)


def settings(folder: Path, requests: int) -> RunConfig:
    """The quickstart with as many problems as requests."""
    changes = {
        "runs": folder,
        "problems.sizes.train": requests,
        "teacher.samples": 1,
        "teacher.temperature": 0,
        "teacher.max_tokens": 48,
        "resources.engine_cores": '"0"',
    }
    return load_config(_ROOT / "jobs" / "quickstart.yaml", [f"{key}={value}" for key, value in changes.items()])


def stream(config: RunConfig, folder: Path) -> tuple[Measure, Path]:
    """The stream's measure, and a file with what was asked."""
    import ray

    pipeline = Pipeline(config)
    pipeline.prepare()
    requests, samples = pipeline.sampling.requests, pipeline.sampling.samples
    stamp = folder / "stamp"
    teacher = TimedTeacher(**vars(Teacher.of(config.teacher)), stamp=str(stamp))
    start_ray(config.resources)
    try:
        facts = sample_and_judge(
            requests,
            samples,
            teacher=teacher,
            recipe=config.recipe,
            verification=config.verification,
            resources=config.resources,
        )
    finally:
        ray.shutdown()
    if facts["unanswered"]:
        raise SystemExit(f"{facts['unanswered']} requests failed: {facts['first_error']}")
    ended = max(path.stat().st_mtime for path in Path(samples.storage.path).glob("*.parquet"))
    asked = folder / "asked.json"
    asked.write_text(json.dumps([row for rows in requests.batches(["prompt", "sampling"]) for row in rows]))
    return Measure(facts["rows"], facts["tokens"], ended - float(stamp.read_text())), asked


def direct(asked: Path, config: RunConfig) -> Measure:
    """The engine's measure, from a process of its own: its settings are read when it is imported."""
    result = asked.with_name("direct.json")
    engine = engine_config(str(embedded_model()), config.resources)
    command = [sys.executable, "-m", "tests.bench.synthesis", "--direct", str(asked), str(result)]
    environment = {**os.environ, **engine.runtime_env["env_vars"], "ENGINE": json.dumps(engine.engine_kwargs)}
    subprocess.run(command, env=environment, cwd=_ROOT, check=True)
    return Measure(**json.loads(result.read_text()))


def generate(asked: Path, result: Path) -> None:
    """Gives all prompts to an engine at once."""
    from vllm import LLM, EngineArgs, SamplingParams

    rows = json.loads(asked.read_text())
    known = {field.name for field in fields(EngineArgs)}  # Ray Data keeps words of its own among them
    arguments = {key: value for key, value in json.loads(os.environ["ENGINE"]).items() if key in known}
    engine = LLM(model=str(embedded_model()), **arguments)
    sampling = [SamplingParams(**json.loads(row["sampling"])) for row in rows]
    begun = time.perf_counter()
    outputs = engine.generate([row["prompt"] for row in rows], sampling, use_tqdm=False)
    seconds = time.perf_counter() - begun
    tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
    result.write_text(json.dumps({"rows": len(outputs), "tokens": tokens, "seconds": seconds}))


def table(streams: list[Measure], directs: list[Measure]) -> str:
    """The medians as Markdown."""
    lines = ["| arm | requests | tokens | seconds | tokens/s | ratio |", "|---|---:|---:|---:|---:|---:|"]
    base = statistics.median(one.rate for one in directs)
    for name, arm in (("the engine fed directly", directs), ("pad-ray's stream", streams)):
        seconds, rate = (statistics.median(getattr(one, what) for one in arm) for what in ("seconds", "rate"))
        lines.append(f"| {name} | {arm[0].rows} | {arm[0].tokens:,} | {seconds:.1f} | {rate:.1f} | {rate / base:.3f} |")
    return "\n".join(lines)


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--direct", type=Path, nargs=2, help=argparse.SUPPRESS)  # what the second arm's process does
    args = parser.parse_args()
    if args.direct:
        generate(*args.direct)
        return 0
    streams, directs = [], []
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as name:
            config = settings(Path(name), args.requests)
            measure, asked = stream(config, Path(name))
            streams.append(measure)
            directs.append(direct(asked, config))
    print(f"\n{os.cpu_count()} cores, engine on core 0, load {os.getloadavg()[0]:.1f}, {args.rounds} rounds\n")
    print(table(streams, directs))
    ratio = statistics.median(one.rate for one in streams) / statistics.median(one.rate for one in directs)
    print(f"\nratio {ratio:.3f}, aim {AIM:.2f}")
    return 0 if ratio >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
