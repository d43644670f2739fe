"""Promises of rounds under kill -9: rows that were written survive byte for byte, and the round ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.chaos.rounds import torture, write_run

pytestmark = [pytest.mark.chaos, pytest.mark.filterwarnings("default")]


def test_a_round_whose_driver_dies_in_each_of_its_parts_ends_with_all_its_rows(tmp_path: Path) -> None:
    outcome = torture(write_run(tmp_path, problems=60))
    assert outcome.killed == ["sampling", "training", "evaluation"]
    assert outcome.kept > 0
    assert outcome.changed == 0
    assert outcome.answered == outcome.asked == 120
    assert (outcome.rounds, outcome.reason) == (1, "rounds")
