# SendGuard: every target sets up what it needs first, from a bare Debian 12 on.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := run
.PHONY: setup setup-test run test check policies addon bench bench-directory lock clean

BIN := .venv/bin
# The parts without effects: every line and every branch of them is tested.
PURE := sendguard/mail/*,sendguard/audience/*,sendguard/policy/*,sendguard/guard/*,sendguard/settings/*

setup:       ## what running needs: system packages, .venv, translations
	@packaging/linux/setup.sh run

setup-test:  ## and what the tests need as well
	@packaging/linux/setup.sh test

run: setup   ## the program; with no account yet, the practice mailbox
	@$(BIN)/sendguard run

# TESTS="tests/unit -k reply" runs a part of them (and then leaves the coverage out).
test: setup-test
	@mkdir -p build
ifdef TESTS
	@$(BIN)/python -m pytest $(TESTS)
else
	@$(BIN)/python -m pytest --cov --cov-report= | tee build/test.log
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=100 --precision=2
	@tail -n 1 build/test.log
endif

check: setup-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python packaging/checks.py
	@$(BIN)/python packaging/thunderbird/lint.py

addon: setup   ## the Thunderbird add-on, in build/; the same files always come to the same octets
	@$(BIN)/python -c 'from pathlib import Path; from sendguard.thunderbird.addon import write_xpi; print(write_xpi(Path("build")))'
	@sha256sum build/*.xpi

policies: setup-test  ## the templates for IT and docs/settings.md, made anew from the declaration of settings
	@$(BIN)/python packaging/policies.py

bench: setup-test
	@$(BIN)/python -m tests.benchmarks

# 1.2 million people and 60,000 lists: some five minutes, 1.1 GB of memory, and a gigabyte that stays in build/.
bench-directory: setup-test
	@$(BIN)/python -m tests.benchmarks directory ldap

# The lock is made for every system and Python at once, and names no registry.
lock:
	@test -x build/uv/bin/uv || { python3 -m venv build/uv && build/uv/bin/pip install -q uv==0.13.9; }
	@build/uv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
	  --generate-hashes --only-binary :all: --no-header --no-annotate --quiet -o requirements.lock

clean:
	rm -rf .venv build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find sendguard -name '*.mo' -delete
