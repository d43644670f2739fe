"""What is measured of general ability, and how models are asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from pad_ray.benchmarks import BENCHMARKS
from pad_ray.errors import ConfigError

Ask = Literal["completion", "chat"]
Engine = Literal["transformers", "vllm"]

PREFIX = "bbh_"
SUBSETS = tuple(one.name.removeprefix(PREFIX) for one in BENCHMARKS if one.name.startswith(PREFIX))


@dataclass(frozen=True)
class Settings:
    """How general ability is measured.

    Attributes:
        subsets: of BIG-Bench Hard, as in `SUBSETS`.
        shots: problems of each subset that are shown with their answers, and not measured.
        limit: at most so many problems of each subset are measured.
        max_tokens: longest answer; the longest gold answer of the subsets (a list of words) has 50.
        ask: continue a text, or answer in the model's own chat template.
        engine: who generates.
        threads: CPU threads; None leaves it to torch.
        data: the data folder; by default the one that `PAD_RAY_DATA` names.
    """

    subsets: tuple[str, ...] = SUBSETS
    shots: int = 3
    limit: int | None = None
    max_tokens: int = 64
    ask: Ask = "completion"
    engine: Engine = "transformers"
    threads: int | None = None
    data: str | None = None

    def checked(self) -> Self:
        """The same settings, where they can be used.

        Raises:
            ConfigError: names the setting.
        """
        for name, least in (("shots", 0), ("limit", 1), ("max_tokens", 1), ("threads", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} is {value}", f"Give {least} or more")
        if unknown := [name for name in self.subsets if name.removeprefix(PREFIX) not in SUBSETS]:
            raise ConfigError(f"BIG-Bench Hard has no subset `{unknown[0]}` here", f"There are: {', '.join(SUBSETS)}")
        return replace(self, subsets=tuple(dict.fromkeys(name.removeprefix(PREFIX) for name in self.subsets)))
