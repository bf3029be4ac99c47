# `make help` lists the targets. Everything lives in .venv; nothing is installed outside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# A lane in which no test is left fails: pytest then ends with 5.
PYTEST := $(BIN)/python -m pytest
EMPTY_TREE := $(shell git hash-object -t tree /dev/null)
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml
ARGS ?=
# Each worker of a lane starts servers of its own. Operations wait more than they compute; browsers compute.
FEATURE_WORKERS ?= 3
BROWSER_WORKERS ?= 2

# Each test starts many processes of ours; without their bytecode every one of them would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: $(INSTALLED) ## Create .venv with the command operationrun

.PHONY: install-dev
install-dev: $(INSTALLED_DEV) ## The same, with the tools for tests and checks

.PHONY: up
up: install ## Run everything on this machine (ARGS="--port 8081 --no-sample")
	@$(BIN)/operationrun up $(ARGS)

.PHONY: test
test: test-unit test-feature test-pgsql test-pooler test-browser test-faults ## Run every lane

.PHONY: test-unit
test-unit: install-dev ## Run the unit tests, without servers or network, in seconds
	$(PYTEST) -m unit -n auto --disable-socket --allow-unix-socket $(ARGS)

.PHONY: fuzz
fuzz: install-dev ## Try what takes bytes from outside with 20,000 examples of each (ARGS="-k packs")
	$(PYTEST) -n auto --timeout 3600 --hypothesis-profile=fuzz tests/fuzz $(ARGS)

.PHONY: test-feature
test-feature: install-dev ## Run the tests on a whole system, on the real servers
	$(PYTEST) -m feature -n $(FEATURE_WORKERS) $(ARGS)

.PHONY: test-pgsql
test-pgsql: install-dev ## Run the tests of what PostgreSQL promises
	$(PYTEST) -m pgsql -n auto $(ARGS)

.PHONY: test-pooler
test-pooler: install-dev ## Run both operations and PostgreSQL's promises behind PgBouncer (CI=true: fail where there is none)
	$(PYTEST) -m "pooler and not whole_lane" -n $(FEATURE_WORKERS) $(ARGS)

.PHONY: test-browser
test-browser: install-dev ## Run the tests of every page in Chromium (CI=true: fail where there is none)
	$(PYTEST) -m browser -n $(BROWSER_WORKERS) $(ARGS)

.PHONY: test-faults
test-faults: install-dev ## Run the part of the fault lane that takes a minute or two
	$(PYTEST) -s -m "faults and not whole_lane" $(ARGS)

.PHONY: faults
faults: install-dev ## Run the whole fault lane: FAULT_KILLS workers killed at random, FAULT_SEED to repeat
	FAULT_KILLS=$${FAULT_KILLS:-200} $(PYTEST) -s tests/faults tests/pooler $(ARGS)

.PHONY: races
races: install-dev ## Race attempts at one restore over file, https and ssh: REMOTE_ROUNDS each, REMOTE_SEED to repeat
	REMOTE_ROUNDS=$${REMOTE_ROUNDS:-100} $(PYTEST) -s tests/remotes/test_races.py $(ARGS)

.PHONY: coverage
coverage: install-dev ## Run the unit and pgsql lanes, and hold each part to its floor of covered lines
	rm -f test-results/coverage*
	$(MAKE) test-unit test-pgsql PYTEST="$(BIN)/coverage run -m pytest"
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m tools.part_coverage

.PHONY: topology
topology: install-dev ## Run docker-compose.yml's shape as processes: faults, backup, shutdown, upgrade
	$(BIN)/python -m tests.topology.programs
	$(PYTEST) -s -x -p no:randomly --timeout 600 tests/topology $(ARGS)

.PHONY: mutants
mutants: install-dev ## Break one rule at a time in a copy of the tree; the test that holds it must fail
	$(BIN)/python -m tools.mutants $(ARGS)

.PHONY: bench
bench: install-dev ## Measure everything against its floor, into bench/results/ (half an hour, on a quiet machine)
	for each in small_operations review_compose restore run_viewer sweep recovery reports; do $(BIN)/python -m bench.$$each || exit 1; done

.PHONY: histories
histories: install-dev ## Record this release's workflow histories anew, for the replay tests
	$(BIN)/python -m tools.record_histories

.PHONY: pictures
pictures: install-dev ## Take the pictures of README and docs anew, from a sample system
	$(BIN)/python -m tools.pictures

.PHONY: prove
prove: install-dev ## Explore every interleaving of named worlds, and show each broken rule (ARGS="'two attempts'")
	$(BIN)/python -m tests.proof.prove $(ARGS)

.PHONY: audit
audit: install-dev ## Look for known vulnerabilities in what is locked (needs PyPI's records of them)
	$(BIN)/python -m tools.audit

.PHONY: lint
lint: install-dev ## Check style, types, import directions, dependencies and whitespace
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	git diff --check $(EMPTY_TREE)

.PHONY: lock
lock: install-dev ## Write the requirements with their hashes anew
	$(UV_COMPILE) --output-file tools/requirements.txt
	$(UV_COMPILE) --group dev --output-file tools/requirements-dev.txt

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make install PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Python's venv is needed (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }

# setuptools builds the project itself; it is taken, with its hash, from the one place that locks it.
$(INSTALLED): tools/requirements.txt tools/requirements-dev.txt pyproject.toml | $(BIN)/pip
	@echo "Installing into $(VENV)."
	@sed -n '/^setuptools==/,/^    # via/p' tools/requirements-dev.txt > $(VENV)/requirements-build.txt
	@$(PIP) install --require-hashes --requirement tools/requirements.txt --requirement $(VENV)/requirements-build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) tools/requirements-dev.txt
	@echo "Installing the development tools into $(VENV)."
	@$(PIP) install --require-hashes --requirement tools/requirements-dev.txt
	@touch $@
