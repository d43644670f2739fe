"""General ability before and after teaching: direct answers to BIG-Bench Hard, and perplexity of plain text.

settings.py     what is measured, and how models are asked
tasks.py        the subsets: which problems are shown, which are measured, how they are asked
reading.py      the answer in what a model wrote, and programs where text was asked
asking.py       greedy answers, by transformers or vLLM
accuracy.py     judged answers, and figures with intervals
texts.py        plain texts from files
perplexity.py   how well a model foretells them
models.py       what is measured: models, adapters, the student and the base of a run
measure.py      all of it for one model
table.py        what is printed
"""
