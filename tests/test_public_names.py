"""What `import pad_ray` offers: these names, typed and documented, and nothing of it loaded before it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import pad_ray

NAMES = [
    "Judgement",
    "PadRayError",
    "RunConfig",
    "RunResult",
    "Solution",
    "Verdict",
    "__version__",
    "run",
    "solve",
    "verify",
]
SIGNATURES = {
    "run": ["config", "settings", "until"],
    "verify": ["completions", "answers", "mode", "relative", "absolute", "workers"],
    "solve": ["questions", "model", "recipe", "max_tokens", "decoder"],
}


def test_the_public_names_are_these() -> None:
    assert pad_ray.__all__ == NAMES == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert name in dir(pad_ray)
    value = getattr(pad_ray, name)
    assert isinstance(value, str) or inspect.getdoc(value)


@pytest.mark.parametrize(("name", "arguments"), SIGNATURES.items())
def test_arguments_keep_their_names(name: str, arguments: list[str]) -> None:
    signature = inspect.signature(getattr(pad_ray, name))
    assert list(signature.parameters) == arguments
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in signature.parameters.values())


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="module 'pad_ray' has no attribute 'teach'"):
        _ = pad_ray.teach


def test_a_name_loads_its_module_when_it_is_used() -> None:
    program = (
        "import sys, pad_ray\n"
        "assert 'pad_ray.api' not in sys.modules\n"
        "pad_ray.verify\n"
        "assert 'pad_ray.api' in sys.modules\n"
        "assert not {'ray', 'torch', 'vllm', 'transformers'} & set(sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr == ""
