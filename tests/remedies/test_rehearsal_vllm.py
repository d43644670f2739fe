"""A real vLLM engine rehearses: the embedded model."""

from __future__ import annotations

import pytest

from pad_ray.decoding.engine import Draw
from pad_ray.models import embedded_model
from pad_ray.remedies.writers import writing
from pad_ray.tally import Tally

# vLLM warns of much that is its own.
pytestmark = [pytest.mark.slow, pytest.mark.engine, pytest.mark.filterwarnings("default")]

DRAW = Draw(1, temperature=0.01, max_tokens=48, lines=False, greedy_first=False)
ENDS = "<|im_start|>user\nSay yes.<|im_end|>\n<|im_start|>assistant\n"
GOES_ON = "1, 2, 3, 4, 5,"
NO_ROOM = "nuts " * 3000


def test_only_a_text_that_came_to_its_end_is_written() -> None:
    heard = Tally()
    with writing(str(embedded_model()), "vllm", DRAW, None, 0, lambda: heard.add({"texts": 1})) as write:
        ended, cut, refused = write([ENDS, GOES_ON, NO_ROOM], 0)
    assert ended
    assert cut is None
    assert refused is None
    assert heard.read() == {"texts": 3}
