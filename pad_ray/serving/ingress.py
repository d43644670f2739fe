"""The web service, of any backend: what clients ask by HTTP. Nothing here knows Ray Serve."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from pad_ray.errors import PadRayError
from pad_ray.serving.backend import Backend
from pad_ray.serving.chat_route import ChatRoute
from pad_ray.serving.connection import ClientGone
from pad_ray.serving.desk import Desk
from pad_ray.serving.document import ABOUT, FAILURES, describe, page_of
from pad_ray.serving.guards import BearerTokens, BodyLimit, BrowserHeaders, Refused, read_tokens
from pad_ray.serving.metrics import Metrics
from pad_ray.serving.refusals import NOBODY_READS, Refusal
from pad_ray.serving.requests import Jobs
from pad_ray.serving.settings import ServeConfig
from pad_ray.serving.solve_route import SolveRoute

_PAGE = Path(__file__).parent / "page"


class Health(BaseModel):
    """How the service is."""

    status: str


def build_ingress(config: ServeConfig, backend: Backend) -> FastAPI:
    """The application.

    Args:
        config: what is served, and its limits.
        backend: decodes.

    Raises:
        ConfigError: the settings contradict each other, or hold no token where they should.
    """
    metrics, model, tokens = Metrics(), model_name(config), read_tokens(config.token_file)
    desk, jobs = Desk(backend, config.queue, metrics), Jobs(config)
    app = FastAPI(
        title="pad-ray",
        description=ABOUT,
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lambda _: metrics.kept(),
    )
    silence, longest = config.keep_alive_seconds, config.maxima.max_tokens
    app.include_router(SolveRoute(desk, jobs, model, silence).router(), responses=FAILURES)
    app.include_router(ChatRoute(desk, jobs, model, longest, silence).router(), responses=FAILURES)
    app.include_router(_health(desk))
    _tell_failures(app, config, metrics)
    app.openapi = describe(app, config, bool(tokens))  # type: ignore[method-assign]
    app.add_api_route("/docs", lambda: HTMLResponse(page_of(app.openapi())), include_in_schema=False)
    if config.page and _PAGE.is_dir():
        app.add_api_route("/", lambda: FileResponse(_PAGE / "index.html"), include_in_schema=False)
        app.mount("/page", StaticFiles(directory=_PAGE))
    # The last one added is the first that a request meets.
    refused = _counting(app, metrics)
    app.add_middleware(BodyLimit, most=config.maxima.body_bytes, refused=refused)
    app.add_middleware(BearerTokens, tokens=tokens, refused=refused)
    app.add_middleware(BrowserHeaders)
    return app


def model_name(config: ServeConfig) -> str:
    """What clients call the student: the end of its path where it has no other name."""
    return config.name or config.model.rstrip("/").rpartition("/")[2]


def _health(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["Health"])

    @router.get("/healthz", operation_id="healthz", summary="Whether the process lives")
    async def healthz() -> Health:
        return Health(status="ok")

    @router.get(
        "/readyz", operation_id="readyz", summary="Whether a question would be answered", responses={503: FAILURES[503]}
    )
    async def readyz() -> Health:
        await desk.check_ready()
        return Health(status="ready")

    return router


def _counting(app: FastAPI, metrics: Metrics) -> Refused:
    """What counts the requests that never come as far as a route, by the route that they were for."""

    def refused(scope: Scope, refusal: Refusal) -> None:
        meant = (route for route in app.routes if route.matches(scope)[0] is not Match.NONE)
        metrics.refused(getattr(next(meant, None), "path", "none"), refusal)

    return refused


def _tell_failures(app: FastAPI, config: ServeConfig, metrics: Metrics) -> None:
    async def tell(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientGone):
            return Response(status_code=NOBODY_READS)
        refusal = Refusal.of(error)
        # What a job raised has been counted as the job's end.
        if isinstance(error, Refusal | RequestValidationError | HTTPException):
            metrics.refused(_route_of(request), refusal)
        return refusal.response(config.queue.retry_after)

    for kind in (PadRayError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, tell)


def _route_of(request: Request) -> str:
    """The path of its route, as metrics name it; a client cannot make new names."""
    return getattr(request.scope.get("route"), "path", "none")
