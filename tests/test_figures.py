"""How figures are spelt."""

from __future__ import annotations

import pytest

from pad_ray.figures import p_value


@pytest.mark.parametrize(("p", "spelt"), [(None, ""), (0.0004, "<.001"), (0.001, "0.001"), (1.0, "1.000")])
def test_a_p_value_is_never_spelt_as_zero(p: float | None, spelt: str) -> None:
    assert p_value(p) == spelt
