"""Examples as ids: prompt and target apart, the end learnt, nothing cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pad_ray.errors import InputError, ModelError
from pad_ray.records import Row
from pad_ray.training.settings import LossConfig
from pad_ray.training.tokens import TokenizedExample, TokenTable, count_tokens, tokenize

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


def _weights(tokenizer: Any, target: str, **contrast: Any) -> dict[str, list[float]]:
    row = {**_example(target=target), "contrast": json.dumps(contrast)}
    [example] = tokenize([row], tokenizer, 100)
    found: dict[str, list[float]] = {}
    for token, weight in zip(example.target, example.target_weights, strict=True):
        found.setdefault(tokenizer.decode([token]), []).append(weight)
    return found


def test_of_a_pair_what_only_the_right_one_has_counts_alpha_more(tokenizer: Any) -> None:
    weights = _weights(tokenizer, "a+b", text="a-b", alpha=0.5)
    assert weights == {"a": [1], "+": [1.5], "b": [1], "</s>": [1]}


def test_of_a_pair_what_only_the_wrong_one_has_counts_minus_beta_and_the_rest_nothing(tokenizer: Any) -> None:
    weights = _weights(tokenizer, "a-b", text="a+b", beta=0.25)
    assert weights == {"a": [0], "-": [-0.25], "b": [0], "</s>": [0]}


def test_an_example_that_is_to_become_less_likely_weighs_as_much_as_it_pulls() -> None:
    assert TokenizedExample((1,), (2, 3), (-0.25, 0.5)).weight == 0.75


@pytest.mark.parametrize("target", ["\n return 1\n", "x", "", "é"])
@pytest.mark.parametrize("pairs", [False, True])
def test_tokens_are_counted_as_they_are_made(tokenizer: Any, target: str, pairs: bool) -> None:
    row = _example(target=target)
    [made] = tokenize([row], tokenizer, 100, encoder_decoder=pairs)
    assert count_tokens(row, tokenizer, pairs) == len(made)


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
    with pytest.raises(InputError, match=r"1 of 2 examples are longer than 50 tokens: b-0"):
        tokenize([_example(), long], tokenizer, 50)


def test_an_encoder_decoder_reads_and_learns_texts_with_their_own_marks(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100, encoder_decoder=True)
    assert example.target[0] == BEGIN
    assert example.target[-1] == END
    assert list(example.prompt) == tokenizer("def solution():").input_ids


def test_answers_and_steps_have_their_weights(tokenizer: Any) -> None:
    text = "\n a = 1\n return a\n"
    start = text.index("return")
    [example] = tokenize(
        [_example(target=text)],
        tokenizer,
        100,
        loss=LossConfig(answer_weight=3, step_weight=0.5),
        answer_spans=lambda target: [(start, start + len("return a"))],
    )
    weighed = {
        weight: tokenizer.decode([t for t, w in zip(example.target, example.weights, strict=True) if w == weight])
        for weight in set(example.weights)
    }
    assert weighed == {0.5: "\n a = 1\n \n", 3.0: "return a", 1.0: "</s>"}


def test_without_weights_each_target_counts_one(tokenizer: Any) -> None:
    [example] = tokenize([_example()], tokenizer, 100)
    assert example.weights == ()
    assert example.weight == len(example.target)


def test_a_tokenizer_that_loses_indentation_is_refused() -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"[unk]": 0, "a": 1, "b": 2, "</s>": 3}, unk_token="[unk]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    squeezing = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", unk_token="[unk]")
    with pytest.raises(ModelError, match="loses line breaks or indentation"):
        tokenize([_example("a", "a\n    b")], squeezing, 100)


@pytest.mark.parametrize("weights", [(), (0.5, 2.0)])
def test_a_table_gives_back_what_it_was_made_of(weights: tuple[float, ...]) -> None:
    examples = [TokenizedExample((1, 2, 3), (4, 5), weights), TokenizedExample((6,), (7, 8), weights)]
    table = TokenTable(examples)
    assert list(table) == examples
    assert table[-1] == examples[-1]
    assert table[0:1] == examples[:1]


def test_an_empty_table_is_empty() -> None:
    assert list(TokenTable([])) == []
