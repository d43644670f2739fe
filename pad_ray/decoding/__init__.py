"""The step-verified beam: the algorithm, its scorers and its traces. Imports no engine and nothing of Ray."""
