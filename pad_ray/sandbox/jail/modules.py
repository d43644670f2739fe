"""What a program may import, and the stand-ins for clock, sleep and output.

A confined process opens no file, so every module that a program may use is loaded before. The clock stands
still, so that the same program gives the same answer next year.
"""

from __future__ import annotations

import builtins
import contextlib
import datetime
import importlib
import random
import sys
import time
from types import ModuleType
from typing import Any

from .clock import CLOCK_SECONDS

_SEED = 0

# Harmless modules of the standard library, and some that say who runs the program but hold nothing here.
_LIGHT = """
__future__ abc array ast base64 binascii bisect calendar cmath codecs collections collections.abc
contextlib copy csv dataclasses datetime decimal enum fractions functools gc hashlib heapq html inspect
io itertools json locale math numbers operator os os.path pprint queue random re secrets statistics
string struct sys textwrap threading time timeit traceback types typing unicodedata uuid warnings zlib
"""
_HEAVY = """
dateutil dateutil.easter dateutil.parser dateutil.relativedelta dateutil.rrule dateutil.tz mpmath numpy
numpy.char numpy.fft numpy.linalg numpy.ma numpy.polynomial numpy.random numpy.rec numpy.strings sympy
sympy.abc sympy.calculus sympy.calculus.util sympy.combinatorics sympy.core.numbers sympy.functions
sympy.geometry sympy.integrals sympy.logic sympy.matrices sympy.ntheory sympy.parsing.sympy_parser
sympy.physics.units sympy.series sympy.sets sympy.solvers sympy.solvers.diophantine
sympy.solvers.inequalities sympy.solvers.solveset sympy.stats
"""
# What the modules above import only when a function of theirs is called.
_INSIDE = """
_strptime encodings.ascii encodings.cp1252 encodings.hex_codec encodings.idna encodings.latin_1 encodings.rot_13
encodings.unicode_escape encodings.utf_16
"""
_INSIDE_HEAVY = """
atexit linecache logging
sympy.assumptions.facts sympy.assumptions.handlers.calculus sympy.assumptions.handlers.common
sympy.assumptions.handlers.matrices sympy.assumptions.handlers.ntheory sympy.assumptions.handlers.order
sympy.assumptions.handlers.sets sympy.assumptions.lra_satask sympy.assumptions.predicates.matrices
sympy.assumptions.predicates.sets sympy.assumptions.satask sympy.codegen.ast
sympy.combinatorics.coset_table sympy.combinatorics.galois sympy.combinatorics.homomorphisms
sympy.concrete.delta sympy.discrete.recurrences sympy.integrals.manualintegrate sympy.integrals.risch
sympy.logic.algorithms.dpll sympy.logic.algorithms.dpll2 sympy.logic.algorithms.lra_theory
sympy.matrices.expressions.applyfunc sympy.physics.units.util sympy.polys.dispersion
sympy.polys.distributedmodules sympy.polys.domains.old_fractionfield
sympy.polys.domains.old_polynomialring sympy.polys.domains.quotientring
sympy.polys.numberfields.resolvent_lookup sympy.sets.handlers.add sympy.sets.handlers.functions
sympy.sets.handlers.issubset sympy.sets.handlers.mul sympy.sets.handlers.power sympy.sets.setexpr
sympy.stats.compound_rv sympy.tensor.array.array_derivatives
sympy.tensor.array.expressions.array_expressions sympy.tensor.array.expressions.arrayexpr_derivatives
sympy.tensor.array.expressions.from_array_to_matrix sympy.tensor.array.expressions.from_indexed_to_array
sympy.tensor.array.expressions.from_matrix_to_array sympy.tensor.tensor
"""
LIGHT, INSIDE = tuple(_LIGHT.split()), tuple(_INSIDE.split())
HEAVY, INSIDE_HEAVY = tuple(_HEAVY.split()), tuple(_INSIDE_HEAVY.split())


def preload(names: tuple[str, ...]) -> list[str]:
    """Imports what there is of these modules and returns the names that were found."""
    found = []
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
            found.append(name)
    return found


class OutputLimit(Exception):
    """The program printed more than it may."""


class Sink:
    """A text stream that counts what it is given and keeps none of it."""

    encoding, errors, closed = "utf-8", "replace", False

    def __init__(self, limit: int) -> None:
        self._left = limit

    def write(self, text: str) -> int:
        """Takes text.

        Raises:
            OutputLimit: it was more than may be printed.
        """
        self._left -= len(text)
        if self._left < 0:
            raise OutputLimit("printed more than the limit")
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Takes lines as `write` does."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing to do."""

    def isatty(self) -> bool:
        """A sink is no terminal."""
        return False


def seed() -> None:
    """Starts every generator of random numbers at one place. A fork changes that of `random`, so each does this."""
    random.seed(_SEED)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(_SEED)


def stop_clock() -> None:
    """Makes `time` and `datetime` tell one instant, and sleeping return at once."""
    frozen = float(CLOCK_SECONDS)
    for name in ("time", "monotonic", "perf_counter"):
        setattr(time, name, lambda: frozen)
        setattr(time, name + "_ns", lambda: int(frozen) * 1_000_000_000)
    for name in ("process_time", "thread_time"):
        setattr(time, name, lambda: 0.0)
        setattr(time, name + "_ns", lambda: 0)
    time.sleep = lambda seconds: None
    now = time.gmtime(frozen)
    for name in ("gmtime", "localtime"):
        _default(name, frozen)
    _default("ctime", frozen)
    _default("asctime", now)
    strftime = time.strftime
    time.strftime = lambda form, when=now: strftime(form, when)
    _stop_dates()


def _default(name: str, value: Any) -> None:
    original = getattr(time, name)
    setattr(time, name, lambda given=None: original(value if given is None else given))


def _stop_dates() -> None:
    """Replaces `datetime` and `date` by subclasses whose now is fixed.

    Types written in C cannot be patched in place. The subclasses are called as the originals are, and
    `isinstance` against the originals keeps working, so that libraries loaded before see dates in them.
    """
    real_date, real_datetime = datetime.date, datetime.datetime

    class Meta(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, cls.__mro__[1])

    def today(cls: Any) -> Any:
        return cls(2024, 1, 1)

    def now(cls: Any, tz: Any = None) -> Any:
        return cls.fromtimestamp(CLOCK_SECONDS, tz) if tz is not None else cls(2024, 1, 1)

    date = Meta("date", (real_date,), {"today": classmethod(today), "__module__": "datetime", "__slots__": ()})
    moment = Meta(
        "datetime",
        (real_datetime,),
        {
            "today": classmethod(today),
            "now": classmethod(now),
            "utcnow": classmethod(today),
            "__module__": "datetime",
            "__slots__": (),
        },
    )
    for name, stopped in (("date", date), ("datetime", moment)):
        setattr(datetime, name, stopped)


class Forbidden(PermissionError):
    """The program asked for what no program here may have."""


class Unavailable(ModuleNotFoundError):
    """A part of a library that this process did not load and cannot any more."""


def close_imports(allowed: frozenset[str]) -> None:
    """Makes `import` find only what is loaded and allowed.

    Raises (in the program):
        Forbidden: a module of the standard library that is not for programs.
        Unavailable: a part of a library that is for programs.
        ModuleNotFoundError: no such module.
    """
    known = frozenset(sys.stdlib_module_names)
    libraries = frozenset(name.partition(".")[0] for name in allowed) - known

    class Gate:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> None:
            if name.partition(".")[0] in known:
                raise Forbidden(f"the module {name} is not for programs")
            kind = Unavailable if name.partition(".")[0] in libraries else ModuleNotFoundError
            raise kind(f"No module named {name!r}", name=name)

    sys.meta_path[:] = [Gate]
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    original = builtins.__import__
    forbidden = frozenset(known - {name.partition(".")[0] for name in allowed})

    def guarded(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        # Libraries import their own needs; only what the program itself asks for is judged.
        if level == 0 and name.partition(".")[0] in forbidden and (globals or {}).get("__name__") == "__main__":
            raise Forbidden(f"the module {name} is not for programs")
        return original(name, globals, locals, fromlist, level)

    builtins.__import__ = guarded
