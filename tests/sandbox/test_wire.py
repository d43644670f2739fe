"""Bytes from the confined side are read without harm, whatever they are."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pad_ray.sandbox import Execution, Sandbox, Status, state
from pad_ray.sandbox import monty_wire as wire
from pad_ray.sandbox.cpython import _records
from pad_ray.sandbox.execution import Program
from pad_ray.sandbox.jail import wire as jail_wire
from pad_ray.sandbox.monty_wire import Malformed
from pad_ray.sandbox.slot import _finding
from pad_ray.sandbox.suspicion import suspicions
from pad_ray.sandbox.values import BadValue, Unclear, from_arena, from_json

IDENTITY = bytes(range(16))


def _quiet(read: Callable[[], object]) -> None:
    """Runs a reader that may refuse in the ways that its callers know, and in no other."""
    with contextlib.suppress(Malformed, BadValue, Unclear):
        read()


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_malformed(data: bytes) -> None:
    _quiet(lambda: wire.event(data))
    _quiet(lambda: wire.raised(data, 0))
    _quiet(lambda: wire.missing_name(wire.NAME, data))
    _quiet(lambda: wire.missing_name(wire.CALL, data))


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_value_or_refused(data: bytes, trust: bool) -> None:
    _quiet(lambda: from_arena(data, trust_lists=trust))
    _quiet(lambda: state.graph_from_arena(data))


@given(st.integers(0, 33), st.binary(max_size=40))
def test_any_node_is_a_value_or_refused(kind: int, content: bytes) -> None:
    body = wire._bytes(2, wire._number(1, 1) + wire._bytes(2, wire._bytes(kind, content)))
    _quiet(lambda: from_arena(body, trust_lists=True))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(st.sampled_from("biflstdq"), inner).map(list),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_a_value_or_refused(tagged: Any) -> None:
    _quiet(lambda: from_json(tagged))


@given(st.binary(max_size=200))
def test_any_record_is_an_outcome_or_a_crash(written: bytes) -> None:
    outcome = _records(written, IDENTITY)
    assert outcome.status in (None, Status.CRASH)
    _finding(outcome)


@given(st.dictionaries(st.sampled_from(["s", "v", "c", "m", "l", "state"]), JSON))
def test_any_outcome_with_the_right_id_is_a_finding(fields: dict[str, Any]) -> None:
    body = IDENTITY + json.dumps(fields).encode()
    found = _finding(_records(jail_wire.RECORD.pack(b"R", len(body)) + body, IDENTITY))
    assert isinstance(found.status, Status)
    found.message.encode()


FORGED = [
    ["i", "0x" + "f" * 5000],
    ["s", "x" * 5000],
    ["s", "\ud800"],
    ["d", "1e999999999"],
    ["d", "x"],
    ["q", "0x1", "0x0"],
    ["f", "x"],
    ["b"],
    ["l", [["l", [["l", [["l", [["l", [["l", [["l", []]]]]]]]]]]]]],
    ["x", "1"],
    [],
    "i",
    7,
    {"i": "1"},
]


@pytest.mark.parametrize("tagged", FORGED)
def test_a_value_that_the_encoder_would_not_write_is_refused(tagged: Any) -> None:
    with pytest.raises(Malformed):
        from_json(tagged)


def test_a_result_with_another_id_is_a_crash_and_a_sign() -> None:
    body = bytes(16) + b'{"s": "ok", "v": ["i", "0x63"]}'
    outcome = _records(jail_wire.RECORD.pack(b"R", len(body)) + body, IDENTITY)
    assert (outcome.status, outcome.alarms) == (Status.CRASH, ("result channel",))


def test_a_second_result_is_a_crash() -> None:
    body = IDENTITY + b'{"s": "ok", "v": ["i", "0x63"]}'
    record = jail_wire.RECORD.pack(b"R", len(body)) + body
    assert _records(record, IDENTITY).status is None
    assert _records(record * 2, IDENTITY).status is Status.CRASH


def test_a_deep_json_text_is_a_crash() -> None:
    body = IDENTITY + b"[" * 30_000
    assert _records(jail_wire.RECORD.pack(b"R", len(body)) + body, IDENTITY).status is Status.CRASH


def test_a_number_longer_than_64_bits_is_malformed() -> None:
    with pytest.raises(Malformed):
        wire.fields(b"\x08" + b"\xff" * 11)


def test_identities_are_random_and_of_one_length() -> None:
    drawn = set(islice(wire.identities(), 1000))
    assert len(drawn) == 1000
    assert {len(wire._varint(identity)) for identity in drawn} == {9}


DEEP = ["(" * 60_000, "[" * 60_000, "-" * 60_000 + "1", "a." * 30_000 + "b", "if 1:\n" * 9000, "'" * 60_001]


@pytest.mark.parametrize("text", DEEP)
def test_the_trusted_side_reads_no_text_deeply(sandbox: Sandbox, text: str) -> None:
    executions: list[Execution] = sandbox.run([Program(text, "solution"), Program(text, None)])
    assert not any(execution.ok for execution in executions)
    assert not sandbox.check_steps(text, ["x = 1\n"])[0].ok


@pytest.mark.parametrize("text", ["import a," * 7000, "__a" * 20_000, ".os" * 20_000, "from os" * 9000, "__" * 30_000])
def test_the_search_for_signs_takes_time_in_proportion(text: str) -> None:
    began = time.process_time()
    suspicions(text)
    # Quadratic work on texts of this length takes minutes.
    assert time.process_time() - began < 20
