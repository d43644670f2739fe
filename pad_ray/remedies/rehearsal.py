"""Examples as a model itself writes them, to be replayed while it learns something else.

A chat model is given its own template up to where a user's words begin, writes such words, and then answers them
(Magpie, arXiv 2406.08464, section 2.1); no data of anybody's is needed. A model without a template writes texts from
their beginning. What it writes is what it is: the aim is to keep that, not to better it (arXiv 2403.01244).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pad_ray.contamination import Overlap
from pad_ray.decoding.engine import Draw
from pad_ray.errors import ConfigError, InputError
from pad_ray.jsonl import write_rows
from pad_ray.models import resolve_model
from pad_ray.progress import Meter, shown
from pad_ray.records import Row
from pad_ray.remedies.writers import ROWS, Engine, Writer, writing
from pad_ray.tally import Tally

_MARK = "\0"
_TRIES = 4  # times as many are drawn, at most, as are wanted
_LEAST = 8  # at once, of which about half come to their end


@dataclass(frozen=True)
class Rehearsal:
    """How a model is let write.

    Attributes:
        rows: examples that are wanted.
        temperature: of what it writes.
        max_tokens: longest of its texts, in tokens; what does not come to its end is left out.
        seed: another seed gives other examples; with transformers the same seed gives the same.
        engine: who writes, see `remedies.writers`.
        threads: CPU threads of transformers; None leaves it to torch.
        data: the data folder, whose evaluation sets are held against.
    """

    rows: int = 500
    temperature: float = 0.8
    max_tokens: int = 384
    seed: int = 0
    engine: Engine = "transformers"
    threads: int | None = None
    data: str | None = None

    def check(self) -> None:
        """Refuses what nothing could be drawn with.

        Raises:
            ConfigError: names the setting.
        """
        for name, least in (("rows", 1), ("max_tokens", 1), ("threads", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} is {value}", f"Give {least} or more")
        if self.temperature <= 0:
            raise ConfigError(f"temperature is {self.temperature:g}", "Greedy texts are all the same: give more than 0")


@dataclass(frozen=True)
class Rehearsed:
    """What came of it: `drawn` texts, of which `kept` were written to the file, and why the others were not."""

    drawn: int
    kept: int
    unfinished: int
    repeated: int
    contaminated: int
    file: str


def rehearse(model: str, settings: Rehearsal, target: Path) -> Rehearsed:
    """Lets a model write examples, and writes them as JSON Lines for `training.replay.file`.

    Args:
        model: `embedded`, a folder, or a hub name.
        settings: how many, and how they are drawn.
        target: the file to write.

    Raises:
        ConfigError, ModelError: settings or a model that cannot be used.
        InputError: the file cannot be written, or nothing that it wrote can be used.
    """
    settings.check()
    folder = resolve_model(model)
    text = Draw(1, settings.temperature, max_tokens=settings.max_tokens, lines=False, greedy_first=False)
    overlap = Overlap(folder=settings.data)
    kept: dict[str, Row] = {}
    meter = Meter("rehearse", settings.rows, unit="examples", beside="texts")
    lost = {"unfinished": 0, "repeated": 0, "contaminated": 0}
    drawn, most, written = 0, _TRIES * settings.rows, Tally()
    with (
        writing(folder, settings.engine, text, settings.threads, lambda: written.add({"texts": 1})) as writer,
        shown(meter, lambda: {**written.read(), "examples": len(kept)}),
    ):
        rehearser = _Rehearser(folder, writer, settings.seed)
        while (missing := settings.rows - len(kept)) and drawn < most:
            for example in rehearser.draw(min(ROWS[settings.engine], max(_LEAST, 2 * missing))):
                drawn += 1
                if example is None:
                    lost["unfinished"] += 1
                elif why := _why_not(example, kept, overlap):
                    lost[why] += 1
                elif len(kept) < settings.rows:
                    kept[json.dumps(example)] = example
    if not kept:
        raise InputError(f"none of {drawn} texts of {model} can be used", "Raise --max-tokens, or take another model")
    write_rows(target, kept.values())
    return Rehearsed(drawn, len(kept), file=str(target), **lost)


def _why_not(example: Row, kept: dict[str, Row], overlap: Overlap) -> str | None:
    if json.dumps(example) in kept:
        return "repeated"
    return "contaminated" if overlap.of(" ".join(example.values())) else None


class _Rehearser:
    """Draws examples, a batch at a time: in the template of a chat model, else as texts from their beginning."""

    def __init__(self, model: str, writer: Writer, seed: int) -> None:
        from transformers import AutoTokenizer

        self._writer, self._seeds = writer, itertools.count(seed * 100_003)
        tokenizer = AutoTokenizer.from_pretrained(model)
        self._chat = bool(tokenizer.chat_template)
        if self._chat:
            turn = [{"role": "user", "content": _MARK}]
            text = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
            self._before, _, self._after = text.partition(_MARK)
        else:
            self._before = str(tokenizer.bos_token or tokenizer.eos_token or "")

    def draw(self, rows: int) -> Iterator[Row | None]:
        """As many examples at once; None for each that did not come to its end."""
        words = self._write([self._before] * rows)
        if not self._chat:
            yield from ({"text": text} if text and len(text.split()) > 1 else None for text in words)
            return
        prompts = [self._before + text + self._after for text in words if text]
        yield from (None for text in words if not text)
        for prompt, text in zip(prompts, self._write(prompts), strict=True):
            yield {"prompt": prompt, "completion": text} if text else None

    def _write(self, prompts: Sequence[str]) -> list[str | None]:
        return self._writer(prompts, next(self._seeds)) if prompts else []
