"""Perplexity against the textbook, on random models."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from pad_ray.ability import perplexity as module
from pad_ray.ability.models import Measured
from pad_ray.ability.perplexity import perplexity
from pad_ray.ability.texts import read_texts
from pad_ray.errors import DataError
from tests.training.tiny import make_student

TEXTS = ["Ann has three nuts.", "How many nuts has she? Seven, ångström.", "No"]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return Measured("llama", make_student("llama", tmp_path_factory.mktemp("llama")))


def _textbook(model: Measured, texts: list[str]) -> tuple[float, int, int]:
    """Nats, tokens and bytes, a text at a time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    loaded: Any = AutoModelForCausalLM.from_pretrained(model.folder)
    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    nats, tokens, size = 0.0, 0, 0
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            chances = loaded(input_ids=ids).logits[0, :-1].log_softmax(-1)
        nats -= float(chances.gather(1, ids[0, 1:, None]).sum())
        tokens += ids.shape[1] - 1
        size += len(text.encode()) - len(str(tokenizer.decode(ids[0, :1])).encode())
    return nats, tokens, size


def test_it_is_the_mean_by_token_and_by_byte(llama: Measured) -> None:
    nats, tokens, size = _textbook(llama, TEXTS)
    found = perplexity(llama, TEXTS, threads=1)
    assert found is not None
    assert (found.texts, found.tokens, found.bytes) == (3, tokens, size)
    assert found.nats_per_token == pytest.approx(nats / tokens, rel=1e-4)
    assert found.byte_perplexity == pytest.approx(math.exp(nats / size), rel=1e-4)


def test_a_random_model_knows_nothing_but_its_vocabulary(llama: Measured) -> None:
    found = perplexity(llama, TEXTS, threads=1)
    assert found is not None
    assert found.perplexity == pytest.approx(400, rel=0.15)


def test_a_long_text_is_cut_into_windows(llama: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = perplexity(llama, [TEXTS[1]], threads=1)
    monkeypatch.setattr(module, "_WINDOW", 4)
    cut = perplexity(llama, [TEXTS[1]], threads=1)
    assert whole is not None
    assert cut is not None
    assert cut.tokens == whole.tokens - whole.tokens // 4  # the first token of each further window is only read


def test_an_encoder_decoder_has_none(tmp_path: Path) -> None:
    assert perplexity(Measured("t5", make_student("t5", tmp_path)), TEXTS, threads=1) is None


def test_texts_of_one_token_are_refused(llama: Measured) -> None:
    with pytest.raises(DataError, match="no token to foretell"):
        perplexity(llama, ["a"], threads=1)


def test_texts_are_lines_of_json_or_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("One\nline.\n\n\n\nTwo.\n")
    (tmp_path / "book.jsonl").write_text('{"said": "One."}\n{"said": "Two."}\n')
    assert read_texts(str(tmp_path / "book.txt")) == ["One\nline.", "Two."]
    assert read_texts(str(tmp_path / "book.jsonl"), "said", limit=1) == ["One."]


def test_a_file_without_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("\n \n")
    with pytest.raises(DataError, match="there is no text in it"):
        read_texts(str(tmp_path / "book.txt"))


def test_without_a_data_folder_a_text_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    with pytest.raises(DataError, match="Name a file with --text"):
        read_texts()
