"""What makes a step, and how it is cut: every example once, the same for every worker, the same each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.training.batches import (
    Batch,
    bucket_step,
    count_steps,
    epoch_ends,
    pack,
    pad_pairs,
    split_step,
    step_examples,
)
from pad_ray.training.tokens import TokenizedExample

LENGTHS = st.lists(st.integers(1, 1500), min_size=1, max_size=60)
WORKERS = st.integers(1, 8)
CAPACITY = st.integers(1, 2000)


@given(LENGTHS, WORKERS, CAPACITY)
def test_a_split_covers_each_example_once(lengths: list[int], workers: int, capacity: int) -> None:
    places = [n for worker in split_step(lengths, workers, capacity) for micro in worker for n in micro]
    assert sorted(places) == list(range(len(lengths)))


@given(LENGTHS, WORKERS, CAPACITY)
def test_every_worker_has_as_many_micro_batches(lengths: list[int], workers: int, capacity: int) -> None:
    split = split_step(lengths, workers, capacity)
    assert len(split) == workers
    assert len({len(worker) for worker in split}) == 1


@given(LENGTHS, WORKERS, CAPACITY)
def test_a_micro_batch_keeps_to_the_capacity_or_is_one_longer_example(
    lengths: list[int], workers: int, capacity: int
) -> None:
    for worker in split_step(lengths, workers, capacity):
        for micro in worker:
            assert len(micro) <= 1 or sum(lengths[n] for n in micro) <= capacity


@given(LENGTHS, WORKERS, CAPACITY)
def test_a_split_is_the_same_each_time(lengths: list[int], workers: int, capacity: int) -> None:
    assert split_step(lengths, workers, capacity) == split_step(tuple(lengths), workers, capacity)


def test_one_long_example_does_not_spread_out_the_others() -> None:
    split = split_step([1000, *[100] * 15], workers=2, capacity=800)
    assert max(len(worker) for worker in split) == 2


def test_work_is_shared_evenly() -> None:
    split = split_step([100] * 16, workers=2, capacity=400)
    assert [[len(micro) for micro in worker] for worker in split] == [[4, 4], [4, 4]]


def test_fewer_examples_than_workers_leave_empty_micro_batches() -> None:
    assert split_step([5], workers=3, capacity=10) == [[[0]], [[]], [[]]]


@given(st.integers(1, 40), st.integers(1, 100), st.integers(0, 5), st.integers(1, 3))
def test_each_epoch_visits_each_example_once(examples: int, batch: int, seed: int, epochs: int) -> None:
    steps = count_steps(examples, batch, epochs)
    seen = [n for step in range(steps) for n in step_examples(step, examples, batch, seed)]
    for epoch in range(epochs):
        assert sorted(seen[epoch * examples : (epoch + 1) * examples]) == list(range(examples))


@given(st.integers(1, 40), st.integers(1, 100), st.integers(0, 5), st.lists(st.integers(0, 30)))
def test_a_step_is_the_same_in_whatever_order_steps_are_asked_for(
    examples: int, batch: int, seed: int, order: list[int]
) -> None:
    straight = [step_examples(step, examples, batch, seed) for step in range(31)]
    assert [step_examples(step, examples, batch, seed) for step in order] == [straight[step] for step in order]


def test_the_order_is_the_same_on_every_machine() -> None:
    assert step_examples(0, 10, 10, seed=0) == [1, 0, 2, 4, 9, 3, 8, 6, 7, 5]


def test_the_order_depends_on_seed_and_epoch() -> None:
    orders = [tuple(step_examples(step, 50, 50, seed)) for step in (0, 1) for seed in (0, 1)]
    assert len(set(orders)) == 4


@pytest.mark.parametrize(
    ("examples", "batch", "epochs", "steps"),
    [
        (100, 16, 1, 7),
        (96, 16, 1, 6),
        (96, 16, 2, 12),
        (3, 16, 1, 1),
        (10, 16, 0.01, 1),
        (100, 10, 0.5, 5),
        (100, 10, 1.1, 11),
    ],
)
def test_steps_cover_the_epochs(examples: int, batch: int, epochs: float, steps: int) -> None:
    assert count_steps(examples, batch, epochs) == steps


PACKED = [TokenizedExample((5, 6, 7), (8, 2)), TokenizedExample((9,), (10, 11, 2), (1.0, 0.5, 2.0))]


def test_packed_examples_stand_in_one_row_with_positions_that_start_again() -> None:
    batch = pack(PACKED)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7, 8, 2, 9, 10, 11, 2]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3]]
    assert batch.inputs["cu_seq_lens_q"].tolist() == [0, 5, 9]


def test_a_row_is_filled_up_by_an_example_of_its_own_that_nothing_is_learnt_from() -> None:
    batch, plain = pack(PACKED, multiple=8), pack(PACKED)
    assert batch.inputs["input_ids"].tolist() == [[*plain.inputs["input_ids"][0].tolist(), *[0] * 7]]
    assert batch.inputs["position_ids"].tolist()[0][9:] == [0, 1, 2, 3, 4, 5, 6]
    assert batch.inputs["cu_seq_lens_q"].tolist() == [0, 5, 9, 16]
    assert batch.weights.tolist() == [*plain.weights.tolist(), 0, 0, 0]
    assert len(batch.places) == len(batch.labels) == 8
    assert batch.tokens == 9


@given(st.lists(st.integers(1, 70), min_size=1, max_size=20), st.sampled_from([16, 128]))
def test_filled_up_batches_have_few_shapes(lengths: list[int], multiple: int) -> None:
    examples = [TokenizedExample((1,) * length, (2,) * (length % 7 + 1)) for length in lengths]
    batch = pack(examples, multiple)
    assert batch.inputs["input_ids"].shape[1] % multiple == batch.places.numel() % multiple == 0
    assert batch.inputs["input_ids"].shape[1] - sum(map(len, examples)) < multiple


def test_each_target_is_predicted_from_the_token_before_it() -> None:
    batch = pack(PACKED)
    ids = batch.inputs["input_ids"][0]
    assert batch.labels.tolist() == [8, 2, 10, 11, 2]
    assert [ids[place].item() for place in batch.places] == [7, 8, 9, 10, 11]
    assert [ids[place + 1].item() for place in batch.places] == batch.labels.tolist()


@pytest.mark.parametrize("make", [pack, partial(pad_pairs, pad=0, start=3)])
def test_each_target_has_its_weight(make: Callable[[list[TokenizedExample]], Batch]) -> None:
    batch = make(PACKED)
    assert batch.weights.tolist() == [1.0, 1.0, 1.0, 0.5, 2.0]
    assert len(batch.places) == len(batch.labels) == 5


def test_pairs_are_padded_and_the_decoder_reads_the_targets_one_place_later() -> None:
    batch = pad_pairs(PACKED, pad=0, start=3)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7], [9, 0, 0]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch.inputs["decoder_input_ids"].tolist() == [[3, 8, 0], [3, 10, 11]]
    assert batch.places.tolist() == [0, 1, 3, 4, 5]
    assert batch.labels.tolist() == [8, 2, 10, 11, 2]


@given(LENGTHS, WORKERS, CAPACITY)
def test_buckets_cover_each_example_once_and_are_as_many_for_every_worker(
    lengths: list[int], workers: int, capacity: int
) -> None:
    split = bucket_step(lengths, workers, capacity)
    assert sorted(n for worker in split for micro in worker for n in micro) == list(range(len(lengths)))
    assert len({len(worker) for worker in split}) == 1


@given(LENGTHS, WORKERS, CAPACITY)
def test_a_padded_bucket_keeps_to_the_capacity_or_is_one_longer_example(
    lengths: list[int], workers: int, capacity: int
) -> None:
    for worker in bucket_step(lengths, workers, capacity):
        for micro in worker:
            assert len(micro) <= 1 or len(micro) * max(lengths[n] for n in micro) <= capacity


def test_buckets_hold_examples_of_like_length() -> None:
    split = bucket_step([100, 10, 90, 12, 95, 11], workers=1, capacity=300)
    assert [sorted(micro) for micro in split[0]] == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize(("examples", "batch"), [(10, 4), (8, 4), (3, 8), (100, 16)])
def test_every_epoch_ends_once_or_within_a_step_that_spans_several(examples: int, batch: int) -> None:
    steps = count_steps(examples, batch, epochs=6)
    ends = [epoch for step in range(steps) if (epoch := epoch_ends(step, examples, batch))]
    assert ends == sorted(set(ends))
    assert ends[-1] >= 6
