"""The doctor's findings as lines for people."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence

from pad_ray.doctor.check import Check
from pad_ray.style import DIM, GREEN, RED, YELLOW, styled

_SIGNS = {"good": ("ok  ", GREEN), "note": ("note", YELLOW), "bad": ("BAD ", RED)}
_MARGIN = 28


def print_check(check: Check) -> None:
    """One finding, wrapped to the width of the terminal, with its mend below."""
    word, colour = _SIGNS[check.state]
    width = (min(shutil.get_terminal_size().columns, 120) if sys.stdout.isatty() else 110) - _MARGIN
    says = textwrap.wrap(check.says, width, break_long_words=False, break_on_hyphens=False) or [""]
    print(f"{styled(word, colour)}  {check.name:<{_MARGIN - 7}} {says[0]}")
    mend = (
        textwrap.wrap(f"→ {check.mend}", width, break_long_words=False) if check.mend and check.state != "good" else []
    )
    for line in says[1:]:
        print(f"{'':<{_MARGIN}}{line}")
    for line in mend:
        print(f"{'':<{_MARGIN}}{styled(line, DIM)}", flush=True)
    sys.stdout.flush()


def print_summary(checks: Sequence[Check]) -> None:
    """The verdict on all of it."""
    bad = [check.name for check in checks if check.state == "bad"]
    print()
    if bad:
        print(f"{styled('A run would fail here', RED)}: {', '.join(bad)}.")
    else:
        print(f"{styled('This machine is good for a run.', GREEN)} Next: pad-ray run jobs/quickstart.yaml")
