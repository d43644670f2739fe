"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Check:
    """A finding.

    Attributes:
        name: what was looked at.
        state: `good`; `note`, worth knowing, and a run may do without; `bad`, a run would fail.
        says: what was found.
        mend: what to do about it; empty where there is nothing to do.
    """

    name: str
    state: State
    says: str
    mend: str = ""
