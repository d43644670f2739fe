"""A working directory for commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.bad_input import write_folder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with all that a run needs, so that each test breaks just one thing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)  # files would be looked for there too
    monkeypatch.delenv("RAY_DASHBOARD_ADDRESS", raising=False)
    write_folder(tmp_path)
    return tmp_path
