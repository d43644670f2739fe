"""Requests to samples with verdicts to training examples, on Ray Data."""
