# `make` alone tells what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
CODE := kernel registry closedloop alerts checkpoint tests $(wildcard bench scripts)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --quiet
ROOT := $$([ "$$(id -u)" = 0 ] || echo sudo -n)

.PHONY: run test check bench prove faults voices lock clean help chromium

help: ## tell what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: .venv/run.stamp ## everything on a fresh machine, with a demo city
	@exec $(BIN)/python -m checkpoint serve --demo

test: .venv/dev.stamp chromium ## all tests, those in the browser too
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --ignore=tests/faults
	@$(BIN)/python -m pytest -q -n 2 tests/faults

check: .venv/dev.stamp ## format, lint, types, migrations, floors
	@$(BIN)/ruff format --check --quiet $(CODE)
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/squawk --config .squawk.toml migrations/*.sql
	@$(BIN)/python -m pytest -q --durations=0 tests/test_floors.py

bench: .venv/dev.stamp ## timed figures, printed and never asserted
	@for file in bench/bench_*.py; do $(BIN)/python -m "bench.$$(basename "$$file" .py)"; done

prove: .venv/dev.stamp chromium ## all figures anew, at their long setting: docs/figures.md
	@$(BIN)/python -m bench.prove

faults: .venv/dev.stamp ## kills, cuts and full disks
	@$(BIN)/python -m pytest -q tests/faults

voices: .venv/dev.stamp ## read the questions aloud anew; needs espeak-ng and lame
	@$(BIN)/python scripts/voices.py

lock: .venv/dev.stamp ## resolve the dependencies anew
	@$(LOCK) --upgrade --extra build --output-file requirements.lock
	@$(LOCK) --upgrade --extra build --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	@sed -i.old '/-c requirements.lock/d' requirements-dev.lock && rm requirements-dev.lock.old

clean: ## remove what was installed or built; the data in var/ stays
	@rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

define environment
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1; }
@[ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	|| $(PYTHON) -m venv --clear .venv || { \
	echo "Python cannot make a .venv here. On Debian: apt-get install python3-venv" >&2; exit 1; }
endef

.venv/run.stamp: requirements.lock
	$(environment)
	@echo "Installing what requirements.lock lists ..." >&2
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock
	$(environment)
	@echo "Installing what requirements-dev.lock lists ..." >&2
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ .venv/run.stamp

# Playwright drives the system's Chromium; its own download is not needed.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	command -v apt-get >/dev/null && $(ROOT) true 2>/dev/null \
	&& export DEBIAN_FRONTEND=noninteractive \
	&& echo "Installing Chromium and a Chinese font ..." >&2 \
	&& $(ROOT) apt-get update -qq >/dev/null \
	&& $(ROOT) apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; } \
	|| echo "There is no Chromium, and it cannot be installed from here: install it." >&2
