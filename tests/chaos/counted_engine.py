"""Counts what a vLLM engine is asked: its scheduler leaves a byte in a file for each request that it takes.

The count is the engine's own and outlives any process: a request that is taken counts, whether it was begun or not, so
what is asked twice is never told smaller than it is. vLLM makes the scheduler from its setting `scheduler_cls`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FILE = "PAD_RAY_CHAOS_ASKED"
SETTING = {"scheduler_cls": f"{__name__}.counting_scheduler"}


def counting_scheduler(vllm_config: Any, **parts: Any) -> Any:
    """The scheduler that vLLM would make, which counts."""
    from vllm.v1.core.sched.async_scheduler import AsyncScheduler
    from vllm.v1.core.sched.scheduler import Scheduler

    scheduler: Any = (AsyncScheduler if vllm_config.scheduler_config.async_scheduling else Scheduler)(
        vllm_config=vllm_config, **parts
    )
    take = scheduler.add_request
    file = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def counted(request: Any) -> None:
        os.write(file, b".")
        take(request)

    scheduler.add_request = counted
    return scheduler


class EngineCount:
    """Reads the count.

    Args:
        path: the file; it is named to the engines by an environment variable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def asked(self) -> int:
        """Requests that engines took so far."""
        return self.path.stat().st_size if self.path.exists() else 0
