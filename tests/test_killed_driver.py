"""The promise of a resume in small, kept by the default tests: the others are in tests/chaos."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.resume import Run, torture, write_run


@pytest.mark.filterwarnings("default")
def test_a_driver_killed_amid_its_samples_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path, "recorded", problems=1000))
    outcome = torture(run, kills=1, victim="driver", seed=1, counter=None)
    assert outcome.kills == 1
    assert outcome.rows == outcome.unique_ids == outcome.requests > 0
    assert (outcome.missing, outcome.changed_files, outcome.misjudged) == (0, 0, 0)
