"""The model that learns: decoder-only or encoder-decoder, full or through a LoRA adapter, loaded for training."""

from __future__ import annotations

from typing import Any

from pad_ray.errors import ConfigError
from pad_ray.training import attention
from pad_ray.training.precision import Setting
from pad_ray.training.settings import LoraConfig, TrainingConfig


def load_model(
    model: str,
    precision: Setting,
    dropout: float | None = None,
    packed_attention: bool = False,
) -> Any:
    """A model in Hugging Face layout, by its own architecture.

    Args:
        model: a local folder or a hub name; decoder-only or encoder-decoder.
        precision: of its weights; `auto` is that in which they are stored.
        dropout: set on every dropout that the architecture has; None leaves what its configuration says.
        packed_attention: compute attention example by example (`pad_ray.training.attention`).
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = AutoConfig.from_pretrained(model)
    if dropout is not None:
        for name in _DROPOUTS & vars(config).keys():
            setattr(config, name, dropout)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    options = {"attn_implementation": attention.register()} if packed_attention else {}
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}.get(precision, "auto")
    return kind.from_pretrained(model, config=config, dtype=dtype, **options)


def load_student(model: str, lora: LoraConfig | None, training: TrainingConfig, on_cpu: bool) -> Any:
    """The student as it is trained: logits at the places of targets alone; with LoRA only the adapter learns.

    Raises:
        ConfigError: a LoRA target that the model has not.
    """
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model)
    apart = on_cpu and not config.is_encoder_decoder and attention.packs_apart(config, training.max_tokens)
    torch.manual_seed(training.seed)  # an adapter begins with random weights
    student = load_model(model, training.precision, training.dropout, packed_attention=apart)
    student.config.use_cache = False
    student.get_output_embeddings().register_forward_pre_hook(_at_targets)
    return with_adapter(student, lora) if lora else student


def with_saved_adapter(model: Any, folder: str) -> Any:
    """The model with an adapter that peft wrote, nothing of it learning."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, folder)


def with_adapter(model: Any, lora: LoraConfig) -> Any:
    """The model with a new LoRA adapter (arXiv 2106.09685), all else frozen.

    Raises:
        ConfigError: the model has no module of a target's name.
    """
    from peft import LoraConfig as Adapter
    from peft import TaskType, get_peft_model

    check_targets(model, lora)
    settings = Adapter(
        task_type=TaskType.SEQ_2_SEQ_LM if model.config.is_encoder_decoder else TaskType.CAUSAL_LM,
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        # All linear layers but the output layer, whatever the architecture calls them.
        target_modules="all-linear" if lora.targets == "auto" else list(lora.targets),
    )
    return get_peft_model(model, settings)


def check_targets(model: Any, lora: LoraConfig) -> None:
    """Refuses LoRA targets that are not there.

    Raises:
        ConfigError: names the target and those that there are.
    """
    if lora.targets == "auto":
        return
    linear = {name.rpartition(".")[2] for name, module in model.named_modules() if _is_linear(module)}
    if missing := sorted(set(lora.targets) - linear):
        raise ConfigError(
            f"student.lora.targets: this {model.config.model_type} has no layer `{missing[0]}`",
            f"There are: {', '.join(sorted(linear))}; or leave it at `auto`",
        )


def linear_layers(model: str) -> Any:
    """The model's modules without weights, for checks that need no memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = AutoConfig.from_pretrained(model)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    with torch.device("meta"):
        return kind.from_config(config)  # type: ignore[no-untyped-call]


def _is_linear(module: Any) -> bool:
    return type(module).__name__ in ("Linear", "Conv1D")


def _at_targets(layer: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Passes on `[targets, width]` of the hidden states `[rows, tokens, width]` where `choose_targets` chose places.

    The vocabulary is wide: logits at every token would cost more than the rest of a small model.
    """
    places = getattr(layer, "_target_places", None)
    return None if places is None else (arguments[0].flatten(0, 1)[places],)


def choose_targets(model: Any, places: Any) -> None:
    """Says at which places `[targets]` (of rows and tokens, flattened) the next forward pass computes logits."""
    model.get_output_embeddings()._target_places = places


# What the architectures in transformers call it.
_DROPOUTS = frozenset(
    (
        "dropout",
        "dropout_rate",
        "attention_dropout",
        "activation_dropout",
        "hidden_dropout",
        "resid_pdrop",
        "embd_pdrop",
        "attn_pdrop",
    )
)
