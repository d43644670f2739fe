"""A model and its tokenizer in this process, by transformers, for those that generate with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pad_ray.arithmetic import multiplies_bf16
from pad_ray.models import context_length


@dataclass(frozen=True)
class Generator:
    """A model that is ready to generate.

    Attributes:
        model: the loaded model, on its device, in evaluation mode.
        tokenizer: its tokenizer.
        device: `cuda` or `cpu`.
        encoder_decoder: whether it reads a prompt with an encoder of its own.
        longest: places of its context; None where it names none.
        start: id of the token that starts the decoder of an encoder-decoder.
    """

    model: Any
    tokenizer: Any
    device: str
    encoder_decoder: bool
    longest: int | None
    start: int


def load_generator(model: str, threads: int | None = None, adapter: str | None = None) -> Generator:
    """Loads a decoder-only or encoder-decoder model in its own precision; on a CPU that is slow in bf16 in fp32.

    Args:
        model: a local folder or a hub name.
        threads: CPU threads; None leaves it to torch.
        adapter: folder of a LoRA adapter to put on the model.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

    if threads:
        torch.set_num_threads(threads)
    config = AutoConfig.from_pretrained(model)
    encoder_decoder = bool(config.is_encoder_decoder)
    kind = AutoModelForSeq2SeqLM if encoder_decoder else AutoModelForCausalLM
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = "auto" if device == "cuda" or multiplies_bf16() else torch.float32
    loaded: Any = kind.from_pretrained(model, dtype=dtype)
    if adapter:
        from peft import PeftModel

        loaded = PeftModel.from_pretrained(loaded, adapter)
    # A decoder writes on from the end of its prompt, so shorter prompts are padded in front.
    side = "right" if encoder_decoder else "left"
    return Generator(
        loaded.to(device).eval(),
        AutoTokenizer.from_pretrained(model, padding_side=side),
        device,
        encoder_decoder,
        context_length(config),
        getattr(config, "decoder_start_token_id", None) or 0,
    )
