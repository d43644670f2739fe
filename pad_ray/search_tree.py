"""The tree of a search as lines of text, and as a picture that grows while the search goes on.

    ├ apples = 5                     ln p −0.5   apples = 5
    │ ├ total = apples + 3           ln p −0.9   total = 8
    │ │ └ return total               ln p −1.0   returned 8   ◀
    │ └ total = apple + 3            died of NameError
    └ apples = 2 + 3                 joined #1

With a terminal the tree is drawn again after each step; without one each step's branches are printed once, and a number
says which branch each of them continues.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TextIO

from pad_ray.decoding.trace import Branch, Fate
from pad_ray.style import BOLD, DIM, GREEN, RED, styled

_STYLES = {Fate.FINISHED: GREEN, Fate.BROKEN: RED, Fate.ENDED: RED, Fate.TOO_LONG: RED}
_STEP_WIDTH = 44
_ORDER = (Fate.FINISHED, Fate.KEPT, Fate.OUTSCORED, Fate.MERGED, Fate.ENDED, Fate.TOO_LONG, Fate.BROKEN)


class GrowingTree:
    """Shows a search; give `on_step` to it.

    Args:
        out: where to.
        redraw: draw the whole tree again after each step; by default if `out` is a terminal.
    """

    def __init__(self, out: TextIO, redraw: bool | None = None) -> None:
        self._out = out
        self._redraw = out.isatty() if redraw is None else redraw
        self._branches: list[Branch] = []
        self._drawn = 0

    def on_step(self, branches: Sequence[Branch]) -> None:
        """Shows the branches of one more step."""
        self._branches += branches
        if self._redraw:
            self._draw(tree_lines(self._branches, colour=True))
            return
        for branch in branches:
            after = f" after #{branch.parent}" if branch.parent else ""
            print(f"step {branch.depth}  #{branch.id}{after}: {_step(branch)}  ·  {fate_text(branch)}", file=self._out)
        self._out.flush()

    def end(self, chosen: int) -> None:
        """Marks the branch that was chosen."""
        if self._redraw and self._branches:
            self._draw(tree_lines(self._branches, chosen, colour=True), whole=True)

    def _draw(self, lines: list[str], whole: bool = False) -> None:
        """Draws over what was drawn before; while it grows, as much of its end as the screen holds."""
        height = shutil.get_terminal_size().lines - 1
        shown = lines if whole else lines[-height:]
        back = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._out.write(back + "".join(f"{line}\n" for line in shown))
        self._out.flush()
        self._drawn = len(shown)


def tree_lines(branches: Sequence[Branch], chosen: int = 0, colour: bool = False) -> list[str]:
    """The tree, one branch a line, the best first.

    Args:
        branches: of one search.
        chosen: id of the branch whose program is the answer; 0 while there is none.
        colour: for a terminal.
    """
    children: dict[int, list[Branch]] = {}
    for branch in branches:
        children.setdefault(branch.parent, []).append(branch)
    lines: list[str] = []

    def grow(parent: int, margin: str) -> None:
        found = sorted(children.get(parent, ()), key=lambda one: (_ORDER.index(one.fate), -one.score, one.id))
        for branch in found:
            last = branch is found[-1]
            lines.append(_line(branch, margin + ("└ " if last else "├ "), branch.id == chosen, colour))
            grow(branch.id, margin + ("  " if last else "│ "))

    grow(0, "")
    return lines


def _line(branch: Branch, margin: str, chosen: bool, colour: bool) -> str:
    width = shutil.get_terminal_size().columns
    room = min(_STEP_WIDTH, width * 3 // 5)
    text = _clipped(margin + _step(branch), room).ljust(room)
    told = _clipped(fate_text(branch) + ("   ◀" if chosen else ""), width - room - 2)
    style = _STYLES.get(branch.fate, "" if branch.fate is Fate.KEPT else DIM)
    if not colour:
        return f"{text}  {told}".rstrip()
    return f"{styled(text, BOLD, chosen)}  {styled(told, style, bool(style))}"


def fate_text(branch: Branch) -> str:
    """What became of a branch, in a few words."""
    verdict = branch.verdict
    if branch.fate is Fate.MERGED:
        return f"joined #{branch.into}"
    if branch.fate is Fate.BROKEN and verdict:
        return f"died of {verdict.error_class or verdict.status}"
    if branch.fate is Fate.ENDED:
        return "ended without an answer"
    if branch.fate is Fate.TOO_LONG:
        return "too long"
    chance = f"ln p {branch.logprob:.1f}".replace("-", "−")
    if branch.fate is Fate.FINISHED and verdict:
        return f"{chance}   returned {verdict.value!r}"
    values = list(verdict.values.items()) if verdict else []
    # What the step bound; where that is not plain from its text, nothing.
    bound = [f"{name} = {value!r}" for name, value in values if branch.step.lstrip().startswith(f"{name} ")]
    lost = ["others were better"] if branch.fate is Fate.OUTSCORED else []
    return "   ".join([chance, *bound, *lost])


def _step(branch: Branch) -> str:
    return " ⏎ ".join(line.strip() for line in branch.step.splitlines() if line.strip())


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
