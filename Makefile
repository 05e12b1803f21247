# make demo    the whole path on real digits: train, evaluate, export (creates .venv on the first call)
# make test    every check: ruff, mypy, import-linter, pytest
# make lint    ruff, mypy and import-linter alone
# make cover   every test, with the branches that none of them takes
# make bench   ratios measured side by side on this machine
# make clean   remove the environment and what tools made; runs in saved_models/ stay
#
# PYTHON=python3.12 chooses the interpreter of the environment.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo test lint cover bench clean

CANDIDATES := python3 python3.13 python3.12 python3.11
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) -c '$(SUPPORTED)' 2>/dev/null && echo $(name))))

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock

demo: .venv/.installed
	$(BIN)/dlkit demo

test: lint
	$(BIN)/pytest -n 2 --dist worksteal

lint: .venv/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

cover: .venv/.installed-dev
	$(BIN)/pytest --cov -n 2 --dist worksteal

SPEED := startup single_neuron training_speed step_choices fit_modes memory serving determinism

bench: .venv/.installed-dev
	@for name in $(SPEED); do echo "benchmarks/$$name.py"; $(BIN)/python "benchmarks/$$name.py" || exit 1; done

clean:
	rm -rf .venv build dist .coverage .mypy_cache .pytest_cache .ruff_cache
	find dlkit tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say what is installed, so that nothing is installed twice; the development tools include the rest.
.venv/.installed: pyproject.toml requirements.lock | .venv/bin/python
	@echo "Installing dlkit and its libraries into .venv (once; some minutes) ..."
	@$(PIP) -e .
	@touch $@

.venv/.installed-dev: pyproject.toml requirements.lock | .venv/bin/python
	@echo "Installing dlkit, its libraries and the development tools into .venv (once; some minutes) ..."
	@$(PIP) -e '.[dev]'
	@touch .venv/.installed $@

.venv/bin/python:
	@if ! '$(PYTHON)' -c '$(SUPPORTED)' 2>/dev/null; then \
		echo "dlkit needs Python 3.11, 3.12 or 3.13; $(if $(PYTHON),$(PYTHON) is not one of them,none was found)." >&2; \
		echo "Install one of them, or name it: make demo PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi
	@if ! $(PYTHON) -m venv .venv; then \
		rm -rf .venv; \
		echo "The venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; \
	fi
