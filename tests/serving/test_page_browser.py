"""The page at `/` in a real browser, on the real ingress and sandbox, with a scripted model."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pad_ray.sandbox import Sandbox
from tests.decoding.scripted import Script
from tests.screenshots import CHROMIUM
from tests.serving.chromium import Chromium, Page
from tests.serving.page_server import QUESTION, Gated, served, shopping

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")]

ATTACK = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
ANSWERED = "!document.querySelector('#answer').hidden"
NOTICED = "!document.querySelector('#notice').hidden"
LEVELS = "[...document.querySelectorAll('[role=treeitem]')].map((item) => Number(item.ariaLevel))"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium") / "profile") as opened:
        yield opened


@pytest.fixture
def window(chromium: Chromium) -> Iterator[Page]:
    page = chromium.page()
    page.prefer(motion="reduce")
    yield page
    page.close()


def ask(window: Page, url: str, question: str = QUESTION) -> None:
    """Opens the page, writes a question and sends it."""
    window.open(url)
    window.see("document.querySelector('#question').focus()")
    window.write(question)
    window.press("Enter", control=True)


def answered(
    window: Page, sandbox: Sandbox, script: Script = shopping, question: str = QUESTION, **config: Any
) -> None:
    """Leaves the window with the answer of a model that is never in the way."""
    engine = Gated(script)
    engine.allow()
    with served(engine, sandbox, **config) as url:
        ask(window, url, question)
        window.until(ANSWERED)


def test_tree_grows_while_it_is_searched(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    with served(engine, sandbox) as url:
        ask(window, url)
        for depth in (1, 2, 3):
            engine.allow(depth)
            window.until(f"document.querySelector('#progress').textContent.startsWith('Statement {depth} ')")
            assert max(window.see(LEVELS)) == depth


def test_answer_is_shown_large_and_said(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    assert window.text("#answer .value-large") == "152"
    assert window.see("document.querySelector('[role=status]').textContent") == "Answer: 152"


def test_answer_says_what_it_cost(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    facts = window.text(".facts")
    assert "ran to its end" in facts
    assert "tokens written" in facts


def test_chosen_path_is_the_program(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    chosen = window.see("[...document.querySelectorAll('.chosen .step')].map((step) => step.textContent)")
    program = window.see("document.querySelector('.program code').textContent")
    assert [line.strip() for line in program.splitlines()] == ["def solution():", *chosen]


def test_line_shows_the_values_that_it_bound_and_no_others(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    bound = window.see("[...document.querySelectorAll('.chosen .values')].map((values) => values.textContent)")
    assert bound == ["scarves 48", "dolls 104", "total 152", "return 152"]


def test_what_died_says_of_what(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    fates = window.see("[...document.querySelectorAll('.dead .fate')].map((fate) => fate.textContent)")
    assert "NameError" in fates
    assert "same state as dolls = 8 * 13" in fates


def whole(text: str) -> list[tuple[str, float]]:
    """Programs of one line, which ends the text."""
    return [("\n    return 48 + 104", 0.6), ("\n    return 48 + 13", 0.4)]


def test_decoders_of_whole_programs_show_them(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, whole, decoder="self-consistency")
    assert window.text("#tree-how").startswith("Each is a whole program")
    assert window.see("document.querySelector('.step').textContent").startswith("def solution():\n    return 48 + ")


def repaired(text: str) -> list[tuple[str, float]]:
    """Breaks, whatever it is told."""
    return [("\n    return pears\n", 1.0)]


def test_tree_of_a_repair_stands_alone(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, repaired, decoder="step-beam+repair")
    assert "repair 1" in window.text("#attempt")
    assert len(window.see(LEVELS)) == 1
    assert "1 program before this one" in window.text("#answer")


def test_no_answer_says_why(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, repaired)
    assert window.text(".value-large") == "No answer"
    assert "No branch could go on" in window.text("#answer")


def test_what_died_can_be_hidden(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    window.click("#dead")
    assert window.see("[...document.querySelectorAll('.dead')].every((item) => !item.getClientRects().length)")


def test_markup_in_a_program_is_text(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, lambda text: [(f"\n    return '{ATTACK}'\n", 1.0)])
    assert window.text("#answer p") == ATTACK
    assert f"return '{ATTACK}'" in window.text("#tree")
    assert window.see("window.hacked === undefined && !document.querySelector('main img, main script')")


def test_markup_in_a_question_is_text(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, question=ATTACK)
    assert window.see("window.hacked === undefined && !document.querySelector('main img, main script')")


def test_markup_in_an_error_is_text(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox, lambda text: [(f"\n    raise ValueError('{ATTACK}')\n", 1.0)], decoder="greedy")
    assert ATTACK in window.text(".facts")
    assert window.see("window.hacked === undefined && !document.querySelector('main img, main script')")


def test_a_script_would_be_stopped_if_it_got_in(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    window.see(f"document.querySelector('#answer').innerHTML = {ATTACK!r}")
    window.until("document.querySelector('#answer img').complete")
    assert window.see("window.hacked === undefined")
    assert any("Content Security Policy" in complaint for complaint in window.complaints)


def test_policy_stops_nothing_of_the_page_itself(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    assert window.complaints == []


def test_page_works_from_the_keyboard_alone(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    engine.allow()
    with served(engine, sandbox) as url:
        window.open(url)
        while window.see("document.activeElement.id") != "question":
            window.press("Tab")
        window.write(QUESTION)
        while window.see("document.activeElement.id") != "send":
            window.press("Tab")
        window.press("Enter")
        window.until(ANSWERED)
        while window.see("document.activeElement.role") != "treeitem":
            window.press("Tab")
        assert window.see("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def focused(window: Page) -> str:
    return str(window.see("document.activeElement.querySelector('.step').textContent"))


def on_the_last_line(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    window.see("document.querySelector('[role=treeitem][tabindex=\"0\"]').focus()")
    window.press("End")


def test_arrow_left_goes_to_the_statement_before(window: Page, sandbox: Sandbox) -> None:
    on_the_last_line(window, sandbox)
    assert focused(window) == "return total"
    window.press("ArrowLeft")
    assert focused(window) == "total = scarves + dolls"


def test_arrows_up_and_down_walk_the_lines(window: Page, sandbox: Sandbox) -> None:
    on_the_last_line(window, sandbox)
    window.press("ArrowUp")
    window.press("ArrowDown")
    assert focused(window) == "return total"


def test_a_branch_folds_and_unfolds(window: Page, sandbox: Sandbox) -> None:
    on_the_last_line(window, sandbox)
    for key in ("ArrowLeft", "ArrowLeft"):
        window.press(key)
    last = "[...document.querySelectorAll('.chosen')].at(-1).hidden"
    assert window.see(last) is True
    window.press("ArrowRight")
    assert window.see(last) is False


def test_only_one_line_is_reached_by_tab(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    assert window.see("document.querySelectorAll('[role=treeitem][tabindex=\"0\"]').length") == 1


def test_cancel_closes_the_connection(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    with served(engine, sandbox) as url:
        ask(window, url)
        assert engine.begun.wait(60)
        window.click("#cancel")
        window.until(NOTICED)
        assert window.text("#notice") == "Cancelled."
        assert engine.left.wait(60)


def test_closing_the_window_ends_the_search(chromium: Chromium, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    with served(engine, sandbox) as url:
        window = chromium.page()
        ask(window, url)
        assert engine.begun.wait(60)
        window.close()
        assert engine.left.wait(60)


def test_token_is_asked_for_and_kept_for_the_tab(window: Page, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("open-sesame\n")
    engine = Gated(shopping)
    engine.allow()
    with served(engine, sandbox, token_file=str(tmp_path / "tokens")) as url:
        ask(window, url)
        window.until(NOTICED)
        assert window.text("#notice") == "The server asks for a bearer token."
        assert window.see("document.activeElement.id") == "token"
        window.write("open-sesame")
        window.press("Enter")
        window.until(ANSWERED)
        window.see("document.querySelector('#answer').hidden = true")
        window.press("Enter", control=True)
        window.see("document.querySelector('#ask').requestSubmit()")
        window.until(ANSWERED)
        assert window.see("document.querySelector('#token-row').hidden")


def test_busy_server_is_asked_again_when_it_says(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    engine.allow()
    with served(engine, sandbox, refusals=1, queue={"retry_after": 3}) as url:
        ask(window, url)
        window.until("document.querySelector('#progress').textContent.includes('Asks again in 3 s')")
        window.until(ANSWERED)


def test_waiting_for_a_busy_server_can_be_cancelled(window: Page, sandbox: Sandbox) -> None:
    with served(Gated(shopping), sandbox, refusals=1, queue={"retry_after": 1000}) as url:
        ask(window, url)
        window.until("document.querySelector('#progress').textContent.includes('Asks again in')")
        window.press("Escape")
        window.until(NOTICED)
        assert window.text("#notice") == "Cancelled."


def test_failure_after_the_first_step_is_told(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    with served(engine, sandbox) as url:
        ask(window, url)
        engine.allow(1)
        window.until("document.querySelector('#progress').textContent.startsWith('Statement 1 ')")
        engine.fail()
        window.until(NOTICED)
        assert window.text("#notice") == "the model ran out of memory."


def test_field_above_its_maximum_is_pointed_at(window: Page, sandbox: Sandbox) -> None:
    with served(Gated(shopping), sandbox, maxima={"beams": 8}) as url:
        window.open(url)
        window.see("document.querySelector('#beams').max = ''; document.querySelector('#beams').value = 9")
        window.see("document.querySelector('#question').value = 'How many?'")
        window.click("#send")
        window.until(NOTICED)
        assert "at most 8" in window.text("#notice")
        assert window.see("document.activeElement.id") == "beams"


def test_header_names_the_model(window: Page, sandbox: Sandbox) -> None:
    with served(Gated(shopping), sandbox, name="small-student") as url:
        window.open(url)
        window.until("document.querySelector('#model').textContent === 'small-student'")


def test_an_example_is_taken_by_a_click(window: Page, sandbox: Sandbox) -> None:
    with served(Gated(shopping), sandbox) as url:
        window.open(url)
        window.click("#examples button")
        assert window.see("document.querySelector('#question').value.endsWith('?')")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_is_no_wider_than_the_screen(window: Page, sandbox: Sandbox, width: int) -> None:
    window.resize(width, 844)
    answered(window, sandbox)
    assert window.see("document.documentElement.scrollWidth") <= width


def test_page_is_dark_for_those_who_want_it_dark(window: Page, sandbox: Sandbox) -> None:
    answered(window, sandbox)
    back = "getComputedStyle(document.body).backgroundColor"
    light = window.see(back)
    window.prefer("dark")
    assert (light, window.see(back)) == ("rgb(253, 253, 252)", "rgb(20, 23, 26)")


def test_nothing_moves_for_those_who_want_it_still(window: Page, sandbox: Sandbox) -> None:
    engine = Gated(shopping)
    with served(engine, sandbox) as url:
        ask(window, url)
        engine.allow(1)
        window.until("document.querySelector('.branch')")
        assert window.see("document.getAnimations().length") == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 1100), ("light", 390)])
def test_pictures_can_be_taken(window: Page, sandbox: Sandbox, tmp_path: Path, scheme: str, width: int) -> None:
    window.prefer(scheme, "reduce")
    window.resize(width, 900)
    answered(window, sandbox)
    window.picture(tmp_path / "page.png")
    assert struct.unpack(">II", (tmp_path / "page.png").read_bytes()[16:24]) == (width, 900)
