"""Which faults a program can be given, and a seeded draw of some of them by kind and by place."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pad_ray.programs.syntax import parse

from . import arithmetic, names, structure
from .fault import EFFECTS, Edit, Effect, Fault, Kind, apply
from .source import Source

_FINDERS: tuple[Callable[[Source], Iterator[tuple[Kind, tuple[Edit, ...]]]], ...] = (
    names.renamed_uses,
    names.early_names,
    names.other_names,
    names.swapped_statements,
    arithmetic.other_operators,
    arithmetic.swapped_operands,
    arithmetic.other_numbers,
    structure.wrong_indents,
    structure.missing_colons,
    structure.missing_brackets,
    structure.missing_parts,
)


@dataclass(frozen=True, slots=True)
class Mix:
    """How often which faults are drawn.

    Attributes:
        kinds: the weight of each kind; one that is missing is never drawn.
        places: the weights of equal parts of the function's body, from its first to its last. `(1, 1, 1)` draws from
            beginning, middle and end alike where there is a fault to be had; `(1,)` draws each fault alike.

    Raises:
        ValueError: a negative weight, or none above 0.
    """

    kinds: Mapping[Kind, float] = field(default_factory=lambda: dict.fromkeys(Kind, 1.0))
    places: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for weights in (list(self.kinds.values()), list(self.places)):
            if min(weights, default=-1.0) < 0 or not sum(weights) > 0:
                raise ValueError(f"weights {weights}: none may be negative, one has to be above 0")

    def part(self, fault: Fault) -> int:
        """The part of the body in which a fault is, from 0."""
        return min(int(fault.place * len(self.places)), len(self.places) - 1)


def all_faults(program: str, kinds: Collection[Kind] = tuple(Kind)) -> list[Fault]:
    """Every fault that can be put into a program, in the order of the finders and of the text.

    Args:
        program: a right program with a function `solution`; any other gives no faults.
        kinds: those wanted.

    Returns:
        Faults of different text. Those of structure cannot be compiled, all others can; whether they fail as they are
        meant to is not known until they are run.
    """
    source = Source.read(program)
    if source is None:
        return []
    tree = _shape(program)
    found: dict[str, Fault] = {}
    for finder in _FINDERS:
        for kind, edits in finder(source):
            faulty = apply(program, edits)
            if kind in kinds and faulty not in found and _is_of(EFFECTS[kind], faulty, tree):
                place = source.relative_place(min(edits).start)
                found[faulty] = Fault(kind, program, faulty, tuple(sorted(edits)), place)
    return list(found.values())


def draw(program: str, count: int = 1, seed: int = 0, mix: Mix | None = None) -> list[Fault]:
    """Different faults of a program: first the kind is drawn, then the part of the program, then one of the faults.

    Args:
        program: see `all_faults`.
        count: how many; fewer where there are no more.
        seed: the same seed, program and mix give the same faults.
        mix: how often which; by default kinds and thirds of the body alike.
    """
    mix = mix or Mix()
    chance = random.Random(f"{seed}\n{program}")
    kinds_wanted = [kind for kind, weight in mix.kinds.items() if weight]
    left = [fault for fault in all_faults(program, kinds_wanted) if mix.places[mix.part(fault)]]
    drawn: list[Fault] = []
    while left and len(drawn) < count:
        kinds = sorted({fault.kind for fault in left})
        kind = chance.choices(kinds, [mix.kinds[kind] for kind in kinds])[0]
        parts = sorted({mix.part(fault) for fault in left if fault.kind is kind})
        part = chance.choices(parts, [mix.places[part] for part in parts])[0]
        drawn.append(chance.choice([fault for fault in left if fault.kind is kind and mix.part(fault) == part]))
        left.remove(drawn[-1])
    return drawn


def _is_of(effect: Effect, faulty: str, right: str | None) -> bool:
    """Whether Python refuses to read a faulty program, or reads another than the right one, as the effect has it."""
    if effect is Effect.SYNTAX_ERROR:
        return not _compiles(faulty)
    return _compiles(faulty) and _shape(faulty) not in (None, right)


def _compiles(program: str) -> bool:
    # A `return` outside of a function is found by the compiler, not by the parser.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program, "<program>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _shape(program: str) -> str | None:
    """The tree as text, without positions."""
    tree = parse(program)
    try:
        return None if tree is None else ast.dump(tree)
    except RecursionError:
        return None
