"""A program as text: where it stands in a completion, what its value means. Runs nothing."""
