"""The tree of a search, drawn."""

from __future__ import annotations

import io

import pytest

from pad_ray.decoding.trace import Branch, Fate
from pad_ray.sandbox import Status, StepVerdict
from pad_ray.search_tree import GrowingTree, fate_text, tree_lines


def _branch(number: int, parent: int, step: str, fate: Fate = Fate.KEPT, **facts: object) -> Branch:
    verdict = facts.pop("verdict", StepVerdict(Status.OK))
    depth = 1 if not parent else 2
    return Branch(number, parent, depth, (), "", step, -0.5, score=-number, verdict=verdict, fate=fate, **facts)  # type: ignore[arg-type]


TREE = [
    _branch(1, 0, "\n    a = 2\n", verdict=StepVerdict(Status.OK, values={"a": 2})),
    _branch(2, 0, "    a = b\n", Fate.BROKEN, verdict=StepVerdict(Status.ERROR, "NameError")),
    _branch(3, 0, "    a = 1 + 1\n", Fate.MERGED, into=1),
    _branch(4, 1, "    # so\n    return a\n", Fate.FINISHED, verdict=StepVerdict(Status.OK, finished=True, value=2)),
    _branch(5, 1, "    return\n", Fate.ENDED),
]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "6")


def test_a_tree_stands_by_parents_with_what_became_of_each_branch() -> None:
    lines = [" ".join(line.split()) for line in tree_lines(TREE, chosen=4)]
    assert lines == [
        "├ a = 2 ln p −0.5 a = 2",
        "│ ├ # so ⏎ return a ln p −0.5 returned 2 ◀",
        "│ └ return ended without an answer",
        "├ a = 1 + 1 joined #1",
        "└ a = b died of NameError",
    ]


def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    long = _branch(6, 4, "    total = " + " + ".join(["apples"] * 20) + "\n")
    assert max(map(len, tree_lines([*TREE, long]))) <= 30


def test_without_a_terminal_each_branch_is_one_plain_line() -> None:
    out = io.StringIO()
    tree = GrowingTree(out)
    tree.on_step(TREE[:3])
    tree.on_step(TREE[3:])
    tree.end(4)
    lines = out.getvalue().splitlines()
    assert lines[3] == "step 2  #4 after #1: # so ⏎ return a  ·  ln p −0.5   returned 2"
    assert len(lines) == len(TREE)
    assert "\x1b" not in out.getvalue()


def test_at_a_terminal_the_tree_is_drawn_over_itself() -> None:
    out = io.StringIO()
    tree = GrowingTree(out, redraw=True)
    tree.on_step(TREE[:3])
    tree.on_step(TREE[3:])
    tree.end(4)
    assert [part.count("\n") for part in out.getvalue().split("\x1b[J")] == [3, 5, 5]
    assert out.getvalue().split("\x1b[J")[1].endswith("\x1b[5F")


def test_a_tree_higher_than_the_screen_shows_its_end_and_at_last_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "4")
    out = io.StringIO()
    tree = GrowingTree(out, redraw=True)
    tree.on_step(TREE)
    tree.end(4)
    assert [part.count("\n") for part in out.getvalue().split("\x1b[J")] == [3, 5]


@pytest.mark.parametrize("fate", list(Fate))
def test_every_fate_has_words(fate: Fate) -> None:
    assert fate_text(_branch(1, 0, "x", fate))
