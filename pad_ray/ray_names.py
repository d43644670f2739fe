"""What parts of a run are called in Ray's dashboard, so that those of two runs are told apart."""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")


def ray_name(run: str, stage: str) -> str:
    """The name of a run's stage: `RUN-STAGE`, of letters that Ray takes into names of files."""
    return re.sub(r"[^\w.-]+", "-", "-".join(filter(None, (run, stage))))


def named(worker: type[T], name: str) -> type[T]:
    """A class for Ray Data's actors, which go by the name of their class and cannot be given another.

    Args:
        worker: the class.
        name: see `ray_name`; empty leaves the class as it is.
    """
    return type(f"{worker.__name__} {name}", (worker,), {"__doc__": worker.__doc__}) if name else worker
