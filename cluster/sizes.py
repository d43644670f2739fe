"""How many CPUs the sandbox wants beside the teacher's GPUs, and what many samples take. Computed, not measured.

python cluster/sizes.py [--gpus 64] [--samples 10000000] [--tokens-per-second 5000] [--tokens 150] [--timeouts 0.01]

What a program costs is measured (RESULTS.md); how many tokens a second a GPU writes is for you to say: it depends on
model and GPU, and we have none.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

# RESULTS.md, Sandbox: programs a CPU second, of `Verifier` in Ray Data, and of tier 2.
JUDGED, TIER_2 = 3494, 227
# RESULTS.md, Fidelity: 39 of 10,923 real programs were not answered by tier 1.
TIER_2_SHARE = 39 / 10_923
# Seconds that a program which does not end has in tier 1 (`Limits.monty_seconds`).
TIMEOUT_SECONDS = 0.25
# RESULTS.md, On a cluster: the driver's memory beyond 100,000 rows, to a million, while it makes examples (until all
# are sampled it is less), and what it has at 100,000; seconds of one process that makes examples, a row.
DRIVER_BYTES, DRIVER_MIB, EXAMPLE_SECONDS = 625, 400, 0.000366
# The same: CPU seconds a row of all processes, a prompt of four worked examples read and its program run.
ROW_CPU_SECONDS = 0.000359
ENGINE_ROWS, BLOCKS_OF_AN_ENGINE = 128, 8
# `pad_ray.synthesis.part_files.MOST`: so many files of samples become one.
MERGED = 1024


@dataclass(frozen=True)
class Load:
    """What is asked of a cluster.

    Attributes:
        gpus: the teacher's.
        samples: programs to write.
        tokens_per_second: that one GPU writes, of all its requests together. An assumption.
        tokens: of one program.
        timeouts: share of programs that do not end, 0 to 1.
    """

    gpus: int = 64
    samples: int = 10_000_000
    tokens_per_second: float = 5000
    tokens: float = 150
    timeouts: float = 0.01

    @property
    def programs_per_second(self) -> float:
        """Of one GPU."""
        return self.tokens_per_second / self.tokens

    @property
    def cpu_seconds(self) -> float:
        """Of the sandbox and its host, for one program."""
        return 1 / JUDGED + TIER_2_SHARE / TIER_2 + self.timeouts * TIMEOUT_SECONDS

    @property
    def cpus_per_gpu(self) -> float:
        """Of the sandbox."""
        return self.programs_per_second * self.cpu_seconds

    @property
    def seconds(self) -> float:
        """Until all are written."""
        return self.samples / (self.programs_per_second * self.gpus)

    @property
    def blocks(self) -> int:
        """Blocks of samples, each written as a Parquet file."""
        return -(-self.samples // (ENGINE_ROWS // BLOCKS_OF_AN_ENGINE))

    @property
    def files(self) -> int:
        """Files that are there at once where merging keeps pace: merged ones, and the parts of two merges."""
        return self.blocks // MERGED + 2 * MERGED

    @property
    def driver_gib(self) -> float:
        """Memory of the driver at its most, which is when it makes examples."""
        return DRIVER_MIB / 2**10 + self.samples * DRIVER_BYTES / 2**30


def per_gpu_table() -> str:
    """Sandbox CPUs for one GPU, by tokens a second and by share of programs that do not end."""
    shares = (0, 0.01, 0.05)
    lines = [
        "| tokens/s of a GPU (assumed) | programs/s of a GPU | "
        + " | ".join(f"{s:.0%} do not end" for s in shares)
        + " |",
        "|---:|---:|" + "---:|" * len(shares),
    ]
    for speed in (1000, 2500, 5000, 10_000):
        cpus = (f"{Load(tokens_per_second=speed, timeouts=share).cpus_per_gpu:.3f}" for share in shares)
        programs = Load(tokens_per_second=speed).programs_per_second
        lines.append(f"| {speed:,} | {programs:.0f} | {' | '.join(cpus)} |")
    return "\n".join(lines)


def whole_table(load: Load) -> str:
    """What all samples take."""
    rate = load.programs_per_second * load.gpus
    rows = {
        "tokens": f"{load.samples * load.tokens:,.0f}",
        "time on the GPUs": f"{load.seconds / 60:,.0f} min ({load.seconds * load.gpus / 3600:,.0f} GPU hours)",
        "programs": f"{rate:,.0f} a second",
        "CPUs of the sandbox": f"{rate * load.cpu_seconds:.1f} busy; twice that to have room",
        "CPUs of all processes but the engines": f"{rate * ROW_CPU_SECONDS:.1f} busy where all programs end",
        "blocks, each a file": f"{load.blocks:,}, {load.blocks / load.seconds:,.0f} a second",
        "files that are there at once": f"{load.files:,}",
        "memory of the driver": f"{load.driver_gib:.1f} GiB",
        "making examples, one process": f"{load.samples * EXAMPLE_SECONDS / 60:,.0f} min",
    }
    return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(Load()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    load = Load(**vars(parser.parse_args()))
    print(per_gpu_table(), whole_table(load), sep="\n\n")


if __name__ == "__main__":
    main()
