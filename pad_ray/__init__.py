"""pad-ray teaches small language models to reason by writing programs, on a Ray cluster."""

__version__ = "0.1.0"
