"""What the ingress needs of whatever decodes: Ray Serve in use, a decoder in the same process in tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from pad_ray.errors import PadRayError
from pad_ray.serving.messages import Event, Job


class DecoderLost(PadRayError):
    """The replica that worked on a job died, or its engine did, and no step of it could be asked for elsewhere.

    The same job may be given again.
    """


class Overloaded(PadRayError):
    """All replicas have as much waiting as they may; asking again later helps."""


class Backend(Protocol):
    """Decodes jobs; many at once."""

    def solve(self, job: Job) -> AsyncGenerator[Event]:
        """The events of a job: any number of steps, then one answer.

        Closing the generator cancels the job: nothing is generated for it any more.

        Raises:
            DecoderLost, Overloaded: see there.
            PadRayError: the job cannot be done at all.
        """
        ...

    async def ready(self) -> bool:
        """Whether a job would be answered now: the model is loaded."""
        ...
