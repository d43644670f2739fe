"""What `pad-ray ability` prints."""

from __future__ import annotations

from collections.abc import Sequence

from pad_ray.ability.accuracy import Accuracy
from pad_ray.ability.measure import Ability
from pad_ray.figures import difference, interval, p_value


def print_abilities(found: Sequence[Ability]) -> None:
    """The subsets of each model, then a line for each model."""
    if found[0].accuracy:
        _print_subsets(found)
        _print_overall(found)
    if any(one.perplexity for one in found):
        _print_perplexity(found)
    if found[0].taught:
        _print_taught(found)


def _print_subsets(found: Sequence[Ability]) -> None:
    width = _width(found)
    head = f"\n{'subset':<32} {'model':<{width}} {'n':>5} {'right':>6} {'95 % interval':>14} {'programs':>9}"
    print(f"{head} {'no answer':>9} {'commonest':>9}")
    for lines in zip(*(one.accuracy[:-1] for one in found), strict=True):
        for ability, line in zip(found, lines, strict=True):
            print(
                f"{line.task:<32} {_short(ability.model, width):<{width}} {line.n:>5} {100 * line.accuracy:>5.1f}% "
                f"{_interval(line):>14} {line.programs:>9} {line.no_answer:>9} {100 * line.commonest:>8.1f}%"
            )


def _print_overall(found: Sequence[Ability]) -> None:
    width = _width(found)
    head = f"\n{'overall':<{width}} {'n':>5} {'right':>6} {'95 % interval':>14} {'programs':>9} {'of texts':>9}"
    print(f"{head} {'difference':>10} {'p':>6}")
    for one in found:
        if (line := one.overall) is not None:
            texts = "–" if line.of_texts is None else f"{100 * line.of_texts:.1f}%"
            print(
                f"{_short(one.model, width):<{width}} {line.n:>5} {100 * line.accuracy:>5.1f}% {_interval(line):>14} "
                f"{line.programs:>9} {texts:>9} {difference(line.difference):>10} {p_value(line.p_value):>6}"
            )


def _print_perplexity(found: Sequence[Ability]) -> None:
    width = _width(found)
    head = f"\n{'plain text':<{width}} {'tokens':>8} {'bytes':>9} {'perplexity':>11} {'nats/token':>11}"
    print(f"{head} {'by byte':>8} {'nats/byte':>10}")
    for one in found:
        name = f"{_short(one.model, width):<{width}}"
        if (line := one.perplexity) is None:
            print(f"{name}  an encoder-decoder does not foretell text")
            continue
        print(
            f"{name} {line.tokens:>8,} {line.bytes:>9,} {line.perplexity:>11,.2f} {line.nats_per_token:>11.4f} "
            f"{line.byte_perplexity:>8.3f} {line.nats_per_byte:>10.4f}"
        )


def _print_taught(found: Sequence[Ability]) -> None:
    width = _width(found)
    print(f"\n{'taught for':<32} {'model':<{width}} {'n':>5} {'right':>6} {'95 % interval':>14} {'executable':>10}")
    for lines in zip(*(one.taught for one in found), strict=True):
        for ability, line in zip(found, lines, strict=True):
            print(
                f"{line.task:<32} {_short(ability.model, width):<{width}} {line.n:>5} {100 * line.accuracy:>5.1f}% "
                f"{interval(line.low, line.high):>14} {'–' if line.executable is None else line.executable:>10}"
            )


def _width(found: Sequence[Ability]) -> int:
    return max(10, min(40, max(len(one.model) for one in found)))


def _short(name: str, width: int) -> str:
    return name if len(name) <= width else f"…{name[-width + 1 :]}"


def _interval(line: Accuracy) -> str:
    return interval(line.low, line.high)
