"""The page of an application that is really deployed, behind Serve's own proxy, in a real browser."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.screenshots import CHROMIUM
from tests.serving.chromium import Chromium
from tests.serving.page_server import QUESTION
from tests.serving.scripted_app import scripted_application

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.filterwarnings("default"),
]
ANSWERED = "!document.querySelector('#answer').hidden"


def test_a_question_grows_a_tree_and_is_answered(tmp_path: Path) -> None:
    with scripted_application(tmp_path) as address, Chromium(tmp_path / "profile") as chromium:
        window = chromium.page()
        window.open(f"{address}/")
        window.see("document.querySelector('#question').focus()")
        window.write(QUESTION)
        window.press("Enter", control=True)
        window.until("document.querySelector('#progress').textContent.startsWith('Statement ')")
        window.until(ANSWERED)
        assert window.text("#answer .value-large") == "152"
        assert window.see("document.querySelectorAll('[role=treeitem]').length") > 3
        assert window.complaints == []
        window.picture(tmp_path / "page.png")
        assert struct.unpack(">II", (tmp_path / "page.png").read_bytes()[16:24]) == (1100, 900)
