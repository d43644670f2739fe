"""What gives back general ability that teaching cost: averaging with the base, a weaker adapter, replay.

averaging.py    weights between a student's and its base's
adapters.py     an adapter by a factor
checkpoint.py   files of a checkpoint: tensors by name, whatever the number of files
card.py         the card of what was made
rehearsal.py    examples that a model writes itself, to be replayed (`pad_ray.training.replay`)
"""
