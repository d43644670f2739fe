"""The page of the folder: its files are there, its commands parse, its tables are what the program computes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from pad_ray.cli import parser
from tests.cluster.manifests import CLUSTER, ROOT

PAGE = (CLUSTER / "README.md").read_text(encoding="utf-8")
COMMENTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CLUSTER.rglob("*.yaml")))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", PAGE))))
def test_a_link_leads_to_a_file(link: str) -> None:
    assert (CLUSTER / link).exists()


def test_every_file_is_on_the_page() -> None:
    files = {str(path.relative_to(CLUSTER)) for path in CLUSTER.rglob("*") if path.suffix in (".yaml", ".sh")}
    assert {name for name in files if f"({name})" not in PAGE} == set()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:cluster|jobs)/[\w./-]+\w", PAGE + COMMENTS))))
def test_a_path_in_a_command_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("line", sorted(set(re.findall(r"pad-ray (?:submit|doctor|run) [^\n`\]]+", PAGE + COMMENTS))))
def test_a_command_parses(line: str) -> None:
    parser().parse_args(shlex.split(line, comments=True)[1:])


def test_its_tables_are_those_that_the_program_computes() -> None:
    command = [sys.executable, str(CLUSTER / "sizes.py")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for table in said.strip().split("\n\n"):
        assert table in PAGE


def test_its_figures_are_those_of_the_results() -> None:
    results = (ROOT / "RESULTS.md").read_text(encoding="utf-8")
    for figure in ("| `Verifier` in Ray Data, 100,000 rows | 3,494 |", "| tier 2 (CPython) | 227 |", "of 10,923 real"):
        assert figure in results
    for figure in ("343 → 936", "0.359", "0.366 ms"):
        assert figure in results
