"""What a client may ask for, and how it becomes a job."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from pad_ray.errors import ConfigError
from pad_ray.section import Section
from pad_ray.serving.messages import Job
from pad_ray.serving.refusals import Refusal
from pad_ray.serving.settings import MaximaConfig, ServeConfig

DecoderName = Literal[
    "step-beam",
    "self-consistency",
    "greedy",
    "step-beam+repair",
    "self-consistency+repair",
    "greedy+repair",
]
# Not blank, and without NUL, which no tokenizer was taught.
Question = Annotated[str, StringConstraints(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
SEEDS = 2**63


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
Seed = Annotated[int, Field(ge=0, lt=SEEDS), BeforeValidator(_whole)]
SignedSeed = Annotated[int, Field(ge=-SEEDS, lt=SEEDS), BeforeValidator(_whole)]


class BudgetRequest(Section):
    """What a question may cost; the best program so far is the answer when something runs out."""

    model_config = ConfigDict(strict=True)

    steps: Count | None = Field(None, description="Statements of one program.")
    tokens: Count | None = Field(None, description="Tokens, generated and read, dropped candidates included.")
    seconds: float | None = Field(None, gt=0, description="Time.")


class SearchRequest(Section):
    """How to look for the answer; the server's settings hold where a field is left out."""

    model_config = ConfigDict(strict=True)

    decoder: DecoderName | None = Field(None, description="`+repair` asks again for what ended in an exception.")
    beams: Count | None = Field(None, description="Beams kept after each step.")
    candidates: Count | None = Field(None, description="Candidate steps asked for each beam.")
    samples: Count | None = Field(None, description="Samples of self-consistency.")
    choose: Literal["score", "vote"] | None = Field(
        None, description="The answer of the best program, or the one that most probability stands behind."
    )
    budget: BudgetRequest | None = Field(None, description="What the question may cost.")


class SolveRequest(SearchRequest):
    """A question with the settings to solve it by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "Tom has 3 boxes of 4 pens. He gives 5 away. How many are left?"},
                {
                    "question": "What is 17% of 350?",
                    "decoder": "step-beam",
                    "beams": 4,
                    "candidates": 4,
                    "budget": {"steps": 12, "seconds": 10},
                    "stream": True,
                },
            ]
        }
    )

    question: Question = Field(description="The problem; not blank.")
    temperature: float | None = Field(None, gt=0, le=2, description="Of candidates and samples.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus that they are drawn from.")
    seed: Seed | None = Field(None, description="The same seed gives the same search.")
    max_tokens: Count | None = Field(None, description="Longest program of those that are drawn at once.")
    stream: bool = Field(False, description="Whether steps are told as they are made, by server-sent events.")


class Jobs:
    """Makes jobs of requests, within the server's maxima.

    Raises:
        ConfigError: the server's own settings are above them.
    """

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        over = _over(self._settings(SolveRequest(question="?")), config.maxima)
        if over:
            name, value, most = over
            raise ConfigError(f"`{name}` is {value} and `maxima` allows {most}", "Lower one or raise the other")

    def of(self, request: SolveRequest, id: str, within: str = "") -> Job:
        """A job.

        Args:
            request: what is asked.
            id: of the job.
            within: what stands before a field's name when a client is told of it.

        Raises:
            Refusal: a field is above its maximum.
        """
        longest = self._config.maxima.question_characters
        if len(request.question) > longest:
            long = f"`question` has {len(request.question)} characters, and at most {longest} are read"
            raise Refusal(long, param="question", code="above_maximum")
        settings = self._settings(request)
        if over := _over(settings, self._config.maxima):
            name, value, most = over
            raise Refusal(f"`{within}{name}` is {value}: at most {most}", "", 400, within + name, "above_maximum")
        max_tokens = settings.pop("max_tokens")
        budget = self._config.decoding.budget.model_copy(update=settings.pop("budget"))
        decoding = self._config.decoding.model_copy(update={**settings, "budget": budget})
        return Job(id, request.question, request.decoder or self._config.decoder, decoding, max_tokens)

    def _settings(self, request: SolveRequest) -> dict[str, Any]:
        """What holds for a request: what it says, else what the server's settings say."""
        default, maxima = self._config.decoding, self._config.maxima
        names = ("beams", "candidates", "samples", "choose", "temperature", "top_p", "seed")
        settings = {name: _first(getattr(request, name), getattr(default, name)) for name in names}
        budget = request.budget or BudgetRequest()
        return settings | {
            "max_tokens": _first(request.max_tokens, self._config.max_tokens),
            "budget": {
                "steps": _first(budget.steps, default.budget.steps),
                "tokens": _first(budget.tokens, default.budget.tokens),
                "seconds": _first(budget.seconds, _first(default.budget.seconds, maxima.seconds)),
            },
        }


def _over(settings: dict[str, Any], maxima: MaximaConfig) -> tuple[str, float, float] | None:
    """The first setting that is above its maximum: its name, itself, and the maximum."""
    plain = {name: settings[name] for name in ("beams", "candidates", "samples", "max_tokens")}
    budget = {f"budget.{name}": value for name, value in settings["budget"].items()}
    for name, value in {**plain, **budget}.items():
        most = getattr(maxima, name.removeprefix("budget."))
        if value > most:
            return name, value, most
    return None


def _first(given: Any, default: Any) -> Any:
    return default if given is None else given
