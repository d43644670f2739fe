"""The instant at which every program believes it runs, in both tiers: 2024-01-01 00:00 UTC."""

from __future__ import annotations

CLOCK_SECONDS = 1_704_067_200
