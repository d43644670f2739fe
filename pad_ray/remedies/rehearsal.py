"""Examples as a model itself writes them, to be replayed while it learns something else.

A chat model is given its own template up to where a user's words begin, writes such words, and then answers them
(Magpie, arXiv 2406.08464, section 2.1); no data of anybody's is needed. A model without a template writes texts from
their beginning. What it writes is what it is: the aim is to keep that, not to better it (arXiv 2403.01244).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from pad_ray.contamination import Overlap
from pad_ray.decoding.engine import Draw
from pad_ray.errors import ConfigError, InputError
from pad_ray.jsonl import write_rows
from pad_ray.models import model_identity, resolve_model
from pad_ray.progress import Meter, shown
from pad_ray.records import Row
from pad_ray.remedies.draft import Batch, Draft
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

    def of(self, folder: str) -> Row:
        """What decides what a model draws, whatever is kept of it."""
        drawn = ("temperature", "max_tokens", "seed", "engine")
        return {"model": model_identity(folder), **{name: getattr(self, name) for name in drawn}}


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

    What is drawn is kept batch by batch beside the file. Called again after an end before its time it draws the rest:
    with transformers the file is then that of an undisturbed go.

    Args:
        model: `embedded`, a folder, or a hub name.
        settings: how many, and how they are drawn.
        target: the file to write.

    Raises:
        ConfigError, ModelError: settings or a model that cannot be used, or others than those of the go before.
        InputError: the file cannot be written, or nothing that it wrote can be used.
    """
    settings.check()
    folder = resolve_model(model)
    draft = Draft(target, settings.of(folder))
    sorted_out = _Sorted(settings.rows, Overlap(folder=settings.data))
    for batch in draft.batches:
        sorted_out.add(batch)
    if sorted_out.wants():
        _draw_rest(folder, settings, draft, sorted_out)
    kept = sorted_out.kept.values()
    if kept:
        write_rows(target, kept)
    draft.remove()
    if not kept:
        raise InputError(
            f"none of {sorted_out.drawn} texts of {model} can be used", "Raise --max-tokens, or take another model"
        )
    return Rehearsed(sorted_out.drawn, len(kept), file=str(target), **sorted_out.lost)


def _draw_rest(folder: str, settings: Rehearsal, draft: Draft, sorted_out: _Sorted) -> None:
    text = Draw(1, settings.temperature, max_tokens=settings.max_tokens, lines=False, greedy_first=False)
    meter, written = Meter("rehearse", settings.rows, unit="examples", beside="texts"), Tally()
    first_seed = settings.seed * 100_003
    engine_seed = first_seed + len(draft.batches)  # else each go would draw the same
    heard = lambda: written.add({"texts": 1})  # noqa: E731
    with (
        writing(folder, settings.engine, text, settings.threads, engine_seed, heard) as writer,
        shown(meter, lambda: {**written.read(), "examples": len(sorted_out.kept)}),
    ):
        rehearser = _Rehearser(folder, writer, first_seed)
        while wanted := sorted_out.wants():
            batch = rehearser.draw(len(draft.batches), min(ROWS[settings.engine], wanted))
            draft.add(batch)
            sorted_out.add(batch)


@dataclass
class _Sorted:
    """Examples that are kept, as many as are wanted, and how many were left out for what."""

    rows: int
    overlap: Overlap
    kept: dict[str, Row] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=lambda: {"unfinished": 0, "repeated": 0, "contaminated": 0})
    drawn: int = 0

    def wants(self) -> int:
        """How many texts to draw next; 0 once there are enough examples, or no hope of them."""
        missing = max(0, self.rows - len(self.kept))
        return max(_LEAST, 2 * missing) if missing and self.drawn < _TRIES * self.rows else 0

    def add(self, batch: Batch) -> None:
        for example in batch:
            self.drawn += 1
            if example is None:
                self.lost["unfinished"] += 1
            elif why := self._why_not(example):
                self.lost[why] += 1
            elif len(self.kept) < self.rows:
                self.kept[json.dumps(example)] = example

    def _why_not(self, example: Row) -> str | None:
        if json.dumps(example) in self.kept:
            return "repeated"
        return "contaminated" if self.overlap.of(" ".join(example.values())) else None


class _Rehearser:
    """Draws examples, a batch at a time: in the template of a chat model, else as texts from their beginning."""

    def __init__(self, model: str, writer: Writer, first_seed: int) -> None:
        from transformers import AutoTokenizer

        self._writer, self._first_seed = writer, first_seed
        tokenizer = AutoTokenizer.from_pretrained(model)
        self._chat = bool(tokenizer.chat_template)
        if self._chat:
            turn = [{"role": "user", "content": _MARK}]
            text = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
            self._before, _, self._after = text.partition(_MARK)
        else:
            self._before = str(tokenizer.bos_token or tokenizer.eos_token or "")

    def draw(self, number: int, rows: int) -> Batch:
        """The batch of that number, of as many examples; None for each that did not come to its end."""
        seed = self._first_seed + 2 * number
        words = self._writer([self._before] * rows, seed)
        if not self._chat:
            return [{"text": text} if text and len(text.split()) > 1 else None for text in words]
        prompts = [self._before + text + self._after for text in words if text]
        answers = self._writer(prompts, seed + 1) if prompts else []
        found = [{"prompt": prompt, "completion": text} for prompt, text in zip(prompts, answers, strict=True) if text]
        return [*found, *[None] * (rows - len(found))]
