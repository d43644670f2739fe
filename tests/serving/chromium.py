"""A real headless Chromium, driven by its own DevTools protocol: pages are opened, keys pressed, pictures taken."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from tests.screenshots import CHROMIUM, FLAGS

PATIENCE = 120.0  # seconds; other work on the machine must fail no test
_CODES = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39,
          "Home": 36, "End": 35, " ": 32}  # fmt: skip
_CONTROL = 2
_LOOK = """new Promise((seen, missed) => {{
  const limit = performance.now() + {limit};
  const look = () => {{
    if ({expression}) seen(true);
    else if (performance.now() > limit) missed(new Error("it was never so: " + document.body.innerText));
    else setTimeout(look, 20);
  }};
  look();
}})"""


class Chromium:
    """A browser process; pages of it share nothing.

    Args:
        profile: a new folder for it.
    """

    def __init__(self, profile: Path) -> None:
        self._profile, self._held = profile, ExitStack()

    def __enter__(self) -> Self:
        options = ["--remote-debugging-port=0", f"--user-data-dir={self._profile}", "about:blank"]
        self._process = subprocess.Popen([str(CHROMIUM), *FLAGS, *options], stderr=subprocess.PIPE, text=True)
        connecting = connect(self._address(), max_size=None, proxy=None, open_timeout=PATIENCE)
        self._socket = self._held.enter_context(connecting)
        self._numbers = itertools.count(1)
        self._pages: dict[str, Page] = {}
        return self

    def _address(self) -> str:
        assert self._process.stderr
        for line in self._process.stderr:
            if "DevTools listening on " in line:
                return line.split(" on ")[1].strip()
        raise RuntimeError("chromium did not start")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.call("Browser.close")
        finally:
            self._held.close()
            self._process.wait(PATIENCE)
            assert self._process.stderr
            self._process.stderr.close()
            shutil.rmtree(self._profile, ignore_errors=True)

    def page(self, width: int = 1100, height: int = 900) -> Page:
        """A new window with a memory of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setScrollbarsHidden", hidden=True)
        page.resize(width, height)
        return page

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """What the browser answers.

        Raises:
            RuntimeError: it refused.
            TimeoutError: it did not answer.
        """
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._socket.send(json.dumps(message))
        return self._answer(self._socket, number)

    def _answer(self, socket: ClientConnection, number: int) -> dict[str, Any]:
        while True:
            heard = json.loads(socket.recv(PATIENCE * 1.5))
            if heard.get("id") == number:
                if "error" in heard:
                    raise RuntimeError(heard["error"]["message"])
                result: dict[str, Any] = heard["result"]
                return result
            if (page := self._pages.get(heard.get("sessionId", ""))) is not None:
                page.heard(heard["method"], heard["params"])


class Page:
    """One window. `complaints` holds what its console said: exceptions, and what the policy of contents stopped."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        self.complaints: list[str] = []

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """See `Chromium.call`."""
        return self._browser.call(method, self._session, **params)

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """Hears of an event."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        if method == "Log.entryAdded" and params["entry"]["source"] in ("security", "violation", "javascript"):
            self.complaints.append(params["entry"]["text"])

    def open(self, url: str) -> None:
        """Goes to an address and waits until it is loaded."""
        self.call("Page.navigate", url=url)
        self.until(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    def close(self) -> None:
        """Closes the window, as a person does."""
        self._browser.call("Target.closeTarget", targetId=self._target)

    def see(self, expression: str) -> Any:
        """The value of an expression of JavaScript; of a promise, what it gives."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details["text"]))
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until an expression holds."""
        self.see(_LOOK.format(expression=expression, limit=PATIENCE * 1000))

    def text(self, selector: str) -> str:
        """The text of the first element that there is of it."""
        return str(self.see(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def press(self, key: str, control: bool = False) -> None:
        """Presses a key, and lets it go."""
        held = _CONTROL if control else 0
        text = {"Enter": "\r", " ": " "}.get(key, "") if not control else ""
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            written = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=_CODES[key],
                      modifiers=held, **written)  # fmt: skip

    def write(self, text: str) -> None:
        """Writes into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Clicks the first element of it."""
        self.see(f"document.querySelector({json.dumps(selector)}).click()")

    def resize(self, width: int, height: int) -> None:
        """Makes the window so large."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def prefer(self, scheme: str = "light", motion: str = "no-preference") -> None:
        """What the person at it prefers."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=listed)

    def picture(self, place: Path, whole: bool = False) -> None:
        """Writes a PNG of what is to be seen, or of the whole page."""
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        place.write_bytes(base64.b64decode(taken["data"]))
