"""How much may wait between two steps of a stream.

Ray Data lets rows wait by the gigabyte: programs are small, so behind a judge that is held up (by a program that needs
all of its time, say) thousands of completions would wait in memory, paid for and on no disk. Here a step takes no
block while one waits for the step after it. What a kill costs is then what the teacher has in hand, and a few blocks.
"""

from __future__ import annotations

from typing import Any

_WAITING = 1  # blocks before each step; the steps have blocks in hand besides
_SETTING = "backpressure_policies.enabled"  # of Ray Data's context, made for policies of others


class ShortQueues:
    """A policy of Ray Data's executor (`BackpressurePolicy`), which asks it before each task.

    Args:
        context: Ray Data's context.
        topology: the steps (`PhysicalOperator`) with their queues (`OpState`).
        resources: Ray Data's own account of memory.
    """

    name = "ShortQueues"

    def __init__(self, context: Any, topology: Any, resources: Any) -> None:
        self._topology = topology

    def can_add_input(self, step: Any) -> bool:
        """Whether a step may take a block: none may wait for the step after it."""
        return all(self._topology[after].total_enqueued_input_blocks() < _WAITING for after in step.output_dependencies)

    def max_task_output_bytes_to_read(self, step: Any) -> None:
        """What tasks have made is always taken."""


def shorten_queues(context: Any) -> None:
    """Adds the policy to a `ray.data.DataContext`."""
    from ray.data._internal.execution.backpressure_policy import ENABLED_BACKPRESSURE_POLICIES

    context.set_config(_SETTING, [*ENABLED_BACKPRESSURE_POLICIES, ShortQueues])
