"""What synthesis costs beside its engine: tokens a second of the whole stream against the same engine fed directly.

    python -m tests.bench.synthesis [--requests N] [--rounds N]        (about three minutes a round)

Both arms have the embedded model, the quickstart's prompts, greedy completions of at most 48 tokens, the same engine
arguments, and the engine's computing pinned to core 0. The stream is timed from the first block of requests that goes
to the engine to the last file of judged samples, `LLM.generate` from its call to its return: the start of an engine is
in neither. The stream's own processes have the other cores. The arms take turns in being first, and the median of the
rounds' ratios counts; the load that others put on the machine while an arm ran is told beside it, since on a busy
machine the ratio says little.
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
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import psutil

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
    """One arm of one round.

    Attributes:
        busy: cores that were at work on average, whoever used them.
    """

    rows: int
    tokens: int
    seconds: float
    busy: float = 0.0

    @property
    def rate(self) -> float:
        """Tokens written a second."""
        return self.tokens / self.seconds


class Stamp:
    """Ray Data callable that passes blocks on; leaves time and the machine's CPU time at the first one in a file."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, batch: Any) -> Any:
        with suppress(FileExistsError), open(self._path, "x") as file:
            file.write(json.dumps([time.time(), _cpu_seconds()]))
        return batch


@dataclass(frozen=True)
class TimedTeacher(Teacher):
    """A teacher that notes when the first block goes to it.

    Attributes:
        stamp: the file for that.
    """

    stamp: str = ""

    def complete(
        self, requests: Any, resources: ResourcesConfig, tally: Any, spent: float = 0.0, name: str = ""
    ) -> Any:
        stamped = requests.map_batches(Stamp(self.stamp), batch_size=None, batch_format="pyarrow", zero_copy_batch=True)
        return super().complete(stamped, resources, tally, spent, name)


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


def ask(config: RunConfig, folder: Path) -> Path:
    """Writes the run's requests, and a file with them for the engine alone."""
    pipeline = Pipeline(config)
    pipeline.prepare()
    asked = folder / "asked.json"
    rows = [row for rows in pipeline.sampling.requests.batches(["prompt", "sampling"]) for row in rows]
    asked.write_text(json.dumps(rows))
    return asked


def _cpu_seconds() -> float:
    """CPU time of all processes of the machine since it started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def stream(config: RunConfig, folder: Path) -> tuple[Measure, Path]:
    """The stream's measure, and a file with what was asked."""
    import ray

    asked, pipeline = ask(config, folder), Pipeline(config)
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
            rules=pipeline.sampling.rules,
            resources=config.resources,
        )
        worked = _cpu_seconds()
    finally:
        ray.shutdown()
    if facts["unanswered"]:
        raise SystemExit(f"{facts['unanswered']} requests failed: {facts['first_error']}")
    ended = max(path.stat().st_mtime for path in Path(samples.storage.path).glob("*.parquet"))
    begun, worked_before = json.loads(stamp.read_text())
    seconds = ended - begun
    return Measure(facts["rows"], facts["tokens"], seconds, (worked - worked_before) / seconds), asked


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
    begun, worked = time.perf_counter(), _cpu_seconds()
    outputs = engine.generate([row["prompt"] for row in rows], sampling, use_tqdm=False)
    seconds = time.perf_counter() - begun
    tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
    measure = Measure(len(outputs), tokens, seconds, (_cpu_seconds() - worked) / seconds)
    result.write_text(json.dumps(asdict(measure)))


@dataclass(frozen=True)
class Round:
    """Both arms, one after the other."""

    stream: Measure
    direct: Measure

    @property
    def ratio(self) -> float:
        """Tokens a second of the stream, against the engine's."""
        return self.stream.rate / self.direct.rate


def one_round(requests: int, stream_first: bool) -> Round:
    """Runs both arms over the same requests."""
    with tempfile.TemporaryDirectory() as name:
        config = settings(Path(name), requests)
        if stream_first:
            streamed, asked = stream(config, Path(name))
            return Round(streamed, direct(asked, config))
        asked = ask(config, Path(name))
        fed = direct(asked, config)
        return Round(stream(config, Path(name))[0], fed)


def table(rounds: list[Round]) -> str:
    """All rounds as Markdown."""
    lines = [
        "| round | arm | requests | tokens | seconds | tokens/s | cores at work | ratio |",
        "|---|---|" + "---:|" * 6,
    ]
    for number, one in enumerate(rounds, start=1):
        for name, arm in (("engine fed directly", one.direct), ("pad-ray's stream", one.stream)):
            ratio = f"{one.ratio:.3f}" if arm is one.stream else ""
            figures = f"{arm.rows} | {arm.tokens:,} | {arm.seconds:.1f} | {arm.rate:.1f} | {arm.busy:.2f} | {ratio}"
            lines.append(f"| {number} | {name} | {figures} |")
    return "\n".join(lines)


def main() -> int:
    """Command line; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--direct", type=Path, nargs=2, help=argparse.SUPPRESS)  # what the second arm's process does
    args = parser.parse_args()
    if args.direct:
        generate(*args.direct)
        return 0
    rounds = [one_round(args.requests, stream_first=bool(number % 2)) for number in range(args.rounds)]
    ratios = sorted(one.ratio for one in rounds)
    print(f"\n{os.cpu_count()} cores, the engine's computing on core 0\n\n{table(rounds)}")
    middle = statistics.median(ratios)
    print(f"\nratio {middle:.3f} ({ratios[0]:.3f} – {ratios[-1]:.3f}), aim {AIM:.2f}")
    return 0 if middle >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
