"""Who may ask, how much may be sent, how many at once, and what stays open."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from pad_ray.errors import ConfigError
from pad_ray.serving.guards import TOKENS, BodyLimit
from tests.serving.backends import ANSWER, Told, step
from tests.serving.web import QUESTION, app_of, ask, chat, client_of, error_of, served, solve

JSON = {"content-type": "application/json"}
MEGABYTES_100 = 100 << 20


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "tokens"
    file.write_text("first\n\nsecond\n", encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer third", "Basic first", "first", "Bearer first second"])
def test_without_a_token_nothing_is_solved(token_file: str, header: str | None) -> None:
    backend = Told([ANSWER])
    headers = {"authorization": header} if header else {}
    response = ask(
        app_of(backend, token_file=token_file), "POST", "/v1/solve", json={"question": QUESTION}, headers=headers
    )
    assert (response.status_code, error_of(response)["code"]) == (401, "invalid_api_key")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert not backend.jobs


@pytest.mark.parametrize("header", ["Bearer first", "bearer second"])
def test_any_of_the_tokens_opens(token_file: str, header: str) -> None:
    app = app_of(Told([ANSWER]), token_file=token_file)
    assert ask(app, "GET", "/v1/models", headers={"authorization": header}).status_code == 200


def test_tokens_of_the_environment_open_too(token_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKENS, "third, fourth")
    app = app_of(Told([ANSWER]), token_file=token_file)
    for token in ("first", "fourth"):
        assert ask(app, "GET", "/v1/models", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert ask(app, "GET", "/v1/models", headers={"authorization": "Bearer third, fourth"}).status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs", "/", "/page/app.js"])
def test_health_documents_and_page_need_no_token(token_file: str, path: str) -> None:
    assert ask(app_of(Told([ANSWER]), token_file=token_file), "GET", path).status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/../v1/models", "//v1/models", "/elsewhere", "/pages"])
def test_whatever_is_not_known_to_be_open_is_closed(token_file: str, path: str) -> None:
    assert ask(app_of(Told([ANSWER]), token_file=token_file), "GET", path).status_code == 401


def test_a_route_prefix_opens_nothing(token_file: str) -> None:
    app = app_of(Told([ANSWER]), token_file=token_file)
    app.root_path = "/student"
    assert ask(app, "GET", "/student/v1/models").status_code == 401


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_file_without_a_token_opens_the_service_to_nobody(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no token"):
        app_of(Told([ANSWER]), token_file=str(file))


def test_an_empty_list_in_the_environment_opens_the_service_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKENS, "")
    with pytest.raises(ConfigError, match=TOKENS):
        app_of(Told([ANSWER]))


def test_a_missing_token_file_is_named() -> None:
    with pytest.raises(ConfigError, match="/nowhere/tokens"):
        app_of(Told([ANSWER]), token_file="/nowhere/tokens")


def test_a_body_that_says_it_is_too_long_is_not_read() -> None:
    with served(app_of(Told([ANSWER]))) as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        connection.putrequest("POST", "/v1/solve")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(MEGABYTES_100))
        connection.endheaders()
        # Answered though not one byte of it was sent.
        assert connection.getresponse().status == 413
        connection.close()


def test_a_streamed_body_is_read_no_further_than_its_limit() -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(MEGABYTES_100 >> 16):
            read += 1 << 16
            yield b" " * (1 << 16)

    async def asked() -> int:
        async with client_of(app_of(Told([ANSWER]), maxima={"body_bytes": 200_000})) as client:
            return (await client.post("/v1/solve", content=body(), headers=JSON)).status_code

    assert asyncio.run(asked()) == 413
    assert read == 4 << 16


def test_100_megabytes_at_a_real_server_are_refused_and_it_goes_on_serving() -> None:
    with served(app_of(Told([ANSWER]))) as address, httpx.Client(base_url=address, timeout=120) as client:
        response = client.post("/v1/solve", content=(b" " * (1 << 20) for _ in range(100)), headers=JSON)
        assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")
        assert client.post("/v1/solve", json={"question": QUESTION}).json()["answer"] == "7"


def test_a_body_that_never_comes_is_not_awaited_for_ever() -> None:
    sent: list[dict[str, object]] = []

    async def nothing() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def never(scope: object, receive: object, send: object) -> None:
        raise AssertionError("the application was asked")

    heard: list[int] = []
    guard = BodyLimit(never, 10, lambda scope, refusal: heard.append(refusal.status), slowest=0.01)
    asyncio.run(guard({"type": "http", "method": "POST", "path": "/", "headers": []}, nothing, send))
    assert (sent[0]["status"], heard) == (408, [408])


def test_one_request_too_many_is_turned_away_at_once_and_the_next_finds_a_place() -> None:
    async def main() -> list[int]:
        go = asyncio.Event()
        backend = Told([go, ANSWER])
        asked = {"json": {"question": QUESTION}}
        async with client_of(app_of(backend, queue={"in_flight": 1, "retry_after": 4})) as client:
            first = asyncio.create_task(client.post("/v1/solve", **asked))  # type: ignore[arg-type]
            await backend.begun.wait()
            second = await client.post("/v1/solve", **asked)  # type: ignore[arg-type]
            assert second.headers["retry-after"] == "4"
            assert error_of(second)["code"] == "overloaded"
            go.set()
            third_after = [(await first).status_code, second.status_code]
            return [*third_after, (await client.post("/v1/solve", **asked)).status_code]  # type: ignore[arg-type]

    assert asyncio.run(main()) == [200, 503, 200]


@pytest.mark.parametrize("fields", [{"stream": True}, {"beams": 99}, {}])
def test_every_request_gives_its_place_back(fields: dict[str, object]) -> None:
    app = app_of(Told([step(1), ANSWER]), queue={"in_flight": 1})
    assert [solve(app, **fields).status_code for _ in range(3)].count(503) == 0
    assert chat(app, stream=True).status_code == 200


def test_a_service_that_is_not_ready_says_when_to_ask_again() -> None:
    class Loading(Told):
        async def ready(self) -> bool:
            return False

    response = ask(app_of(Loading([ANSWER])), "GET", "/readyz")
    assert (response.status_code, response.headers["retry-after"], error_of(response)["code"]) == (
        503,
        "2",
        "not_ready",
    )
    assert ask(app_of(Loading([ANSWER])), "GET", "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/page/style.css", "/docs", "/v1/models", "/nowhere"])
def test_browsers_are_told_to_load_nothing_from_elsewhere(path: str) -> None:
    headers = ask(app_of(Told([ANSWER])), "GET", path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_can_be_left_out() -> None:
    assert ask(app_of(Told([ANSWER]), page=False), "GET", "/").status_code == 404


@pytest.mark.parametrize("path", ["/page/../ingress.py", "/page/%2e%2e/ingress.py", "/page/..%2fingress.py"])
def test_only_the_page_is_served_as_files(path: str) -> None:
    assert ask(app_of(Told([ANSWER])), "GET", path).status_code == 404


def test_a_question_waits_for_no_model_that_is_not_loaded() -> None:
    class Loading(Told):
        loaded = False

        async def ready(self) -> bool:
            return self.loaded

    backend = Loading([ANSWER])
    app = app_of(backend)
    early = ask(app, "POST", "/v1/solve", json={"question": "?"})
    backend.loaded = True
    later = ask(app, "POST", "/v1/solve", json={"question": "?"})
    assert (early.status_code, "retry-after" in early.headers, later.status_code) == (503, True, 200)


def test_a_wrong_method_is_told_the_right_one() -> None:
    response = ask(app_of(Told([ANSWER])), "TRACE", "/v1/solve")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
