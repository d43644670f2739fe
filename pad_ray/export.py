"""What a run made, for use elsewhere: its adapter merged, its student on a hub, its examples for other trainers."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pad_ray.config import RunConfig, config_of
from pad_ray.errors import InputError
from pad_ray.generation.engines import ADAPTER_FILE
from pad_ray.jsonl import write_rows
from pad_ray.models import hub_model, resolve_model
from pad_ray.prompts import WorkedExample
from pad_ray.recipes import recipe_named
from pad_ray.recipes.edit import shows_wrong
from pad_ray.records import Row
from pad_ray.remedies.adapters import scale_adapter
from pad_ray.run_folder import DONE, read_mark
from pad_ray.run_tables import RunTables
from pad_ray.storage import Storage
from pad_ray.student_card import asking_of
from pad_ray.student_file import StudentFile
from pad_ray.training.card import merged_card

MERGED = "student-merged"
Form = Literal["prompt-completion", "messages"]

_OURS = (DONE, "*.part*")  # of no use to anybody who loads the model


@dataclass(frozen=True)
class Student:
    """The finished student of a run.

    Attributes:
        config: the run's settings.
        storage: its folder.
        id: of the training that made it.
    """

    config: RunConfig
    storage: Storage
    id: str

    @classmethod
    def of(cls, run: Storage, place: Storage | None = None) -> Student:
        """The student in a run's folder.

        Args:
            run: the folder.
            place: the folder of a round's student; by default that of the student before any round.

        Raises:
            InputError: the run has none yet, or two.
        """
        storage = place or run / "student"
        mark = read_mark(storage)
        if mark and mark.get("students"):
            places = " and ".join(f"student/{task}" for task in mark["students"])
            raise InputError(f"the run in {run.uri} has two students, {places}", "Take them as they stand, one by one")
        if not mark:
            raise InputError(f"there is no finished student in {run.uri}", "Let `pad-ray run` come to its end first")
        return cls(_config(run), storage, mark["id"])

    @property
    def adapter(self) -> bool:
        """Whether it is a LoRA adapter."""
        return self.storage.has(ADAPTER_FILE)

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Its files in a local folder of their own, while the body runs."""
        with tempfile.TemporaryDirectory() as scratch:
            Storage.open(scratch).copy_from(self.storage)
            yield Path(scratch)


def _config(run: Storage) -> RunConfig:
    return config_of(run.read_text("run.yaml") or "", f"{run.uri}/run.yaml")


def merge_adapter(
    run: Storage, target: Storage | None = None, scale: float = 1.0, student: Student | None = None
) -> Storage:
    """Merges a run's LoRA adapter into its base: a plain checkpoint with tokenizer and card.

    Args:
        run: the run's folder.
        target: where to write; by default `student-merged` in the run. What is there is replaced.
        scale: the adapter counts so many times: below 1 less of what was learnt and more of the base.
        student: one of the run's; by default the one before any round.

    Returns:
        The folder that was written.

    Raises:
        InputError: the run has no student, or none that is an adapter; the target holds something else.
        ConfigError: the scale is below 0.
    """
    student = student or Student.of(run)
    if not student.adapter:
        raise InputError(f"the student in {run.uri} is no LoRA adapter", "It is a plain checkpoint as it stands")
    target = target or run / MERGED
    names = target.names()
    if names and "config.json" not in names:
        raise InputError(f"{target.uri} holds something that is no checkpoint", "Name an empty folder")
    with student.folder() as adapter, tempfile.TemporaryDirectory() as merged:
        if scale != 1:
            scale_adapter(str(adapter), adapter, scale)
        _merge(student.config, adapter, Path(merged), scale)
        target.clear()
        target.upload(merged)
    return target


def _merge(config: RunConfig, adapter: Path, target: Path, scale: float) -> None:
    from peft import PeftModel
    from transformers import AutoTokenizer

    from pad_ray.training.students import load_model

    base = resolve_model(config.student.model)
    model = PeftModel.from_pretrained(load_model(base, config.training.precision), str(adapter))
    model.merge_and_unload().save_pretrained(target)
    AutoTokenizer.from_pretrained(adapter).save_pretrained(target)
    StudentFile.read(str(adapter)).write(Storage.open(str(target)))
    card = (adapter / "README.md").read_text(encoding="utf-8")
    note = (
        ""
        if scale == 1
        else f"\nThe adapter was merged {scale:g} times; the figures above are of it as it was trained.\n"
    )
    (target / "README.md").write_text(merged_card(card, asking_of(config, base)) + note, encoding="utf-8")


def push_student(run: Storage, repo: str, *, merged: bool = False, public: bool = False) -> str:
    """Uploads a run's student to a repository of a hub (`HF_ENDPOINT`; the token is `HF_TOKEN`).

    Args:
        run: the run's folder.
        repo: `org/name`; made if need be.
        merged: an adapter is merged into its base first.
        public: a repository that is made is private otherwise.

    Returns:
        The address of the commit.

    Raises:
        InputError: no token, no student, an adapter whose base nobody else has, or the hub says no.
    """
    token = os.environ.get("HF_TOKEN")
    if not token:
        raise InputError("there is no token for the hub", "Set HF_TOKEN in the environment, to one that may write")
    student = Student.of(run)
    with student.folder() as folder:
        if merged:
            merge_adapter(run, Storage.open(str(folder / "merged")))
            folder = folder / "merged"
        elif student.adapter:
            _name_base(folder / ADAPTER_FILE, student.config.student.model)
        return _upload(folder, repo, token, public)


def _name_base(path: Path, base: str) -> None:
    """An adapter names its base by the folder where it lies here; elsewhere by its name on the hub."""
    name = hub_model(base)
    if name is None:
        raise InputError(
            f"the adapter's base, {base}, is a folder that nobody else has", "Push the two merged, with --merged"
        )
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**settings, "base_model_name_or_path": name}, indent=2), encoding="utf-8")


def _upload(folder: Path, repo: str, token: str, public: bool) -> str:
    from httpx import HTTPError
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    hub = HfApi(token=token)
    try:
        hub.create_repo(repo, private=not public, exist_ok=True)
        return str(
            hub.upload_folder(
                folder_path=folder,
                repo_id=repo,
                commit_message="Student of pad-ray",
                ignore_patterns=list(_OURS),
            )
        )
    except HFValidationError:
        raise InputError(f"`{repo}` is no name that the hub allows", "Give `user/name` or `org/name`") from None
    except (HfHubHTTPError, HTTPError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the hub at {hub.endpoint} did not take {repo}: {reason[:300]}") from None


def write_jsonl(run: Storage, path: Path, form: Form = "prompt-completion") -> int:
    """Writes the examples that a run's student learns from as JSON Lines, for other trainers.

    Args:
        run: the run's folder.
        path: the file to write.
        form: TRL's `prompt` and `completion`, or `messages` of a chat.

    Returns:
        How many there are. Each carries `id`, `sample_id` and `problem_id`, by which `pad-ray show` finds where it
        comes from.

    Raises:
        InputError: the run has no examples yet, or the file cannot be written.
    """
    stage = RunTables(run).newest("examples")
    if stage is None or not stage.done:
        raise InputError(f"there are no examples in {run.uri}", "Let `pad-ray run --until examples` make them")
    used = (row for row in stage.read_rows() if row["used"] and row["split"] == "train")
    rows = [row for row in used if not shows_wrong(row)]  # no trainer of others would make them less likely
    shapes = map(_pair, rows) if form == "prompt-completion" else _chats(run, rows)
    lines = [{**shape, **_provenance(row)} for shape, row in zip(shapes, rows, strict=True)]
    write_rows(path, lines)
    return len(rows)


def _pair(row: Row) -> Row:
    return {"prompt": row["prompt"], "completion": row["target"]}


def _chats(run: Storage, rows: Sequence[Row]) -> Iterator[Row]:
    """Each example as the recipe shows a worked one to a chat model: what is asked, and the program."""
    problems = RunTables(run).newest("problems")
    if problems is None:
        raise InputError(f"there are no problems in {run.uri}", "They hold the questions")
    questions = {row["id"]: row["question"] for row in problems.read_rows(["id", "question"])}
    recipe = recipe_named(_config(run).recipe)
    for row in rows:
        example = WorkedExample(0, questions[row["problem_id"]], recipe.solution(row["target"]).rstrip())
        yield {"messages": recipe.messages("", [example])[:2]}


def _provenance(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "sample_id", "problem_id")}
