"""An experiment is checked before anything is run: its arms, and every run in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pad_ray.comparison import Comparison, load_comparison
from pad_ray.errors import ConfigError

ARMS = {"plain": {}, "own": {"refinement.repair.ratio": 0, "refinement.stop.rounds": 1}}


def _load(folder: Path, *overrides: str, **keys: Any) -> Comparison:
    (folder / "run.yaml").write_text(yaml.safe_dump({"name": "mine", "training": {"epochs": 3}}))
    (folder / "compare.yaml").write_text(yaml.safe_dump({"run": "run.yaml", "arms": ARMS, **keys}, sort_keys=False))
    return load_comparison(folder / "compare.yaml", overrides)


def test_each_arm_is_a_run_of_its_own_beside_the_shared_one(tmp_path: Path) -> None:
    found = _load(tmp_path)
    assert [cell.config.name for cell in found.cells] == ["plain", "own"]
    assert {cell.config.runs for cell in found.cells} == {found.shared[0].runs} == {"runs/compare"}
    assert {cell.config.samples.from_ for cell in found.cells} == {"runs/compare/shared"}


def test_an_arm_is_what_it_overrides_and_nothing_else(tmp_path: Path) -> None:
    plain, own = (cell.config for cell in _load(tmp_path).cells)
    assert plain.refinement is None
    assert own.refinement is not None
    assert not own.refinement.teaches_repair
    assert plain.training == own.training


def test_shares_and_seeds_make_a_cell_each_and_a_name_each(tmp_path: Path) -> None:
    found = _load(tmp_path, fractions=[0.1, 1.0], seeds=[0, 7])
    assert len({cell.config.name for cell in found.cells}) == len(found.cells) == 8
    last = found.cells[-1].config
    assert (last.examples.fraction, last.examples.seed, last.training.seed) == (1.0, 7, 7)


def test_folds_make_a_cell_each_that_takes_the_samples_of_its_own_fold(tmp_path: Path) -> None:
    problems = {"problems.train": "t.jsonl", "problems.test": "u.jsonl", "problems.folds": 3}
    found = _load(tmp_path, settings=problems, folds=[0, 2])
    assert [run.name for run in found.shared] == ["shared-fold0", "shared-fold2"]
    cells = {cell.config.name: cell.config for cell in found.cells}
    assert list(cells) == ["plain-fold0", "own-fold0", "plain-fold2", "own-fold2"]
    assert cells["own-fold2"].problems.fold == 2
    assert cells["own-fold2"].samples.from_ == "runs/compare/shared-fold2"


def test_another_arm_leaves_the_cells_of_the_others_as_they_are(tmp_path: Path) -> None:
    before = _load(tmp_path).cells
    assert _load(tmp_path, arms={**ARMS, "more": {"training.learning_rate": 1e-4}}).cells[:2] == before


def test_every_training_has_the_same_budget(tmp_path: Path) -> None:
    found = _load(tmp_path, tokens=5_000)
    assert {cell.config.training.tokens for cell in found.cells} == {5_000}


def test_only_the_shared_run_measures_the_base(tmp_path: Path) -> None:
    found = _load(tmp_path)
    assert found.shared[0].evaluation.base
    assert not any(cell.config.evaluation.base for cell in found.cells)


def test_settings_hold_for_all_runs_and_an_arm_has_the_last_word(tmp_path: Path) -> None:
    found = _load(tmp_path, settings={"training.epochs": 5}, arms={"a": {}, "b": {"training.epochs": 6}})
    assert [run.training.epochs for run in (*found.shared, *(cell.config for cell in found.cells))] == [5, 5, 6]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"arms": {}}, "compare.yaml: `arms`"),
        ({"arms": {"shared": {}}}, "`shared` cannot be an arm's name"),
        ({"arms": {"a/b": {}}}, "`a/b` cannot be an arm's name"),
        (
            {"arms": {"a": {"training.epoch": 2}}},
            "arm a: unknown key `training.epoch`; did you mean `training.epochs`?",
        ),
        ({"folds": [3], "settings": {"problems.folds": 3}}, "there is no fold 3"),
        ({"folds": [1, 1], "settings": {"problems.folds": 3}}, "`folds`: must be different"),
        ({"reference": "none"}, "there is no arm `none`"),
        ({"run": "nowhere.yaml"}, "nowhere.yaml does not exist"),
        ({"seed": [1]}, "unknown key `seed`; did you mean `seeds`?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, **keys)
    assert said in str(caught.value)


def test_a_key_can_be_set_from_outside(tmp_path: Path) -> None:
    assert _load(tmp_path, "tokens=77").cells[0].config.training.tokens == 77
