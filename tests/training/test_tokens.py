"""Examples as ids: prompt and target apart, the end learnt, nothing cut."""

from __future__ import annotations

from typing import Any

import pytest

from pad_ray.errors import InputError
from pad_ray.records import Row
from pad_ray.training.tokens import TokenizedExample, tokenize

BEGIN, END = 256, 257


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A real tokenizer whose tokens are bytes, which puts a token of its own before a text as many models want."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: n for n, letter in enumerate(alphabet)} | {"<s>": BEGIN, "</s>": END, "\u010a\u0120": 258}
    built = Tokenizer(models.BPE(vocabulary, [("\u010a", "\u0120")]))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BEGIN)])
    return PreTrainedTokenizerFast(tokenizer_object=built, bos_token="<s>", eos_token="</s>")


def _example(prompt: str = "def solution():", target: str = "\n return 1\n", id: str = "a-0") -> Row:
    return {"id": id, "prompt": prompt, "target": target}


def test_the_prompt_is_what_an_engine_would_read(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100)
    assert list(example.prompt) == tokenizer("def solution():").input_ids
    assert example.prompt[0] == BEGIN


def test_the_target_is_learnt_to_its_end_and_begins_with_no_token_of_a_new_text(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100)
    assert example.target[-1] == END
    assert BEGIN not in example.target
    assert tokenizer.decode(example.target[:-1]) == "\n return 1\n"


def test_newline_and_indentation_stay_one_token(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100)
    assert example.target[0] == 258


def test_tokens_do_not_reach_over_the_end_of_the_prompt(tokenizer: Any) -> None:
    [example] = tokenize([_example("a\n", " b")], tokenizer, 100)
    assert 258 not in (*example.prompt, *example.target)


def test_examples_keep_their_order(tokenizer: Any) -> None:
    found = tokenize([_example(target=text) for text in "abc"], tokenizer, 100)
    assert [tokenizer.decode(example.target[:-1]) for example in found] == ["a", "b", "c"]


def test_a_length_counts_prompt_and_target() -> None:
    assert len(TokenizedExample((1, 2), (3, 4, 5))) == 5


def test_an_example_that_just_fits_is_taken(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100)
    assert tokenize([_example()], tokenizer, len(example)) == [example]


def test_a_longer_example_is_refused_by_name(tokenizer: Any) -> None:
    long = _example(target="x" * 90, id="b-0")
    with pytest.raises(InputError, match=r"1 of 2 examples are longer than training.max_tokens = 50, b-0 among them"):
        tokenize([_example(), long], tokenizer, 50)
