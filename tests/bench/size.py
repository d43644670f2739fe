"""How large the code is: files, lines, and the largest file and function of each tree.

python -m tests.bench.size
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
_LONG = 60  # lines of a function


def functions(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and name of each function in a file, its decorators left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{path.relative_to(ROOT)}:{node.name}"


def tell(tree: str) -> None:
    """Prints the figures of one tree."""
    files = sorted((ROOT / tree).rglob("*.py"))
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    largest = max(lines, key=lambda path: lines[path])
    found = [function for path in files for function in functions(path)]
    longest = max(found)
    print(f"{tree}: {len(files):,} files, {sum(lines.values()):,} lines")
    print(f"  file      median {median(lines.values()):g}, largest {lines[largest]} ({largest.relative_to(ROOT)})")
    print(f"  function  median {median(size for size, _ in found):g}, largest {longest[0]} ({longest[1]})")
    print(f"  functions above {_LONG} lines: {sum(size > _LONG for size, _ in found)}")


if __name__ == "__main__":
    for name in ("pad_ray", "tests"):
        tell(name)
