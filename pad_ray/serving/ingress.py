"""The web service, of any backend: what clients ask by HTTP. Nothing here knows Ray Serve."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from pad_ray.errors import PadRayError
from pad_ray.serving.backend import Backend
from pad_ray.serving.connection import ClientGone
from pad_ray.serving.desk import Desk
from pad_ray.serving.metrics import Metrics
from pad_ray.serving.refusals import Refusal
from pad_ray.serving.requests import Jobs
from pad_ray.serving.settings import ServeConfig
from pad_ray.serving.solve_route import SolveRoute

_NOBODY_READS = 499


def build_ingress(config: ServeConfig, backend: Backend) -> FastAPI:
    """The application.

    Args:
        config: what is served, and its limits.
        backend: decodes.

    Raises:
        ConfigError: the settings contradict each other.
    """
    metrics = Metrics()
    desk, jobs = Desk(backend, config.queue, metrics), Jobs(config)
    app = FastAPI(title="pad-ray", docs_url=None, redoc_url=None)
    app.include_router(SolveRoute(desk, jobs, model_name(config)).router())
    _tell_failures(app, config)
    return app


def model_name(config: ServeConfig) -> str:
    """What clients call the student: the end of its path where it has no other name."""
    return config.name or config.model.rstrip("/").rpartition("/")[2]


def _tell_failures(app: FastAPI, config: ServeConfig) -> None:
    async def tell(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientGone):
            return Response(status_code=_NOBODY_READS)
        return Refusal.of(error).response(config.queue.retry_after)

    for kind in (PadRayError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, tell)
