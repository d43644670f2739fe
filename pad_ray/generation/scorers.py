"""The scorers that settings ask for; an embedder is loaded once, when it is first needed."""

from __future__ import annotations

from pad_ray.decoding.faithfulness import FaithfulnessScorer
from pad_ray.decoding.scorers import ExecutionScorer, Scorer
from pad_ray.decoding.settings import DecodingConfig


class Scorers:
    """Scorers, kept for as long as this is."""

    def __init__(self) -> None:
        self._faithfulness: dict[str, FaithfulnessScorer] = {}

    def of(self, settings: DecodingConfig) -> list[Scorer]:
        """Those with a weight."""
        scorers: list[Scorer] = [ExecutionScorer()] if settings.weights.execution else []
        return [*scorers, self.faithfulness(settings)] if settings.weights.faithfulness else scorers

    def faithfulness(self, settings: DecodingConfig) -> FaithfulnessScorer:
        """The score of PaD, by the embedder of the settings."""
        if settings.embedder not in self._faithfulness:
            from pad_ray.generation.embedder import Embedder

            self._faithfulness[settings.embedder] = FaithfulnessScorer(Embedder(settings.embedder))
        return self._faithfulness[settings.embedder]
