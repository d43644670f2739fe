"""What every test may use. Nothing here stands in for a part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# How long an example takes is for benchmarks: other work on the machine must fail no test.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent

# Set before any library reads them, and inherited by the processes that tests start: no test asks a model hub
# for anything, and none reports its use to anybody.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with the public data sets (`PAD_RAY_DATA`); a test that needs it is skipped without it."""
    folder = Path(os.environ.get("PAD_RAY_DATA", ROOT / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no data sets in {folder}: set PAD_RAY_DATA")
    return folder
