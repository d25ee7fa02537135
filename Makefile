# Every command of the repository. `make` alone lists them. Works as root and as a user, in any folder.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Any Python from 3.11 on; `make PYTHON=/path/to/python` chooses another one.
PYTHON ?= $(shell for each in python3.11 python3 python3.12 python3.13 python3.14; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
STAMP := .venv/.installed
BENCH_STAMP := .venv/.installed-bench
WORKERS ?= 3
# Where Python may not keep what it has compiled, every process of the tests and of the demo would compile it again.
unexport PYTHONDONTWRITEBYTECODE
ARGS ?=

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: $(STAMP) ## Create .venv with what requirements.lock names, and fintech itself in editable form

$(STAMP): requirements.lock pyproject.toml
	@$(MAKE) python-is-usable
	@echo "installing into .venv (a minute or two the first time)"
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Beside what the others need, what `make bench` measures against.
$(BENCH_STAMP): requirements-bench.lock $(STAMP)
	@echo "installing what is measured against"
	@$(PIP) install --require-hashes --requirement requirements-bench.lock
	@touch $@

# Debian ships Python without its venv module: install that as root, name the remedy to others.
.PHONY: python-is-usable
python-is-usable:
	@if [ -z "$(PYTHON)" ]; then echo "No Python from 3.11 on in PATH: install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; fi
	@if ! "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "$(PYTHON) has no venv module: installing python3-venv"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >/dev/null; \
		fi; \
		"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv (as root), then again." >&2; exit 1; }; \
	fi

# A token to test the HSM adapter on. Where it cannot be installed its tests are left out, and the last line says so.
.PHONY: token
token:
	@if [ ! -e /usr/lib/softhsm/libsofthsm2.so ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing softhsm2"; \
		{ timeout 120 apt-get update -qq -o Acquire::Retries=0; \
		DEBIAN_FRONTEND=noninteractive timeout 120 apt-get install -qq -y --no-install-recommends softhsm2; } >/dev/null 2>&1 || true; \
	fi

.PHONY: test
test: lint token ## Lint, then run every test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --quiet $(ARGS)

.PHONY: lint
lint: install ## Check style, types and the direction of imports
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: install ## Rewrite the code in the house style
	@$(BIN)/python -m ruff check --fix-only --quiet .
	@$(BIN)/python -m ruff format .

.PHONY: demo
demo: install ## Show a merchant's day, end to end, on this machine
	@$(BIN)/fintech demo

.PHONY: bench
bench: install $(BENCH_STAMP) ## Measure: payments a second, latencies, terminals, sealing
	@$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: soak
soak: install ## Run the long tests: crashes, contention, many terminals
	@$(BIN)/python -m pytest --timeout 3600 --quiet tests/soak $(ARGS)

.PHONY: lock
lock: ## Resolve the dependencies anew into requirements.lock and requirements-bench.lock (hashes, no addresses)
	@$(MAKE) python-is-usable
	@mkdir -p .cache && "$(PYTHON)" -m venv --clear .cache/lock
	@.cache/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	@.cache/lock/bin/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--upgrade --generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock
	@.cache/lock/bin/uv pip compile pyproject.toml --all-extras --group dev --group bench --universal --python-version 3.11 \
		--constraint requirements.lock --upgrade --generate-hashes --no-header --no-annotate --quiet --output-file requirements-bench.lock
	@rm -rf .cache/lock

.PHONY: clean
clean: ## Remove what these commands made
	@rm -rf .venv .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
