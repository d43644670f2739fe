"""Examples in README and docs/ work: Python runs, YAML is a configuration, commands parse, links lead somewhere."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

import pad_ray
from pad_ray.cli import parser
from pad_ray.config import parse_config
from pad_ray.serving.settings import ServeConfig

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"`(pad_ray\.\w+\([^`]*\))`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"")


def blocks(*languages: str) -> list[object]:
    """The fenced blocks in these languages, each with its page and place as its name."""
    found: list[object] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            if match[1] in languages:
                line = text.count("\n", 0, match.start()) + 1
                found.append(pytest.param(match[2], id=f"{page.name}:{line}"))
    return found


@pytest.mark.parametrize("program", blocks("python"))
def test_python_runs(program: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Modules whose docstring shows how they are used, and what the reader has imported by then.
_SHOWN = {"pad_ray.api": "", "pad_ray.sandbox": "from pad_ray.sandbox import Sandbox\n"}


def shown(module: str) -> str:
    """The indented example of a module's docstring."""
    lines = inspect.cleandoc(import_module(module).__doc__ or "").splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


@pytest.mark.parametrize(("module", "before"), _SHOWN.items())
def test_examples_of_modules_run(module: str, before: str, tmp_path: Path) -> None:
    assert shown(module)
    done = subprocess.run([sys.executable, "-c", before + shown(module)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def calls() -> list[object]:
    """Calls of the package's functions within sentences of the pages."""
    found = (match for page in PAGES for match in _CALL.findall(page.read_text(encoding="utf-8")))
    return [pytest.param(text, id=text[:40]) for text in found]


@pytest.mark.parametrize("text", calls())
def test_calls_within_sentences_fit_the_functions(text: str) -> None:
    call = ast.parse(" ".join(text.split()), mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    arguments = {str(word.arg): None for word in call.keywords}
    inspect.signature(getattr(pad_ray, call.func.attr)).bind(*call.args, **arguments)


def settings(of_serving: bool) -> list[object]:
    """The blocks of YAML: the page on serving has a server's, the others a run's."""
    found: list[Any] = list(blocks("yaml"))
    return [block for block in found if block.id.startswith("serving.md") is of_serving]


@pytest.mark.parametrize("text", settings(of_serving=False))
def test_yaml_is_a_configuration(text: str) -> None:
    parse_config(yaml.safe_load(text))


@pytest.mark.parametrize("text", settings(of_serving=True))
def test_yaml_of_serving_is_a_servers(text: str) -> None:
    ServeConfig.model_validate(yaml.safe_load(text))


def commands(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        for place, word in enumerate(words):
            if word.endswith("pad-ray"):
                yield words[place + 1 :]
                break


@pytest.mark.parametrize("text", blocks("sh", "bash"))
def test_commands_parse(text: str) -> None:
    for words in commands(text):
        parser().parse_args([word for word in words if word not in ("<(", ")")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [first or second for first, second in _LINK.findall(page.read_text(encoding="utf-8"))]
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == []
