"""Prompts to completions, in bulk on Ray Data."""
