"""Students made on the spot: a few thousand random weights, a tokenizer trained on the problems' own text."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pad_ray.recipes import recipe_named
from pad_ray.records import Row
from pad_ray.training.batches import step_examples
from pad_ray.training.schedule import learning_rate
from pad_ray.training.settings import TrainingConfig
from pad_ray.training.students import load_model
from pad_ray.training.tokens import TokenizedExample, tokenize
from pad_ray.word_problems import generate

KINDS = ("gpt2", "llama", "t5")


def example_rows(count: int, seed: int = 0) -> list[Row]:
    """Example rows of the built-in word problems with their own programs."""
    recipe = recipe_named("pad")
    sizes = {"train": count, "validation": 3, "test": 3, "unseen": 3}
    problems = generate(seed, sizes)["train"]
    return [
        {
            "id": f"{problem.id}-0",
            "sample_id": f"{problem.id}-0",
            "problem_id": problem.id,
            "split": "train",
            "prompt": recipe.prompt(problem.question),
            "target": recipe.target(problem.program),
            "marks": "[]",
            "used": True,
        }
        for problem in problems
    ]


def make_student(kind: str, folder: Path, width: int = 32, positions: int = 512) -> str:
    """Writes a random model with its tokenizer into `folder`, in Hugging Face layout."""
    import torch
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedModel,
        T5Config,
        T5ForConditionalGeneration,
    )

    tokenizer = _tokenizer(special=kind == "t5")
    tokenizer.save_pretrained(folder)
    ends: dict[str, Any] = {"vocab_size": len(tokenizer), "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    torch.manual_seed(0)
    model: PreTrainedModel
    if kind == "gpt2":
        model = GPT2LMHeadModel(GPT2Config(n_embd=width, n_layer=2, n_head=4, n_positions=positions, **ends))
    elif kind == "llama":
        model = LlamaForCausalLM(
            LlamaConfig(
                hidden_size=width,
                intermediate_size=2 * width,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=positions,
                **ends,
            )
        )
    else:
        model = T5ForConditionalGeneration(
            T5Config(
                d_model=width,
                d_kv=width // 4,
                d_ff=2 * width,
                num_layers=2,
                num_heads=4,
                **ends | {"decoder_start_token_id": 0},
            )
        )
    model.save_pretrained(folder)
    return str(folder)


def _tokenizer(special: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    built = Tokenizer(models.BPE())
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    built.train_from_iterator([row["prompt"] + row["target"] for row in example_rows(64)], trainer)
    if special:
        built.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=built, bos_token="<s>", eos_token="</s>", pad_token="<pad>", clean_up_tokenization_spaces=False
    )


def tokenized(student: str, rows: list[Row], **options: Any) -> list[TokenizedExample]:
    """The rows as the student reads them."""
    from transformers import AutoConfig, AutoTokenizer

    pairs = AutoConfig.from_pretrained(student).is_encoder_decoder
    return tokenize(rows, AutoTokenizer.from_pretrained(student), 1024, encoder_decoder=pairs, **options)


def plain_loss(model: Any, example: TokenizedExample) -> Any:
    """Weighted cross-entropy summed over the targets of one example on its own, by the textbook."""
    import torch

    target = torch.tensor(example.target)
    if model.config.is_encoder_decoder:
        logits = model(input_ids=torch.tensor([example.prompt]), labels=target[None]).logits[0]
    else:
        ids = torch.tensor([[*example.prompt, *example.target]])
        logits = model(input_ids=ids).logits[0, len(example.prompt) - 1 : -1]
    losses = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    return (losses * torch.tensor(example.target_weights)).sum()


def plain_model(student: str) -> Any:
    """The student in float32 without dropout."""
    return load_model(student, "fp32", dropout=0.0)


def in_processes(count: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Runs `work(*arguments)` in that many processes joined by gloo, and returns what each of them returned."""
    import torch
    from torch.multiprocessing.spawn import spawn

    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        spawn(_run, (count, port, folder, work, arguments), nprocs=count)
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(count)]


def _run(rank: int, count: int, port: int, folder: str, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    import torch

    with joined(rank, count, port):
        torch.save(work(*arguments), Path(folder) / f"{rank}.pt")


@contextlib.contextmanager
def joined(rank: int = 0, count: int = 1, port: int = 0) -> Iterator[None]:
    """`torch.distributed` over gloo, on loopback."""
    import torch
    import torch.distributed as dist

    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()}, DS_ACCELERATOR="cpu")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=count)
    try:
        yield
    finally:
        dist.destroy_process_group()


def plain_losses(model: Any, examples: list[TokenizedExample], steps: int, training: TrainingConfig) -> list[float]:
    """The losses of a textbook loop in PyTorch: one example after the other, AdamW, gradients clipped."""
    import torch

    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=training.learning_rate, weight_decay=training.weight_decay)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, training)
        chosen = [examples[n] for n in step_examples(step, len(examples), training.batch_size, training.seed)]
        weight = sum(example.weight for example in chosen)
        losses.append(0.0)
        for example in chosen:
            loss = plain_loss(model, example) / weight
            loss.backward()
            losses[-1] += loss.item()
        torch.nn.utils.clip_grad_norm_(learnt, training.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
    return losses


def write_recorded(path: Path, sizes: Mapping[str, int], target: str = "") -> str:
    """Completions for the teacher `recorded`: the built-in problems' own programs, or the text given for each."""
    rows = [
        {"problem_id": problem.id, "completion": target or problem.program.partition(":")[2]}
        for problem in generate(0, dict(sizes))["train"]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)
