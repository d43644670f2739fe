"""What gives back general ability that teaching cost: averaging with the base, a weaker adapter, replay.

averaging.py    weights between a student's and its base's
adapters.py     an adapter by a factor
checkpoint.py   files of a checkpoint: tensors by name, whatever the number of files
card.py         the card of what was made
replay.py       examples of other things, mixed into what is learnt
rehearsal.py    such examples as a model itself writes them
"""
