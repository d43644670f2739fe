"""What a client hears of a request that is not done: one shape, that of OpenAI, for all routes and in streams."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pad_ray.errors import InputError, PadRayError
from pad_ray.serving.backend import DecoderLost, Overloaded

_LOG = logging.getLogger(__name__)
NOBODY_READS = 499  # for logs and figures: its client has gone
_CODES = {404: "not_found", 405: "method_not_allowed"}
_PLAINER = {
    "extra_forbidden": "there is no such field",
    "string_pattern_mismatch": "it is blank, or holds a NUL character",
    "string_unicode": "it is no text that UTF-8 can hold",
    "none_required": "this cannot be done here; leave it out",
}


class ErrorDetail(BaseModel):
    """What went wrong, as OpenAI's clients read it."""

    message: str = Field(description="One line that names the place and, where there is one, the mend.")
    type: Literal["invalid_request_error", "server_error"] = Field(description="Whose it is to mend.")
    param: str | None = Field(None, description="The field of the request, such as `budget.steps`.")
    code: str | None = Field(None, description="For programs: `above_maximum`, `overloaded`, `model_not_found`, …")


class ErrorBody(BaseModel):
    """The body of every answer that is not 2xx."""

    error: ErrorDetail


class Refusal(PadRayError):
    """A request that is not done.

    Args:
        problem, mend: see `PadRayError`.
        status: of HTTP.
        param: the field that it is about.
        code: for programs.
        headers: of the answer, such as `Allow` of a 405.
    """

    def __init__(
        self,
        problem: str,
        mend: str = "",
        status: int = 400,
        param: str | None = None,
        code: str = "invalid_value",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problem, mend)
        self.status, self.param, self.code, self.headers = status, param, code, dict(headers or {})

    @classmethod
    def of(cls, error: Exception) -> Refusal:
        """What a client hears of an error; of one that nobody foresaw only that there was one."""
        match error:
            case Refusal():
                return error
            case Overloaded():
                return cls(error.problem, error.mend or "Ask again later", 503, code="overloaded")
            case DecoderLost():
                return cls(error.problem, error.mend or "Ask again", 503, code="decoder_lost")
            case InputError():
                return cls(error.problem, error.mend)
            case PadRayError():
                return cls(error.problem, error.mend, 500, code="failed")
            case RequestValidationError():
                return _invalid(error)
            case HTTPException(status_code=400):  # of FastAPI alone: nested too deep, or no UTF-8
                return cls("the body cannot be read as JSON", code="invalid_json")
            case HTTPException():
                code = _CODES.get(error.status_code, "invalid_value")
                return cls(error.detail, "", error.status_code, code=code, headers=error.headers)
        _LOG.error("A request failed", exc_info=error)
        return cls("the server failed", "Its log says why", 500, code="internal_error")

    def body(self) -> dict[str, dict[str, str | None]]:
        """`ErrorBody` as JSON has it. Text that UTF-8 cannot hold is escaped."""
        whose = "invalid_request_error" if self.status < 500 else "server_error"
        message = str(self).encode("utf-8", "backslashreplace").decode()
        return {"error": {"message": message, "type": whose, "param": self.param, "code": self.code}}

    def response(self, retry_after: int) -> JSONResponse:
        """The answer; one that is worth asking for again says after how many seconds."""
        headers = dict(self.headers)
        if self.status == 503:
            headers["Retry-After"] = str(retry_after)
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="pad-ray"'
        return JSONResponse(self.body(), self.status, headers)


def refuse_other_media(request: Request) -> None:
    """A dependency of routes that take JSON.

    Raises:
        Refusal: 415, the body calls itself something else.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        given = f"`{media}`" if media else "nothing"
        raise Refusal(f"content-type says {given}", "Send application/json", 415, code="unsupported_media_type")


def _invalid(error: RequestValidationError) -> Refusal:
    """The first complaint, with the field it is about; what was given is not repeated."""
    first = error.errors()[0]
    place = [str(part) for part in first["loc"][1:]]
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "broken")
        return Refusal(f"the body is no JSON: {reason}, at character {''.join(place)}", code="invalid_json")
    name = ".".join(place)
    message = _PLAINER.get(first["type"], first["msg"])
    return Refusal(f"`{name}`: {message}" if name else f"the body: {message}", param=name or None)
