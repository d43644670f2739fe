"""The description of the routes: for programs as OpenAPI, for people as a page that loads nothing."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from pad_ray.serving.messages import StepEvent
from pad_ray.serving.refusals import ErrorBody
from pad_ray.serving.settings import ServeConfig

ABOUT = (
    "Solves questions by programs: a small model writes them, and every statement is run before it is kept. "
    "`/v1/solve` tells all that was considered; `/v1/chat/completions` answers OpenAI's clients."
)
_WHY = {
    400: "The request cannot be understood, or asks for more than a maximum.",
    401: "No valid bearer token.",
    408: "The body took too long.",
    413: "The body is too long.",
    415: "The body is not application/json.",
    503: "Too much is being asked at once, or a decoder died; `Retry-After` says when to ask again.",
}
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": why} for status, why in _WHY.items()
}
FAILURES[503]["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
FAILURES["default"] = {"model": ErrorBody, "description": "Any other failure."}
_REF = "#/components/schemas/{model}"
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event.",
    "properties": {
        "event": {"type": "string", "description": "Of `/v1/solve`: `step`, `answer` or `error`."},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
    "required": ["data"],
}
OR_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer; with `stream`, server-sent events of which it is the last.",
        "content": {"text/event-stream": {"schema": _EVENT}},
    }
}


def describe(app: FastAPI, config: ServeConfig, guarded: bool) -> Callable[[], dict[str, Any]]:
    """What gives the OpenAPI document: the maxima of this server are in it.

    Args:
        app: with all its routes.
        config: knows the maxima.
        guarded: a bearer token is asked for.
    """

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            whole = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _put_events(whole)
            _put_maxima(whole["components"]["schemas"], config)
            if guarded:
                whole["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
                for path, methods in whole["paths"].items():
                    for operation in methods.values() if path.startswith("/v1/") else ():
                        operation["security"] = [{"bearer": []}]
            app.openapi_schema = whole
        return app.openapi_schema

    return document


def _put_events(whole: dict[str, Any]) -> None:
    """Says what the events of `/v1/solve` hold."""
    schemas = whole["components"]["schemas"]
    schemas["StepEvent"] = TypeAdapter(StepEvent).json_schema(ref_template=_REF)
    content = whole["paths"]["/v1/solve"]["post"]["responses"]["200"]["content"]["text/event-stream"]
    kinds = [{"$ref": _REF.format(model=name)} for name in ("StepEvent", "SolveAnswer", "ErrorBody")]
    data = {**_EVENT["properties"]["data"], "contentSchema": {"oneOf": kinds}}
    content["schema"] = {**_EVENT, "properties": {**_EVENT["properties"], "data": data}}


def _put_maxima(schemas: dict[str, Any], config: ServeConfig) -> None:
    maxima = config.maxima.model_dump()
    for model, names in {
        "SolveRequest": ("beams", "candidates", "samples", "max_tokens"),
        "SearchRequest": ("beams", "candidates", "samples"),
        "BudgetRequest": ("steps", "tokens", "seconds"),
    }.items():
        for name in names:
            schemas[model]["properties"][name]["anyOf"][0]["maximum"] = maxima[name]
    schemas["SolveRequest"]["properties"]["question"]["maxLength"] = config.maxima.question_characters


def page_of(document: dict[str, Any]) -> str:
    """The routes as a page in HTML."""
    rows = [
        f"<dt><code>{method.upper()} {escape(path)}</code></dt><dd>{escape(operation.get('summary', ''))}</dd>"
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}: routes</title>'
        f"<h1>Routes</h1><p>{escape(info['description'])}</p><dl>{''.join(rows)}</dl>"
        '<p>All fields, limits and errors are in <a href="openapi.json">openapi.json</a>.</p></html>'
    )
