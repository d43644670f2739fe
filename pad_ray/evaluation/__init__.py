"""How well a model answers problems that it has not learnt from."""
