"""How the terminal and the cards spell figures."""

from __future__ import annotations


def interval(low: float, high: float) -> str:
    """`35.9 – 47.0`, in per cent."""
    return f"{100 * low:.1f} – {100 * high:.1f}"


def difference(points: float | None) -> str:
    """`+3.1`, of two shares in points; empty where there is none."""
    return "" if points is None else f"{100 * points:+.1f}"


def p_value(p: float | None) -> str:
    """`0.031`; `<.001` where three digits say nothing; empty where nothing was tested."""
    if p is None:
        return ""
    return "<.001" if p < 0.001 else f"{p:.3f}"
