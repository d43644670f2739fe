"""A program from a worked solution in GSM8K's form, whose calculator notes `<<expression=value>>` give every step.

    Natalia sold 48/2 = <<48/2=24>>24 clips in May.              def solution():
    She sold 48+24 = <<48+24=72>>72 clips altogether.      ─▶        step_1 = 48 / 2
    #### 72                                                          step_2 = 48 + step_1
                                                                     result = step_2
                                                                     return result

The notes are described in arXiv 2110.14168, section 3 and appendix C. Only expressions are used: neither the value of a
note nor the final answer is copied into the program, so that its value stays a check of the solution.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Callable, Mapping
from fractions import Fraction

HEADER = "def solution():"

_NOTE = re.compile(r"<<([^<>]*)>>")
# Equal to an earlier value by chance more often than not.
_NEVER_REPLACED = frozenset(map(Fraction, (0, 1, 2, 100)))
_MAX_CHARS = 300


def _vulgar(found: re.Match[str]) -> str:
    """3½ and ½, by the compatibility forms of Unicode."""
    fraction = unicodedata.normalize("NFKC", found[2]).replace("\u2044", "/")
    return f"({found[1]}+{fraction})" if found[1] else f"({fraction})"


def _literal(found: re.Match[str]) -> str:
    """A number without thousands commas, leading zeros or needless decimals."""
    whole, _, decimals = found[0].replace(",", "").partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


_SIGNS = str.maketrans("×·÷−–[]{}", "**/--()()") | {ord("^"): "**"}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+"
# Words that change the number they follow, and so are no units.
_NO_UNITS = "x|times|of|dozen|half|halves|hundred|thousand|[mb]illion|quarters?|thirds?|pi|squared|cubed"
# In this order each turns one way of writing into another that Python reads, or that a later line turns.
_READINGS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"[$€£¥]"), ""),
    (re.compile(r"\bpercent\b"), "%"),
    (re.compile(r"(?<=[\d)])\s*\("), "*("),  # 2(3 + 4)
    (re.compile(r"(\d*)\s*([\u00bc-\u00be\u2150-\u215e])"), _vulgar),
    (re.compile(r"(?<![\d.,/])(\d+)\s+(\d+)\s*/\s*(\d+)"), r"(\1+\2/\3)"),  # 3 1/2
    (re.compile(rf"(?<=[\d)])\s*(?!(?:{_NO_UNITS})\b)[A-Za-z]{{2,}}(?:/[A-Za-z]+)?\b(?!\s*\()", re.IGNORECASE), " "),
    (re.compile(r"(?<=[\d)%.])\s*(?:x|times|of)\s*(?=[\d(.])", re.IGNORECASE), "*"),
    (re.compile(rf"({_NUMBER})\s*%(?!\s*[\d(.])"), r"(\1/100)"),
    (re.compile(_NUMBER), _literal),
)
_PLAIN = re.compile(r"[\d.+*/() -]+")
_ARITHMETIC = (ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)


def program_of(rationale: str) -> str | None:
    """The `solution()` of a worked solution: a line `step_k = expression` for each note, the last of which is returned.

    An operand equal to the value of an earlier note becomes that step's name, the latest where several fit; 0, 1, 2
    and 100 stay numbers. Thousands commas, leading zeros, `.5`, percentages, mixed numbers, `x` and `of` between two
    operands, currency signs and units after a number are read as arithmetic.

    Returns:
        The program, with a newline at its end; None where there are no notes, or one is no arithmetic.
    """
    steps: dict[Fraction, str] = {}
    lines = []
    for number, note in enumerate(_NOTE.findall(rationale), start=1):
        expression = _expression(note.partition("=")[0])
        if expression is None:
            return None
        lines.append(f"step_{number} = {ast.unparse(_NameSteps(steps).visit(expression))}")
        value = _value(note.rpartition("=")[2])
        if value is not None and value not in _NEVER_REPLACED:
            steps[value] = f"step_{number}"
    if not lines:
        return None
    return "\n    ".join([HEADER, *lines, f"result = step_{len(lines)}", "return result"]) + "\n"


def has_notes(rationale: str) -> bool:
    """Whether there is any calculator note."""
    return _NOTE.search(rationale) is not None


class _NameSteps(ast.NodeTransformer):
    """Puts the names of steps for the numbers that are their values."""

    def __init__(self, steps: Mapping[Fraction, str]) -> None:
        self._steps = steps

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        name = self._steps.get(Fraction(repr(node.value)))
        return ast.Name(name) if name else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """`-5` is one operand where a step's value is -5."""
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            name = self._steps.get(-Fraction(repr(node.operand.value)))
            if name:
                return ast.Name(name)
        self.generic_visit(node)
        return node


def _value(text: str) -> Fraction | None:
    """What a note says its step is; None for what is no plain number, a percentage (0.5 or 50?) among them."""
    tree = _expression(text)
    if tree is None or "%" in text:
        return None
    node, sign = tree.body, 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    return sign * Fraction(repr(node.value)) if isinstance(node, ast.Constant) else None


def _expression(text: str) -> ast.Expression | None:
    """Arithmetic as people write it, parsed; None if it is none."""
    if len(text) > _MAX_CHARS:
        return None
    source = text.translate(_SIGNS)
    try:
        for written, read in _READINGS:
            source = written.sub(read, source)
        if not _PLAIN.fullmatch(source):
            return None
        tree = ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if all(isinstance(node, _ARITHMETIC) for node in ast.walk(tree)) else None
