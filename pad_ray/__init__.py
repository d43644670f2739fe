"""pad-ray teaches small language models to reason by writing programs, on a Ray cluster.

    run       a whole configuration: sample, verify, train, evaluate, report
    verify    programs against gold answers, in the sandbox
    solve     questions, by a student

Names load when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pad_ray.api import RunResult, Solution, run, solve, verify
    from pad_ray.config import RunConfig
    from pad_ray.errors import PadRayError
    from pad_ray.verification import Judgement, Verdict

__version__ = "0.1.0"

_HOMES = {
    "Judgement": "pad_ray.verification",
    "PadRayError": "pad_ray.errors",
    "RunConfig": "pad_ray.config",
    "RunResult": "pad_ray.api",
    "Solution": "pad_ray.api",
    "Verdict": "pad_ray.verification",
    "run": "pad_ray.api",
    "solve": "pad_ray.api",
    "verify": "pad_ray.api",
}

__all__ = [
    "Judgement",
    "PadRayError",
    "RunConfig",
    "RunResult",
    "Solution",
    "Verdict",
    "__version__",
    "run",
    "solve",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
