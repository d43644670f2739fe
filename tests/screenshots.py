"""Pictures for the README: `python -m tests.screenshots REPORT FOLDER [TRANSCRIPT]`, with Debian's chromium.

A transcript is what `script` wrote of a command at a terminal. `python -m tests.screenshots serve FOLDER` takes the
picture of the served page in the middle of a search, with a scripted model.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 18px 22px; background: #14171a; color: #d8dcdf; }}
pre {{ margin: 0; font: 14px/1.45 "DejaVu Sans Mono", monospace; }}
</style><pre>{text}</pre>"""
_FRAME = """<!doctype html><style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: {height}px }}
</style><iframe src="{page}"></iframe>"""


def shoot(page: Path, picture: Path, width: int, height: int, dark: bool = False) -> None:
    """Writes a PNG of the top of a page, at the width of a window or of a phone."""
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder, "frame.html")  # a window of the browser cannot be as narrow as a phone
        frame.write_text(_FRAME.format(page=page.resolve().as_uri(), width=width, height=height))
        options = [
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            f"--user-data-dir={folder}/profile",
            f"--window-size={max(width, 500)},{height}",
            "--hide-scrollbars",
            f"--screenshot={picture.resolve()}",
        ]
        command = [str(CHROMIUM), *FLAGS, *options, frame.as_uri()]
        subprocess.run(command, capture_output=True, check=True)


def last_state(transcript: str) -> str:
    """What a terminal shows at the end: of a line that was drawn again, the last drawing."""
    lines = []
    for line in transcript.replace("\r\n", "\n").split("\n"):
        drawn = re.split(r"\r(?:\x1b\[2K)?", line)[-1]
        lines.append(re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", drawn))
    return "\n".join(line for line in lines if not line.startswith("Script ")).strip("\n")


def main(report: str, folder: str, transcript: str | None = None) -> None:
    """Report on a desktop and a phone, light and dark; and the terminal."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    shoot(Path(report), place / "report-light.png", 1000, 1130)
    shoot(Path(report), place / "report-dark.png", 1000, 1130, dark=True)
    shoot(Path(report), place / "report-phone.png", 390, 844)
    if transcript:
        text = last_state(Path(transcript).read_bytes().decode(errors="replace"))
        with tempfile.TemporaryDirectory() as scratch:
            page = Path(scratch, "terminal.html")
            page.write_text(_TERMINAL.format(text=html.escape(text)), encoding="utf-8")
            lines = text.count("\n") + 1
            shoot(page, place / "terminal.png", 1060, 40 + round(lines * 20.3))


def shoot_search(folder: str) -> None:
    """The page that a server has, after three statements of a search."""
    from pad_ray.sandbox import Sandbox
    from tests.serving.chromium import Chromium
    from tests.serving.page_server import QUESTION, Gated, served, shopping

    engine = Gated(shopping)
    with (
        tempfile.TemporaryDirectory() as scratch,
        Sandbox() as sandbox,
        Chromium(Path(scratch, "profile")) as chromium,
        served(engine, sandbox, name="student") as url,
    ):
        window = chromium.page(1000, 1250)
        window.prefer(motion="reduce")
        window.open(url)
        window.see("document.querySelector('#question').focus()")
        window.write(QUESTION)
        window.press("Enter", control=True)
        engine.allow(3)
        window.until("document.querySelector('#progress').textContent.startsWith('Statement 3 ')")
        window.see("document.activeElement.blur()")
        window.picture(Path(folder, "serve.png"))


if __name__ == "__main__":
    shoot_search(sys.argv[2]) if sys.argv[1:2] == ["serve"] else main(*sys.argv[1:])
