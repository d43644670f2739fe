"""Whether the parts that a run rests on really start here: each is started, and does a small piece of its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

from pad_ray.config import RunConfig
from pad_ray.doctor.check import Check

_SECONDS = 600
_MEND = "See the versions above; `make setup` installs a set that runs together"


def start_checks(config: RunConfig, quick: bool) -> Iterator[Check]:
    """Sandbox, vLLM, DeepSpeed."""
    yield _sandbox()
    for name, module, needed in (
        ("vLLM", "vllm", True),
        ("DeepSpeed", "deepspeed", True),
    ):
        if find_spec(module) is None:
            yield Check(name, "bad" if needed else "note", "is not installed", "Run `make setup`")
        elif quick:
            yield Check(name, "note", "is installed; not started (--quick)")
        else:
            yield _started(name, f"pad_ray.doctor.start_{module}")


def _sandbox() -> Check:
    from pad_ray.sandbox import Sandbox, SandboxError, Tier

    began = time.monotonic()
    programs = {Tier.MONTY: "def solution():\n    return 6 * 7\n", Tier.CPYTHON: "def solution():\n    return 42\n"}
    try:
        for tier, program in programs.items():
            with Sandbox(tiers=(tier,)) as sandbox:
                [execution] = sandbox.run([program])
            if execution.value != 42:
                return Check("sandbox", "bad", f"{tier}: {execution.status} {execution.message}", "")
    except SandboxError as error:
        return Check("sandbox", "bad", error.problem, error.mend)
    says = f"both tiers ran a program ({time.monotonic() - began:.1f} s); `pad-ray doctor --sandbox` tries to escape"
    return Check("sandbox", "good", says)


def _started(name: str, module: str) -> Check:
    """Runs a module that starts a part and prints one JSON object of what it did."""
    began = time.monotonic()
    environment = {"TOKENIZERS_PARALLELISM": "false", "VLLM_NO_USAGE_STATS": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=os.environ | environment,
        )
    except subprocess.TimeoutExpired:
        return Check(name, "bad", f"did not start within {_SECONDS} s", _MEND)
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not told:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return Check(name, "bad", f"did not start: {lines[-1] if lines else f'exit code {done.returncode}'}", _MEND)
    says = json.loads(told[-1])["says"]
    return Check(name, "good", f"{says} ({time.monotonic() - began:.0f} s)")
