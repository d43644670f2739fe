"""The page in a real browser, framed at the width of a phone and of a desktop, light and dark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.report.conftest import MakeRun

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The frame may look into the file that it frames.
    "--disable-web-security",
    "--allow-file-access-from-files",
]

# The page itself runs no script; what frames it may look into it.
FRAME = """<!doctype html><iframe id="frame" src="{page}" style="width: {width}px; height: 800px; border: 0"></iframe>
<script>
onload = () => {{
  const page = document.getElementById("frame").contentDocument;
  const root = page.documentElement;
  const sees = (selector) => [...page.querySelectorAll(selector)].every((e) => e.getBoundingClientRect().width > 0);
  const seen = {{
    title: page.title,
    wide: root.scrollWidth,
    shown: sees("svg.wide") ? "wide" : sees("svg.narrow") ? "narrow" : "none",
    back: getComputedStyle(page.body).backgroundColor,
    bar: getComputedStyle(page.querySelector("#yield figure svg path[style*=accent]")).fill,
    letters: Math.min(...[...page.querySelectorAll("svg text")].map((e) => e.getBoundingClientRect().height)
      .filter((height) => height > 0)),
    hacked: Boolean(frame.contentWindow.hacked),
  }};
  document.body.innerHTML = "<pre></pre>";
  document.querySelector("pre").textContent = JSON.stringify(seen);
}};
</script>"""

Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Opens a page in a frame of a width and says what is to be seen."""

    def look(page: str, width: int, dark: bool = False) -> dict[str, Any]:
        (tmp_path / "report.html").write_text(page, encoding="utf-8")
        (tmp_path / "frame.html").write_text(FRAME.format(page="report.html", width=width))
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        address = (tmp_path / "frame.html").as_uri()
        command = [str(CHROMIUM), *FLAGS, scheme, profile, "--dump-dom", address]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"<pre>(.*)</pre>", done.stdout)
        assert found, done.stdout
        seen: dict[str, Any] = json.loads(found[1])
        return seen

    return look


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_is_no_wider_than_the_screen(page: str, look: Look, width: int) -> None:
    assert look(page, width)["wide"] <= width


@pytest.mark.parametrize(("width", "shown"), [(390, "narrow"), (1280, "wide")])
def test_one_size_of_the_plots_is_shown(page: str, look: Look, width: int, shown: str) -> None:
    assert look(page, width)["shown"] == shown


@pytest.mark.parametrize("width", [390, 1280])
def test_letters_in_plots_can_be_read(page: str, look: Look, width: int) -> None:
    assert look(page, width)["letters"] >= 11


def test_page_is_dark_for_those_who_want_it_dark(page: str, look: Look) -> None:
    light, dark = look(page, 390), look(page, 390, dark=True)
    assert (light["back"], dark["back"]) == ("rgb(253, 253, 252)", "rgb(20, 23, 26)")
    assert light["bar"] != dark["bar"]


def test_nothing_that_a_model_wrote_is_run(make_run: MakeRun, look: Look) -> None:
    run = make_run(base=0.0, student=1.0)
    attack = "</pre><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    rows = [{**row, "program": attack, "question": attack} for row in run.stages["base"].read_rows()]
    run.stages["base"].write_rows(rows)
    assert look(run.page(), 390)["hacked"] is False


def test_a_script_would_be_stopped_if_it_got_in(page: str, look: Look) -> None:
    assert look(page.replace("</h1>", "</h1><script>window.hacked = 1</script>"), 390)["hacked"] is False


def test_a_script_would_be_seen_without_the_policy(page: str, look: Look) -> None:
    open_page = page.replace("Content-Security-Policy", "x").replace("</h1>", "</h1><script>window.hacked = 1</script>")
    assert look(open_page, 390)["hacked"] is True
