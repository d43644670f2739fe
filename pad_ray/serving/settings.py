"""How the decoder is served: `pad-ray serve --config FILE`, and `args` of an application in `jobs/serve.yaml`."""

from __future__ import annotations

from pydantic import Field, model_validator

from pad_ray.config import ResourcesConfig
from pad_ray.decoding.settings import DecodingConfig
from pad_ray.section import Section


class MaximaConfig(Section):
    """The most that one request may ask for; more is refused, naming the field."""

    question_characters: int = Field(4000, ge=1, description="Longest question.")
    body_bytes: int = Field(64 << 10, ge=1024, description="Longest body of a request.")
    beams: int = Field(16, ge=1, description="Most beams.")
    candidates: int = Field(16, ge=1, description="Most candidate steps asked for each beam.")
    samples: int = Field(64, ge=1, description="Most samples of self-consistency.")
    steps: int = Field(64, ge=1, description="Most statements of one program.")
    tokens: int = Field(16_384, ge=1, description="Most tokens for one question.")
    max_tokens: int = Field(512, ge=1, description="Longest program of those that are drawn at once, in tokens.")
    seconds: float = Field(60, gt=0, description="Most time for one question, and its limit where it sets none.")


class QueueConfig(Section):
    """When a request is turned away at once, with 503 and Retry-After, in place of waiting for ever."""

    in_flight: int = Field(64, ge=1, description="Requests that one replica of the ingress has at work or waiting.")
    retry_after: int = Field(2, ge=1, description="Seconds that a client is told to wait.")
    replays: int = Field(3, ge=0, description="How often a request whose decoder died is asked again elsewhere.")


class ReplicasConfig(Section):
    """How many replicas a deployment has, and when there are more."""

    least: int = Field(1, ge=1, description="Replicas that there always are.")
    most: int = Field(1, ge=1, description="Replicas under load.")
    target: float = Field(8, gt=0, description="Calls at work in one replica at which another one is started.")
    in_flight: int = Field(32, ge=1, description="Most calls at work in one replica; more wait.")
    cpus: float = Field(0.5, ge=0, description="Logical CPUs that a replica reserves, besides those of an engine.")
    upscale_seconds: float = Field(5, ge=0, description="How long the load must be above the target.")
    downscale_seconds: float = Field(120, ge=0, description="How long it must be below.")

    @model_validator(mode="after")
    def _check_order(self) -> ReplicasConfig:
        if self.most < self.least:
            raise ValueError("`most` must not be below `least`")
        return self


class ServeConfig(Section):
    """A served student."""

    model: str = Field("embedded", description="A student's folder, a Hugging Face name, or `embedded`.")
    name: str | None = Field(None, description="What clients call it; by default the end of its path.")
    recipe: str | None = Field(None, description="How it was taught; by default what its folder says, else `pad`.")
    decoder: str = Field("step-beam", description="Decoder of a request that names none.")
    decoding: DecodingConfig = Field(
        default_factory=DecodingConfig, description="Settings of a request that gives none."
    )
    max_tokens: int = Field(160, ge=1, description="Longest program of those that are drawn at once, in tokens.")
    maxima: MaximaConfig = Field(default_factory=lambda: MaximaConfig())
    queue: QueueConfig = Field(default_factory=lambda: QueueConfig())
    token_file: str | None = Field(
        None, description="File with bearer tokens, one a line; `PAD_RAY_SERVE_TOKENS` holds them too, with commas."
    )
    page: bool = Field(True, description="Whether there is a page at `/`.")
    keep_alive_seconds: float = Field(
        12, gt=0, description="A stream on which nothing came for so long sends a comment, so that no proxy closes it."
    )
    host: str = Field("127.0.0.1", description="Address that it listens on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=1, le=65535, description="Port that it listens on.")
    ingress: ReplicasConfig = Field(default_factory=lambda: ReplicasConfig(in_flight=256, target=64))
    decoders: ReplicasConfig = Field(default_factory=lambda: ReplicasConfig(most=4))
    sandboxes: ReplicasConfig = Field(default_factory=lambda: ReplicasConfig(most=4))
    models: ReplicasConfig = Field(default_factory=lambda: ReplicasConfig(in_flight=256, target=64, cpus=0))
    resources: ResourcesConfig = Field(default_factory=ResourcesConfig, description="Devices of an engine.")
