"""The model that learns: decoder-only or encoder-decoder, loaded for training."""

from __future__ import annotations

from typing import Any, Literal

Precision = Literal["bf16", "fp32"]


def load_model(model: str, precision: Precision, dropout: float | None = None) -> Any:
    """A model in Hugging Face layout, by its own architecture.

    Args:
        model: a local folder or a hub name; decoder-only or encoder-decoder.
        precision: of its weights.
        dropout: set on every dropout that the architecture has; None leaves what its configuration says.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = AutoConfig.from_pretrained(model)
    if dropout is not None:
        for name in _DROPOUTS & vars(config).keys():
            setattr(config, name, dropout)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return kind.from_pretrained(model, config=config, dtype=dtype)


# What the architectures in transformers call it.
_DROPOUTS = frozenset(
    [
        "dropout",
        "dropout_rate",
        "attention_dropout",
        "activation_dropout",
        "hidden_dropout",
        "resid_pdrop",
        "embd_pdrop",
        "attn_pdrop",
    ]
)
