# `make` prints the targets. Every target that needs the virtual environment makes it first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV := .venv
# Some libraries start programs of theirs by name (torch starts ninja), so the environment comes first on the path:
# for the programs below alone, not while the environment is being made.
IN_VENV := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
CONFIG ?= jobs/quickstart.yaml
BENCHES := sandbox steps fidelity agreement synthesis scale autoscaling arithmetic training decoder serving

.NOTPARALLEL:
.PHONY: help setup run docs test test-slow chaos test-browser lint format bench clean $(addprefix bench-,$(BENCHES))

help:  ## print the targets
	@echo "pad-ray: make TARGET [ACCELERATOR=cpu|gpu] [PYTHON=python3.11] [ARGS=\"more arguments\"]"; echo
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  \1@\2/p' $(MAKEFILE_LIST) | column -t -s @

setup:  ## make the virtual environment .venv from the lock (once; a second call installs nothing)
	@PYTHON="$(PYTHON)" requirements/install.sh $(ACCELERATOR)

run: setup  ## run the quickstart, or CONFIG=jobs/other.yaml
	$(IN_VENV) pad-ray run $(CONFIG) $(ARGS)

gsm8k-student: setup  ## train the embedded model on all of GSM8K's annotated programs; hours, goes on where it stopped
	$(IN_VENV) pad-ray run jobs/gsm8k-programs.yaml $(ARGS)

test: setup  ## run the tests that need no GPU, no browser and no long time
	$(IN_VENV) python -m pytest $(ARGS)

test-slow: setup  ## run the tests marked slow
	$(IN_VENV) python -m pytest -m slow $(ARGS)

chaos: setup  ## run the tests that kill processes and nodes
	$(IN_VENV) python -m pytest -m chaos $(ARGS)

test-browser: setup  ## run the tests that open a browser
	$(IN_VENV) python -m pytest -m browser $(ARGS)

lint: setup  ## check style, formatting and types
	$(IN_VENV) ruff check
	$(IN_VENV) ruff format --check
	$(IN_VENV) mypy

format: setup  ## format the code and mend what ruff can mend
	$(IN_VENV) ruff check --fix-only --quiet
	$(IN_VENV) ruff format

docs: setup  ## write docs/configuration.md again from the models
	$(IN_VENV) python -m pad_ray.key_reference > docs/configuration.md

bench: $(addprefix bench-,$(BENCHES))  ## run every benchmark; one alone: bench-sandbox, bench-steps, bench-fidelity, …

$(addprefix bench-,$(BENCHES)): bench-%: setup
	$(IN_VENV) python -m tests.bench.$* $(ARGS)

clean:  ## remove the virtual environment, caches and build files; runs/ stays
	rm -rf $(VENV) .venv.lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find pad_ray tests jobs -name __pycache__ -type d -prune -exec rm -rf {} +
