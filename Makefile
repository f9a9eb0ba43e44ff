# PropGuard: `make run` starts everything, `make test` proves it. Needs Python 3.11+ and make, nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The probe runs each candidate: version managers leave shims on PATH that do not start.
PY ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q -n auto

# The models' tables at once: that the migrations come to the same is checked, and the process tests run them.
TABLES := --no-migrations

.PHONY: help run setup check test test-core test-sqlite test-postgres test-process bench chaos mutants docs screenshots lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.created:
	@test -n "$(PY)" || { \
		if command -v python3 >/dev/null 2>&1 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then echo "This Python has no venv module. Debian/Ubuntu: sudo apt-get install python3-venv"; \
		else echo "PropGuard needs Python 3.11 or newer ($$(python3 --version 2>/dev/null || echo none found)). Get it from python.org, your package manager or uv."; fi; exit 1; }
	@$(PY) -m venv .venv || { echo "Could not create .venv with $(PY). Debian/Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/.run: .venv/.created requirements.txt
	@echo "Installing PropGuard's requirements (once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.created requirements-dev.txt
	@echo "Installing the development requirements (once) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch .venv/.run $@

run: .venv/.run ## set up, seed demo data once and start everything
	@exec $(BIN)/python manage.py up --demo

setup: .venv/.dev ## make the development environment in .venv

check: .venv/.dev ## lint, types, import contracts, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict -p enforcement
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

test: check test-core test-sqlite test-postgres test-process ## everything: checks, core, SQLite, PostgreSQL

test-core: .venv/.dev ## the pure core and the architecture, without a database
	$(PYTEST) -m core

test-sqlite: .venv/.dev ## the Django tests on SQLite
	$(PYTEST) $(TABLES) -m "not core and not process"

test-postgres: .venv/.dev ## the Django tests on an embedded PostgreSQL
	$(PYTEST) $(TABLES) -p tests.postgres -m "not core and not process"

test-process: .venv/.dev ## a sample of the tests that start and kill real processes; CI runs them all
	$(PYTEST) tests/process/test_kill.py tests/process/test_up.py

bench: .venv/.dev ## measure: ack, alert to connector, decisions per second
	$(BIN)/python -m bench

docs: .venv/.dev ## write the generated pages anew
	$(BIN)/python -m tools.rules_doc
	$(BIN)/python -m tools.reliability_doc

chaos: .venv/.dev ## 10,000 signals under random kills and a lying venue, then compare everything (12 minutes)
	$(BIN)/python -m tests.chaos $(CHAOS)

mutants: .venv/.dev ## break the core a line at a time and see that a test fails (long)
	$(BIN)/python -m tools.mutants

screenshots: .venv/.dev ## remake docs/images from the demo data
	$(BIN)/python -m tests.browser.screenshots

lock: ## remake the lock files (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and caches (var/ and its database stay)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
