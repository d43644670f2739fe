"""The configuration of a run: one small YAML file, checked before anything starts.

What defines a result (data, models, recipe, learning rate, global batch, seeds) stands in the sections that stage ids
are hashed from. How a run is executed (workers, micro-batches, GPUs, paths) stands in `resources` and never changes an
id.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from pad_ray.errors import ConfigError
from pad_ray.evaluation.settings import EvaluationConfig
from pad_ray.generation.http_settings import HttpConfig
from pad_ray.problem_settings import ProblemsConfig
from pad_ray.refinement_settings import RefinementConfig
from pad_ray.section import Section, section_of
from pad_ray.synthesis.edit_settings import EditConfig
from pad_ray.training.settings import StudentConfig, TrackingConfig, TrainingConfig
from pad_ray.yaml_text import parse_mapping, text_of

Kind = Literal["vllm", "transformers", "http", "recorded", "annotations"]


class TeacherConfig(Section):
    """The model that writes programs, and how it is asked."""

    kind: Kind = Field(
        "vllm",
        description="Who answers: `vllm`; `transformers` (encoder-decoders, what vLLM has not); `http` (an endpoint "
        "that speaks OpenAI's protocol); `recorded` (completions from a file); `annotations` (what the data holds).",
    )
    model: str = Field("embedded", description="`embedded`, a local folder, or a Hugging Face name; the name at http.")
    adapter: str | None = Field(None, description="A folder with a LoRA adapter that is put on the model.")
    file: str | None = Field(None, description="JSONL with `problem_id` and `completion`, of the teacher `recorded`.")
    http: HttpConfig | None = Field(None, description="The endpoint of the teacher `http`.")
    ask: Literal["completion", "chat"] = Field(
        "completion", description="Continue a text, or answer in the model's own chat template."
    )
    system: str | None = Field(None, description="System line of a chat.")
    stop: tuple[str, ...] | None = Field(None, description="A completion ends before these; by default the recipe's.")
    examples: str | None = Field(
        None, description="Worked examples: a built-in name or a JSONL file; by default those of the recipe."
    )
    shots: int = Field(4, ge=0, description="Worked examples in each prompt.")
    context: Literal["sets", "nearest"] = Field(
        "sets",
        description="Which worked examples: context sets in rotation, or those nearest to the question.",
    )
    samples: int = Field(4, ge=1, description="Completions per problem.")
    temperature: float = Field(0.7, ge=0, description="Sampling temperature; 0 is greedy.")
    top_p: float = Field(1.0, gt=0, le=1, description="Nucleus mass; below 1 a CPU engine sorts the vocabulary: slow.")
    max_tokens: int = Field(128, ge=1, description="Longest completion, in tokens.")
    seed: int | None = Field(
        None, description="Gives each request a seed of its own; costs a third of the speed of a small model on a CPU."
    )

    @model_validator(mode="after")
    def _check_kind(self) -> TeacherConfig:
        for kind, name in (("http", "http"), ("recorded", "file")):
            if (self.kind == kind) != (getattr(self, name) is not None):
                raise ValueError(f"`{name}` belongs to the teacher `{kind}`, and that teacher needs it")
        if self.adapter and self.kind not in ("vllm", "transformers"):
            raise ValueError("`adapter` belongs to the teachers `vllm` and `transformers`")
        if self.system and self.ask != "chat":
            raise ValueError("`system` belongs to `ask: chat`")
        return self


class SamplesConfig(Section):
    """Where samples may come from besides the teacher."""

    from_: str | None = Field(
        None, alias="from", description="Another run, by name or folder: its samples for the same requests are reused."
    )


class VerificationConfig(Section):
    """How a program's value is compared with gold, and what a program may use."""

    mode: Literal["tolerance", "exact", "round", "string"] = Field("tolerance", description="How answers are compared.")
    relative: float = Field(1e-6, ge=0, description="Relative tolerance.")
    absolute: float = Field(1e-3, ge=0, description="Absolute tolerance.")
    extractor: Literal["strict", "flexible"] | None = Field(
        None,
        description="How a final answer is found in a text, of recipes in words: `strict` behind a mark like `####`, "
        "`flexible` the last that looks like one. By default what the recipe says.",
    )
    cpu_seconds: float = Field(2.0, gt=0, description="CPU time that one program may use.")
    memory_mb: int = Field(512, ge=64, description="Memory that one program may use.")


Mark = Literal["forged", "duplicate", "contaminated", "constant_program", "unused_steps", "ignores_question"]


class ExamplesConfig(Section):
    """Which verified samples are learnt from."""

    per_problem: int = Field(4, ge=1, description="At most this many programs for one problem.")
    exclude: tuple[Mark, ...] = Field(
        ("forged", "duplicate", "contaminated", "constant_program"),
        description="Samples with one of these marks are kept as rows and not learnt from. `forged`: it may have "
        "altered its value; `duplicate`: the same program for the problem again, but for names and layout; "
        "`contaminated`: the question is in an evaluation set; `constant_program`: it returns a literal; "
        "`unused_steps`: its answer does not depend on a step; `ignores_question`: none of its numbers is asked about.",
    )
    fraction: float = Field(1.0, gt=0, le=1, description="Share of the problems with a program that are learnt from.")
    order: Literal["random", "faithfulness", "gradient_norm", "entropy"] = Field(
        "random",
        description="Which problems come first: a seeded choice; those whose programs are most like the question; "
        "those that move the base most; those that it is least certain of.",
    )
    seed: int = Field(0, description="Seed of the choice; a larger fraction of the same seed holds a smaller one.")
    edit: EditConfig | None = Field(
        None, description="Weights of the pairs of the recipes `edit` and `edit_cot`; without the section the defaults."
    )

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that define which examples there are, but for those of pairs, which few recipes have."""
        return self.model_dump(exclude={"edit"} | ({"fraction", "order", "seed"} if self.fraction == 1 else set()))


class ResourcesConfig(Section):
    """How a run is executed. Nothing here changes a result's identity."""

    cpus: int | None = Field(None, ge=1, description="Logical CPUs of a local Ray; by default what the stages need.")
    engines: int = Field(1, ge=1, description="vLLM engines, scaled from one to this many.")
    engine_cpus: float = Field(1, gt=0, description="Logical CPUs that an engine reserves, for each of its GPUs.")
    engine_gpus: int = Field(0, ge=0, description="GPUs per engine, its tensor parallelism; 0 runs on the CPU.")
    engine_cores: str | None = Field(
        None, description="Cores that a CPU engine is bound to, such as `0-7`; by default all of a small machine."
    )
    engine_rows: int = Field(128, ge=8, description="Rows that an engine holds at once; what a kill can cost, twice.")
    decode_in_flight: int = Field(16, ge=1, description="Problems that one engine decodes at once.")
    engine_restarts: int = Field(
        50, ge=0, description="How often one engine that died is started again before the run fails."
    )
    attempts: int = Field(3, ge=1, description="Runs in which a request at which the teacher failed is asked again.")
    engine_kwargs: dict[str, Any] = Field(default_factory=dict, description="Further vLLM engine arguments.")
    max_model_len: int = Field(1024, ge=64, description="Longest prompt and completion together, in tokens.")
    kv_cache_gib: int = Field(3, ge=1, description="Memory of vLLM's key-value cache on a CPU.")
    sandbox_workers: int = Field(1, ge=1, description="Actors that judge programs, scaled from one to this many.")
    node_minutes: float = Field(
        60, gt=0, description="How long a stage waits for nodes that a cluster's autoscaler starts for it."
    )
    train_workers: int = Field(1, ge=1, description="Ray Train workers; on CPUs more than one serve several nodes.")
    train_workers_min: int | None = Field(
        None,
        ge=1,
        description="Fewest workers that a training begins with, and goes on with when nodes go; when nodes come it "
        "grows to `train_workers`. By default it waits for all of them.",
    )
    train_gpus: bool = Field(False, description="One GPU per training worker.")
    threads: int | None = Field(None, ge=1, description="Threads of one training worker; by default an even share.")
    micro_batch_tokens: int = Field(2048, ge=16, description="Tokens packed into one forward pass of one worker.")
    zero_stage: Literal[0, 1, 2, 3] | None = Field(
        None, description="DeepSpeed ZeRO stage; by default 2 for several GPUs, and 0 for one worker and for CPUs."
    )
    offload_optimizer: bool = Field(False, description="Keep the optimiser's state in main memory; ZeRO 1 and above.")
    gradient_checkpointing: bool = Field(False, description="Trade a second forward pass for the memory of the first.")
    checkpoint_minutes: float = Field(10, gt=0, description="A training state is kept so often, to go on from.")
    train_retries: int = Field(
        3,
        ge=0,
        description="How often a training goes on by itself after a worker died; one whose node was announced to go "
        "does not count.",
    )

    @model_validator(mode="after")
    def _check_workers(self) -> ResourcesConfig:
        if self.fewest_workers > self.train_workers:
            raise ValueError("`train_workers_min` is above `train_workers`")
        return self

    @model_validator(mode="after")
    def _check_offload(self) -> ResourcesConfig:
        if self.offload_optimizer and self.zero == 0:
            raise ValueError("`offload_optimizer` needs `zero_stage` 1, 2 or 3")
        return self

    @property
    def fewest_workers(self) -> int:
        """Workers without which no training goes on."""
        return self.train_workers_min or self.train_workers

    @property
    def zero(self) -> int:
        """The ZeRO stage of these workers.

        Over gloo gathering the parts takes longer than it saves: on two cores ZeRO 2 trains at 0.7 of ZeRO 0's speed.
        """
        if self.zero_stage is not None:
            return self.zero_stage
        return 2 if self.train_gpus and self.train_workers > 1 else 0

    @property
    def block_rows(self) -> int:
        """Rows of one block: eight of them are in an engine at once, so that it never drains between two."""
        return self.engine_rows // 8


class RunConfig(Section):
    """A whole run."""

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="The run's name, a folder.")
    runs: str = Field("runs", description="Where run folders are kept.")
    recipe: str = Field("pad", description="How the student is taught.")
    problems: ProblemsConfig = Field(default_factory=lambda: ProblemsConfig())
    teacher: TeacherConfig = Field(default_factory=lambda: TeacherConfig())
    samples: SamplesConfig = Field(default_factory=lambda: SamplesConfig())
    verification: VerificationConfig = Field(default_factory=lambda: VerificationConfig())
    examples: ExamplesConfig = Field(default_factory=lambda: ExamplesConfig())
    student: StudentConfig = Field(default_factory=lambda: StudentConfig())
    training: TrainingConfig = Field(default_factory=lambda: TrainingConfig())
    evaluation: EvaluationConfig = Field(default_factory=lambda: EvaluationConfig())
    refinement: RefinementConfig | None = Field(
        None, description="Rounds in which the student learns from errors; without the section there are none."
    )
    tracking: TrackingConfig = Field(default_factory=lambda: TrackingConfig())
    resources: ResourcesConfig = Field(default_factory=lambda: ResourcesConfig())


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads a YAML file and applies `key.path=value` overrides.

    Raises:
        ConfigError: no file, no YAML, an unknown key (the nearest valid one is named), or a value of the wrong type.
    """
    return config_of(text_of(path), str(path), overrides, name=path.stem)


def config_of(text: str, place: str, overrides: Sequence[str] = (), name: str | None = None) -> RunConfig:
    """Reads YAML, with overrides as `load_config` has them.

    Args:
        text: the YAML.
        place: what errors call it.
        name: the run's, if the YAML says none.

    Raises:
        ConfigError: as `load_config`.
    """
    raw = parse_mapping(text, place)
    if name:
        raw.setdefault("name", name)
    return parse_config(raw, place, overrides)


def parse_config(raw: dict[str, Any], place: str = "configuration", overrides: Sequence[str] = ()) -> RunConfig:
    """Applies overrides to a plain mapping and checks it against the models above.

    Raises:
        ConfigError: as `load_config`.
    """
    for override in overrides:
        apply_override(raw, override)
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{place}: {first_problem(error)}") from None


def apply_override(raw: dict[str, Any], override: str) -> None:
    """Sets one `key.path=value` in a plain mapping.

    Raises:
        ConfigError: it is not of that form, or leads through what is no section.
    """
    import yaml

    dotted, equals, text = override.partition("=")
    if not equals or not all(dotted.split(".")):
        raise ConfigError(f"`--set {override}` is not of the form key.path=value")
    *parents, key = dotted.split(".")
    place = raw
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise ConfigError(f"`--set {override}`: `{parent}` is no section")
    try:
        place[key] = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(f"`--set {override}`: the value cannot be read") from None


def first_problem(error: ValidationError, model: type[BaseModel] = RunConfig) -> str:
    """What is wrong with settings, in one line: of several problems the first.

    Args:
        error: what the check said.
        model: the settings that were checked, for the nearest key to one that is unknown.
    """
    # A key that is mistyped is told before one that is missing for it.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    where = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"unknown key `{where}`; {_nearest('.'.join(path[:-1]), path[-1], model)}"
    message = _PLAIN.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    if first["type"].partition("_")[0] in _SIMPLE and isinstance(first["input"], str | int | float):
        message += f", not {str(first['input'])[:60]!r}"
    return f"`{where}`: {message[:1].lower() + message[1:]}" if where else message


# Where pydantic speaks to programmers.
_SIMPLE = ("int", "float", "bool", "string")
_PLAIN = {
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "missing": "must be given",
    "model_type": "must be a section, with keys of its own",
    "string_pattern_mismatch": "must be letters, digits, `.`, `_` and `-`, with a letter or digit first",
}


def _nearest(section: str, name: str, model: type[BaseModel]) -> str:
    """What an unknown key may have meant: a key of its section, else one of another, else any of its section."""
    split = [(key, *key.rpartition(".")[::2]) for key in known_keys(model)]
    siblings = {last: key for key, parent, last in split if parent == section}
    # Of equal names the one that stands least deep is the likeliest.
    others = {last: key for key, _, last in sorted(split, key=lambda one: -one[0].count("."))}
    for keys in (siblings, others):
        if near := difflib.get_close_matches(name, keys, n=1):
            return f"did you mean `{keys[near[0]]}`?"
    return f"there are: {', '.join(siblings)}"


def known_keys(model: type[BaseModel] = RunConfig, prefix: str = "") -> list[str]:
    """All dotted keys, sections included."""
    keys = []
    for name, field in model.model_fields.items():
        name = field.alias or name
        keys.append(prefix + name)
        if section := section_of(field.annotation):
            keys += known_keys(section, f"{prefix}{name}.")
    return keys
