"""Which problems are learnt from and which are measured on."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from pad_ray.section import Section


class Sizes(Section):
    """How many problems a built-in generator makes for each split.

    By default `quickstart` makes 600, 120, 300 and 150; `coin_flip` and `last_letters` make 350, 50, 150 and 100.
    """

    train: int | None = Field(None, ge=1, description="Problems that the teacher answers and the student learns from.")
    validation: int | None = Field(None, ge=1, description="Problems on which prompts and checkpoints are chosen.")
    test: int | None = Field(None, ge=1, description="Problems on which the result is measured; of the kinds of train.")
    unseen: int | None = Field(
        None, ge=1, description="Problems that the student never trained on the like of: other templates, more names."
    )


class ProblemsConfig(Section):
    """Which problems are learnt from and which are measured on.

    A source is a JSONL or Parquet file, a folder of Parquet files, or a data set on the Hugging Face hub, `org/name` or
    `org/name:config`.
    """

    train: str = Field(
        "quickstart",
        description="`quickstart`, `coin_flip`, `last_letters`, or a source with `question` and `answer`.",
    )
    validation: str | None = Field(None, description="A source; without one a share of train is held out.")
    test: str | tuple[str, ...] | None = Field(
        None,
        description="A source or a benchmark such as `svamp`, or a list of them, each measured by its own rule; "
        "without one a share of train is held out.",
    )
    data: str | None = Field(
        None, description="The data folder, where files and benchmarks are looked for; by default `PAD_RAY_DATA`."
    )
    train_split: str = Field("train", description="Which split of a hub's data set is trained on.")
    validation_split: str = Field("validation", description="Which split of a hub's data set choices are made on.")
    test_split: str = Field("test", description="Which split of a hub's data set is measured on.")
    licence: str = Field("unknown", description="Licence of the training problems, for the card of the samples.")
    allow_contamination: bool = Field(False, description="Train on an evaluation set all the same.")
    benchmark: str | None = Field(None, description="The name in results; by default that of the test file.")
    limit: int | None = Field(None, ge=1, description="Use only the first n training problems.")
    validation_limit: int = Field(200, ge=1, description="Use at most the first n validation problems.")
    test_limit: int | None = Field(None, ge=1, description="Use only the first n test problems, of each source.")
    holdout: float = Field(0.1, ge=0, lt=0.5, description="Share of train held out for each split without a file.")
    question: str = Field("question", description="Name of the question field.")
    answer: str = Field("answer", description="Name of the gold answer field.")
    id: str = Field("id", description="Name of the id field; rows without one get a hash of the question.")
    context: str | None = Field(
        None,
        description="Name of a field whose text stands before each question, in all splits: `rationale` gives "
        "StrategyQA's facts to read.",
    )
    split_solutions: bool = Field(
        False,
        description="Makes subquestions of train by rule: each step of a solution with calculator notes, as GSM8K's, "
        "asks for its own result. Problems whose steps do not read so are left out, for all recipes alike.",
    )
    folds: int | None = Field(
        None,
        ge=2,
        description="Measures on one of so many parts of train and test together, and trains on what train has outside "
        "of it, so that a small test set decides more once each fold had its turn. What `test` holds is never trained "
        "on.",
    )
    fold: int = Field(0, ge=0, description="Which of the folds, from 0.")
    seed: int = Field(0, description="Seed of the generator and of the hold-out.")
    sizes: Sizes = Field(default_factory=lambda: Sizes(), description="Sizes of the generator's splits.")

    @model_validator(mode="after")
    def _check_fold(self) -> ProblemsConfig:
        if self.fold >= (self.folds or 1):
            known = f"they count from 0 to {self.folds - 1}" if self.folds else "`folds` is not set"
            raise ValueError(f"there is no fold {self.fold}: {known}")
        return self

    @field_validator("test", mode="before")
    @classmethod
    def _check_test(cls, test: Any) -> Any:
        """A list of one is that one."""
        named = [test] if isinstance(test, str) else test
        if test is None:
            return None
        if not isinstance(named, list | tuple) or not named or not all(isinstance(one, str) for one in named):
            raise ValueError("must be a source or a benchmark, or a list of them")
        if len(set(named)) < len(named):
            raise ValueError("names a source twice")
        return named[0] if len(named) == 1 else tuple(named)

    @model_validator(mode="after")
    def _check_benchmark(self) -> ProblemsConfig:
        if self.benchmark and len(self.tests) > 1:
            raise ValueError("`benchmark` is one name, and `test` names several sources, each called by its own name")
        if self.folds and len(self.tests) > 1:
            raise ValueError("`folds` are of one source of test problems, and `test` names several")
        return self

    @property
    def tests(self) -> tuple[str, ...]:
        """The sources of test problems; none where a share of train is held out."""
        return (self.test,) if isinstance(self.test, str) else self.test or ()
