"""What defines the trained weights: the student, how it learns, and how much each token counts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from pad_ray.section import Section


class LoraConfig(Section):
    """A LoRA adapter that learns in the student's place."""

    rank: int = Field(16, ge=1, le=512, description="Rank of the update; vLLM takes 512 at most.")
    alpha: int = Field(32, ge=1, description="The update counts alpha / rank times.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the adapter.")
    targets: Literal["auto"] | tuple[str, ...] = Field(
        "auto", description="Names of the layers that get an adapter; `auto` is every linear layer but the output."
    )

    @model_validator(mode="before")
    @classmethod
    def _check_servable(cls, raw: Any) -> Any:
        """What peft knows and vLLM cannot load is refused here, not after the training."""
        if isinstance(raw, dict):
            for key, reason in _NOT_SERVABLE.items():
                if key in raw:
                    raise ValueError(f"`{key}` makes an adapter that vLLM does not load: {reason}")
        return raw

    @field_validator("targets")
    @classmethod
    def _check_targets(cls, targets: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if wide := sorted({"lm_head", "embed_tokens", "wte", "shared"} & set(targets)):
            raise ValueError(f"`{wide[0]}` holds the vocabulary: vLLM does not load an adapter on it")
        if not targets:
            raise ValueError("names no layer")
        return targets


_NOT_SERVABLE = {
    "modules_to_save": "it takes low-rank updates only, no whole layers",
    "bias": "it takes no trained biases",
    "use_dora": "it has no DoRA",
}


class StudentConfig(Section):
    """The model that learns."""

    model: str = Field("embedded", description="`embedded`, a local folder, or a Hugging Face name.")
    lora: LoraConfig | None = Field(None, description="Train an adapter instead of all weights: `lora: {}` or more.")


class LossConfig(Section):
    """How much tokens of a target count; 1 is one vote a token."""

    answer_weight: float = Field(1.0, ge=0, description="Weight of the tokens of the final answer.")
    step_weight: float = Field(1.0, ge=0, description="Weight of the tokens of all steps before it.")

    @model_validator(mode="after")
    def _check_weights(self) -> LossConfig:
        if not self.answer_weight and not self.step_weight:
            raise ValueError("one of the weights must be above 0")
        return self


class SelfDistillation(Section):
    """A second training with the student of a first one as a frozen teacher (PaD, appendix B)."""

    weight: float = Field(1.0, gt=0, description="λ: how much the divergence from the first student counts.")
    top_p: float | None = Field(
        None, gt=0, lt=1, description="Only the first student's nucleus counts, on average; PaD's code has 0.99."
    )


class ReplayConfig(Section):
    """Examples of other things, mixed into what is learnt, so that less of what the base could is lost."""

    file: str = Field(
        description="JSON Lines with `prompt` and `completion`, or with `text`; `pad-ray rehearse` lets the base write "
        "one."
    )
    ratio: float = Field(0.1, gt=0, description="Replayed examples for each that is taught, as far as the file goes.")
    seed: int = Field(0, description="Seed of the choice among those of the file.")


PRESETS: dict[str, dict[str, Any]] = {
    # PaD, arXiv 2305.13888: section 4.1 and the released training script.
    "paper": {
        "epochs": 50,
        "learning_rate": 6e-5,
        "schedule": "linear",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "batch_size": 8,
        "validation": 0.05,
        "early_stopping": 3,
    }
}


class TrainingConfig(Section):
    """What defines the trained weights."""

    preset: Literal["paper"] | None = Field(
        None, description="Other defaults: `paper` has those of arXiv 2305.13888 (learning rate 6e-5, batches of 8, …)."
    )
    epochs: float = Field(2.0, gt=0, description="Passes over the examples.")
    tokens: int | None = Field(
        None,
        ge=1,
        description="Instead of `epochs`: as many passes as come to so many tokens, prompts and targets, so that "
        "trainings on different examples cost the same.",
    )
    learning_rate: float = Field(3e-4, gt=0, description="Peak learning rate of AdamW.")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="Decay after the warm-up.")
    warmup: float = Field(0.05, ge=0, lt=1, description="Share of the steps that warm up.")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's weight decay.")
    max_grad_norm: float = Field(1.0, gt=0, description="Gradients are clipped to this norm.")
    batch_size: int = Field(16, ge=1, description="Examples per optimiser step, over all workers.")
    max_tokens: int = Field(1024, ge=16, description="Longest example, prompt and target together.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto",
        description="Arithmetic of the forward and backward pass. `auto`: bf16 where the workers' processors multiply "
        "it fast (AVX-512, AMX, GPUs from Ampere on), else fp32; a training that is gone on with keeps its own.",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout of the student; by default the model's own.")
    seed: int = Field(0, description="Seed of the order of examples, of dropout and of adapters.")
    loss: LossConfig = Field(default_factory=lambda: LossConfig(), description="Weights of tokens.")
    self_distillation: SelfDistillation | None = Field(
        None, description="Train once, then again with the first student as a frozen teacher."
    )
    replay: ReplayConfig | None = Field(
        None, description="Examples of other things that are mixed in; without the section there are none."
    )
    validation: float = Field(
        0.0, ge=0, lt=0.5, description="Share of the problems held back: the best epoch on their loss is the student."
    )
    early_stopping: int | None = Field(
        None, ge=1, description="Ends after so many epochs without a better validation loss."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and raw.get("preset") in PRESETS:
            return {**PRESETS[raw["preset"]], **raw}
        return raw

    @model_validator(mode="after")
    def _check_stopping(self) -> TrainingConfig:
        if self.early_stopping and not self.validation:
            raise ValueError("`early_stopping` needs `validation`, a share of the problems")
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that define the weights; a preset is the settings that it stands for.

        What is replayed defines them too, by its content: `pad_ray.training.replay.replay_digest`.
        """
        left_out = {"preset", "replay", "epochs" if self.tokens else "tokens"}
        return self.model_dump(exclude=left_out | (set() if self.self_distillation else {"self_distillation"}))

    def passes(self, tokens: int) -> float:
        """Passes over examples of so many tokens, prompts and targets."""
        return self.tokens / tokens if self.tokens and tokens else self.epochs


class MlflowConfig(Section):
    """An MLflow server that follows trainings; credentials come from the environment."""

    uri: str | None = Field(None, description="Tracking server or database; by default MLFLOW_TRACKING_URI.")
    experiment: str = Field("pad-ray", description="Name of the experiment; made if need be.")


class WandbConfig(Section):
    """Weights & Biases; WANDB_API_KEY and WANDB_BASE_URL come from the environment."""

    project: str = Field("pad-ray", description="Name of the project.")
    entity: str | None = Field(None, description="User or team; by default that of the key.")
    mode: Literal["online", "offline"] = Field("online", description="`offline` writes into the run folder only.")


class TrackingConfig(Section):
    """Who follows the loss of a training besides the run folder. Nothing here changes a result's identity."""

    tensorboard: bool = Field(True, description="Event files in tensorboard/ of a run folder on a disk.")
    mlflow: MlflowConfig | None = Field(None, description="MLflow; its package has to be installed.")
    wandb: WandbConfig | None = Field(None, description="Weights & Biases; its package has to be installed.")
