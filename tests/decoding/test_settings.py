"""Names of decoders, with repair and without."""

from __future__ import annotations

import pytest

from pad_ray.config import parse_config
from pad_ray.decoding.settings import DECODERS, NAMES, decoder_of, repairs
from pad_ray.errors import ConfigError


@pytest.mark.parametrize("decoder", DECODERS)
def test_repair_composes_with_every_decoder(decoder: str) -> None:
    assert decoder_of(f"{decoder}+repair") == decoder_of(decoder) == decoder
    assert [repairs(decoder), repairs(f"{decoder}+repair")] == [False, True]
    assert {decoder, f"{decoder}+repair"} <= {*NAMES}


@pytest.mark.parametrize("name", ["gredy", "greedy+", "+repair", "greedy+repair+repair"])
def test_another_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="is no decoder; there are greedy, beam") as caught:
        parse_config({"evaluation": {"decoders": [name]}})
    assert "evaluation.decoders" in str(caught.value)
