# `make` alone lists what there is. Nothing here is needed to use the project: README has the two commands for that.

.DEFAULT_GOAL := help
.PHONY: help setup run test test-cluster lint format types contracts docs-check check soak bench lock package clean

PYTHON := .venv/bin/python
AGENTS ?= 50
DURATION ?= 1h
SEED ?= 7
SOAK_STEPS ?= 500000
SOAK_SEED ?= 1000

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make or refresh .venv from requirements-dev.lock
	@python3 scripts/environment.py

run: ## Run a world (AGENTS=50 DURATION=1h SEED=7)
	python3 scripts/run.py --agents $(AGENTS) --duration $(DURATION) --seed $(SEED)

test: ## Run all tests; ARGS='-k ledger' goes to pytest
	python3 scripts/test.py $(ARGS)

test-cluster: ## Everything that can go wrong with nodes and their servers, on real processes, and a whole calibration
	python3 scripts/test.py tests/cluster tests/simulation/test_node_faults.py tests/acceptance/test_calibrate.py $(ARGS)

lint: setup ## Style and formatting (ruff)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: setup ## Let ruff mend what it can
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: setup ## Types: mypy --strict, then pyright
	$(PYTHON) -m mypy
	$(PYTHON) -m pyright

contracts: setup ## Import direction (import-linter)
	.venv/bin/lint-imports

docs-check: setup ## Run every command that the documents show
	$(PYTHON) scripts/check_docs.py

check: lint types contracts test docs-check ## All of the above on the work tree; .ci/run does it on a fresh clone

soak: ## The economy's stateful test for much longer (SOAK_STEPS=500000, some 20 minutes; SOAK_SEED=1000 says where)
	SOAK_STEPS=$(SOAK_STEPS) SOAK_SEED=$(SOAK_SEED) python3 scripts/test.py tests/simulation/test_economy.py

bench: setup ## Print the figures of every benchmark
	@set -e; for script in scripts/bench_*.py; do echo; echo "== $$script"; $(PYTHON) $$script; done

# --universal: one file for every platform and Python. The index is left out: whoever installs has their own.
LOCK := $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' --extra local

lock: setup ## Resolve pyproject.toml into the lock files; UPGRADE=1 takes newer versions
	$(LOCK) $(if $(UPGRADE),--upgrade) --group build --output-file requirements.lock pyproject.toml
	$(LOCK) $(if $(UPGRADE),--upgrade) --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml

package: setup ## Build the wheel into dist/
	$(PYTHON) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

clean: ## Remove what tools left behind; runs/ and .venv stay
	rm -rf dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
