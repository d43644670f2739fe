"""The page is one sound HTML file that asks for nothing from outside, whatever models wrote."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pad_ray.config import parse_config
from pad_ray.report import write_report

if TYPE_CHECKING:
    from tests.report.conftest import Document, MakeRun, Parse, Run

SECTIONS = ["accuracy", "yield", "loss", "errors", "changes", "cost", "excluded", "again"]
ATTACK = "</code></pre></style><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_money_is_told_where_some_was_spent(make_run: MakeRun, parse: Parse, page: str) -> None:
    assert "Cost is in the currency" not in page
    run = make_run()
    run.finish("samples", run.stages["samples"].read_rows(), tokens=90, cost=1.25)
    assert "Cost is in the currency" in (text := parse(run.page()).text)
    assert "1.25" in text


def test_report_stands_in_the_run_folder(empty_run: Run) -> None:
    place = write_report(empty_run.folder, empty_run.config, empty_run.stages, empty_run.results)
    assert place == f"{empty_run.folder.storage.uri}/report.html"
    assert Path(place).is_file()


def test_page_is_well_nested(document: Document) -> None:
    assert document.faults == []


def test_ids_are_unique(document: Document) -> None:
    ids = document.values("id")
    assert len(ids) == len(set(ids))


def test_references_lead_to_ids(document: Document) -> None:
    styles = [*document.values("clip-path"), *document.values("style")]
    asked = {name for style in styles for name in re.findall(r"url\(#(.*?)\)", style)}
    asked |= {target[1:] for target in document.values("href") if target.startswith("#")}
    asked |= set(document.values("aria-labelledby"))
    assert {"accuracy", "loss-wide-title"} <= asked <= set(document.values("id"))


def test_sections_come_in_order(document: Document) -> None:
    assert [attributes["id"] for attributes in document.all("section")] == SECTIONS


def test_the_answer_comes_first(document: Document) -> None:
    words = ("The student learnt.", "the student answers", "Gain", "Accuracy")
    places = [document.text.index(word) for word in words]
    assert places == sorted(places)


def test_nothing_is_asked_from_outside(document: Document, page: str) -> None:
    targets = [target for key in ("href", "src", "srcset", "action", "data") for target in document.values(key)]
    assert all(target.startswith(("#", "./")) for target in targets)
    assert not re.search(r"https?://|@import|url\((?!#)", page)


def test_page_forbids_scripts(document: Document) -> None:
    metas = document.all("meta")
    (policy,) = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize("text", ["completion", "program"])
def test_what_models_wrote_is_escaped(make_run: MakeRun, parse: Parse, text: str) -> None:
    run = make_run(base=0.0, student=1.0)
    columns = ("question", "gold", "error", "error_class")
    attack = {column: f"{column} {ATTACK}" for column in (*columns, text)}
    rows = [{**row, "program": None, "value": None, **attack} for row in run.stages["base"].read_rows()]
    run.stages["base"].write_rows(rows)
    document = parse(run.page())
    assert all(words in document.text for words in attack.values())
    assert document.faults == []
    assert not document.all("script") + document.all("img")


@pytest.mark.parametrize("name", [ATTACK, "W" * 200, "--><script>", "$x^{$", "\x00\x1b[31m\ud800", "问题"])
def test_names_in_plots_do_no_harm(empty_run: Run, run: Run, parse: Parse, name: str) -> None:
    empty_run.results = [{**row, "split": name, "model": f"{name}{row['model']}"} for row in run.results]
    document = parse(empty_run.page())
    assert document.all("svg")
    assert not document.all("script")
    assert document.faults == []


def test_metadata_does_no_harm(make_run: MakeRun, parse: Parse) -> None:
    run = make_run()
    rows = run.stages["problems"].read_rows()
    for n, row in enumerate(rows):
        row["meta"] = json.dumps({ATTACK: [ATTACK, "\ud800", "ok"][n % 3]})
    run.stages["problems"].write_rows(rows)
    document = parse(run.page())
    assert f"By {ATTACK}" in document.text
    assert not document.all("script")


def test_plots_carry_text_and_titles(document: Document) -> None:
    plots = document.all("svg")
    assert len(plots) == 8  # accuracy, yield, loss and errors; each wide and narrow
    assert all(plot["role"] == "img" and plot["viewbox"] and "width" not in plot for plot in plots)
    assert "Training loss, from 1.600 to" in document.text


def test_plots_follow_light_and_dark(document: Document) -> None:
    styles = document.values("style")
    assert any("var(--accent)" in style for style in styles)
    assert not any(re.search(r"#[0-9a-f]{6}|font-family", style) for style in styles)


@pytest.mark.parametrize("missing", ["problems", "requests", "samples", "examples", "student", "base", "student_test"])
def test_a_stage_that_is_not_done_is_borne(make_run: MakeRun, parse: Parse, missing: str) -> None:
    run = make_run()
    run.stages[missing].storage.clear()
    run.results = [row for row in run.results if row["model"] != {"student_test": "student"}.get(missing, missing)]
    assert parse(run.page()).faults == []


def test_a_stage_that_is_not_known_is_borne(make_run: MakeRun, parse: Parse) -> None:
    run = make_run()
    run.stages.clear()
    assert "There are no samples." in parse(run.page()).text


def test_a_table_that_was_deleted_is_borne(make_run: MakeRun, parse: Parse) -> None:
    run = make_run()
    Path(run.stages["samples"].storage.path, "rows.parquet").unlink()
    assert "There are no samples." in parse(run.page()).text


def test_an_empty_run_says_what_it_lacks(empty_run: Run, parse: Parse) -> None:
    text = parse(empty_run.page()).text
    for sentence in (
        "Nothing was measured.",
        "No split was measured.",
        "There are no samples.",
        "the student was not trained in this run",
        "There are no predictions.",
        "No problem was answered by both",
        "No stage is done.",
        "There is no run.yaml",
    ):
        assert sentence in text


def test_zero_right_is_borne(make_run: MakeRun, parse: Parse) -> None:
    document = parse(make_run(base=0.0, student=0.0, held=0.0).page())
    assert "The student answers nothing right." in document.text
    assert document.faults == []


def test_all_right_is_borne(make_run: MakeRun, parse: Parse) -> None:
    document = parse(make_run(base=1.0, student=1.0, held=1.0).page())
    assert "There are no errors." in document.text
    assert document.faults == []


def test_one_split_is_enough(make_run: MakeRun, parse: Parse) -> None:
    run = make_run()
    run.results = [row for row in run.results if row["split"] == "test"]
    document = parse(run.page())
    assert "unseen ·" not in document.text
    assert document.faults == []


@pytest.mark.parametrize("losses", [[math.inf], [1.0, math.nan, 0.5], [0.0], [1e300, 2.0]])
def test_any_loss_is_borne(empty_run: Run, parse: Parse, losses: list[float]) -> None:
    records = [{"step": n + 1, "loss": loss} for n, loss in enumerate(losses)]
    text = "\n".join(json.dumps(record) for record in records)
    empty_run.stages["student"].storage.write_text("metrics.jsonl", text)
    document = parse(empty_run.page())
    assert ("was not a finite number at 1 step" in document.text) == (not all(map(math.isfinite, losses)))
    assert document.faults == []


def test_links_lead_to_files_of_the_run(document: Document, run: Run) -> None:
    links = [link["href"] for link in document.all("a") if not link["href"].startswith("#")]
    assert "./run.yaml" in links
    assert all(Path(run.folder.storage.path, link).exists() for link in links)


def test_page_tells_how_to_run_it_again(document: Document, run: Run) -> None:
    assert f"pad-ray run {run.folder.storage.uri}/run.yaml" in document.text
    assert re.search(r"python\s*3\.\d+\.\d+", document.text)


def test_only_settings_that_were_changed_are_listed(empty_run: Run, parse: Parse) -> None:
    empty_run.config = parse_config({"training": {"epochs": 5}, "evaluation": {"shots": [0, 2]}})
    text = parse(empty_run.page()).text
    listed = text[text.index("Settings that differ") : text.index("Made with")]
    assert "training.epochs" in listed
    assert "[0, 2]" in listed
    assert "learning_rate" not in listed


def test_the_same_run_gives_the_same_page(run: Run, page: str) -> None:
    assert run.page() == page
