"""The teacher `transformers`: batched generation for encoder-decoders and for models that vLLM does not serve."""

from __future__ import annotations

import json
import time
from itertools import groupby
from typing import Any

from pad_ray.generation.completion import answered, failed
from pad_ray.generation.loading import load_generator
from pad_ray.records import Row, table


class TransformersTeacher:
    """Ray Data callable: a batch of requests in, a table of the record `completion` out.

    Args:
        model: a local folder or a hub name; decoder-only or encoder-decoder.
        threads: CPU threads; None leaves it to torch.
        adapter: folder of a LoRA adapter to put on the model.
    """

    def __init__(self, model: str, threads: int | None = None, adapter: str | None = None) -> None:
        loaded = load_generator(model, threads, adapter)
        self._model, self._tokenizer, self._device = loaded.model, loaded.tokenizer, loaded.device
        self._encoder_decoder, self._longest = loaded.encoder_decoder, loaded.longest
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        ends = self._model.generation_config.eos_token_id
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])} - {None}

    def __call__(self, batch: Any) -> Any:
        """Requests with the same sampling parameters go through the model together."""
        requests = sorted(batch.to_pylist(), key=lambda row: row["sampling"])
        rows = []
        for sampling, group in groupby(requests, key=lambda row: row["sampling"]):
            rows += self._complete(list(group), json.loads(sampling))
        return table("completion", rows)

    def _complete(self, requests: list[Row], sampling: dict[str, Any]) -> list[Row]:
        fits, rows = [], []
        for request in requests:
            length = len(self._tokenizer(request["prompt"])["input_ids"])
            room = (self._longest or length + 1) - (0 if self._encoder_decoder else sampling["max_tokens"])
            if length > room:
                rows.append(failed(request, f"the prompt has {length} tokens and the model takes {room}"))
            else:
                fits.append(request)
        return rows + (self._generate(fits, sampling) if fits else [])

    def _generate(self, requests: list[Row], sampling: dict[str, Any]) -> list[Row]:
        import torch

        prompts = self._tokenizer([row["prompt"] for row in requests], padding=True, return_tensors="pt")
        prompts = prompts.to(self._device)
        begun = time.monotonic()
        if "seed" in sampling:
            torch.manual_seed(sampling["seed"])
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=prompts["input_ids"],
                attention_mask=prompts["attention_mask"],
                **self._settings(sampling),
            )
        seconds = time.monotonic() - begun
        # An encoder-decoder's first token only starts it.
        start = 1 if self._encoder_decoder else prompts["input_ids"].shape[1]
        lengths = prompts["attention_mask"].sum(dim=1).tolist()
        return [
            self._answer(request, tokens[start:].tolist(), int(length), sampling) | {"seconds": seconds}
            for request, tokens, length in zip(requests, output, lengths, strict=True)
        ]

    def _settings(self, sampling: dict[str, Any]) -> dict[str, Any]:
        settings = {
            "max_new_tokens": sampling["max_tokens"],
            "pad_token_id": self._tokenizer.pad_token_id,
            "do_sample": sampling["temperature"] > 0,
        }
        if sampling["temperature"] > 0:
            settings |= {"temperature": sampling["temperature"], "top_p": sampling["top_p"], "top_k": 0}
        if sampling["stop"] and not self._encoder_decoder:
            settings |= {"stop_strings": list(sampling["stop"]), "tokenizer": self._tokenizer}
        return settings

    def _answer(self, request: Row, tokens: list[int], prompt_tokens: int, sampling: dict[str, Any]) -> Row:
        ends = [place for place, token in enumerate(tokens) if token in self._ends]
        tokens = tokens[: ends[0]] if ends else tokens
        text = str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))
        stops = [place for stop in sampling["stop"] if (place := text.find(stop)) >= 0]
        while stops and tokens and tokens[-1] == self._tokenizer.pad_token_id:  # other rows of the batch went on
            tokens.pop()
        cut = not ends and not stops and len(tokens) >= sampling["max_tokens"]
        return answered(
            request,
            text[: min(stops)] if stops else text,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(tokens),
            finish_reason="length" if cut else "stop",
        )
