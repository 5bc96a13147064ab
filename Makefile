# The same targets run at the desk, in the hooks and in the pipeline. `make` alone lists them.
# Needs: make, Python 3.11 or newer, and a package index that pip, uv and npm are set up for.

# Candidates, first good one wins; give one to choose: make setup PYTHON=python3.12
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
# More words for the tool behind run, test, test-watch, test-coverage and bench: make test ARGS="-k sse"
ARGS ?=
# Seconds for each target of fuzz; all run side by side
FUZZ_SECONDS ?= 60
# First commit that lint-commit leaves out; empty: where this branch left origin/main
FROM ?=
WORKERS ?= 4

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
NODE_STAMP := node_modules/.stamp
ORACLES := tests/oracles
ORACLES_STAMP := $(ORACLES)/.venv/.stamp
# Some of the clients are native programs, locked for one platform.
ORACLES_PLATFORM := Linux x86_64
PLATFORM := $(shell uname -s -m)
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# With autoload on, each process imports every plugin in the environment: 1.8 s against 0.8 s for an empty test.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
# `xdist` by that name: pytest-randomly looks for it to hand its seed to the workers.
PLUGINS := -p pytest_asyncio.plugin -p pytest_randomly -p pytest_socket -p xdist -p _hypothesis_pytestplugin
PYTEST := $(BIN)/pytest $(PLUGINS)
FAST := -m "not slow and not oracle"
# Tests that make up their examples are in both: here with four times as many.
SLOW := -m "(slow or hypothesis) and not oracle" --hypothesis-profile=thorough
# What the clients warn of in their own code is their makers' business.
STRANGE := -W default
# Each worker begins with a stretch of its own, so that two rarely start the same servers.
SPREAD := --numprocesses auto --maxprocesses $(WORKERS) --dist worksteal

# Without bytecode every test process compiles its plugins anew, five seconds each.
unexport PYTHONDONTWRITEBYTECODE
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help setup run test test-slow test-watch test-coverage fuzz check lint format check-mypy check-imports \
	check-deps check-dead check-reference reference bench test-oracles hooks lint-commit lint-message clean

help: ## List the targets
	@awk -F ':.*## ' '/^##: / { print substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

##: Running

setup: $(STAMP) ## Build .venv from the locks; at once when nothing changed

run: setup ## Start the gateway (ARGS: options of `ai-gateway serve`)
	@exec $(BIN)/ai-gateway serve $(ARGS)

bench: setup ## Measure the gateway on this machine (ARGS: options of the bench)
	@$(BIN)/python -m bench $(ARGS)

##: Testing

test: setup ## Run the tests, without those marked slow (ARGS: options of pytest)
	@$(PYTEST) $(SPREAD) $(FAST) $(ARGS)

test-slow: setup ## Run what takes long: tests marked slow, a minute of fuzzing, many examples (ARGS: options of pytest)
	@$(PYTEST) $(SPREAD) $(SLOW) $(ARGS)

ifeq ($(PLATFORM),$(ORACLES_PLATFORM))
test-oracles: setup $(ORACLES_STAMP) ## Drive the gateway with the SDKs, editors and CLIs of others (ARGS: options of pytest)
	@PYTHONPATH=$(ORACLES)/.venv $(PYTEST) $(SPREAD) -m oracle $(STRANGE) $(ORACLES) $(ARGS)
else
test-oracles:
	@echo "test-oracles: left out, for its clients are locked for $(ORACLES_PLATFORM) and this is $(PLATFORM)"
endif

test-watch: setup ## Run the tests again at each change
	@$(BIN)/ptw . --now --runner $(BIN)/pytest $(PLUGINS) $(FAST) $(ARGS)

test-coverage: setup ## Run the tests and show the lines that none of them reached
	@$(PYTEST) -p pytest_cov.plugin $(SPREAD) $(FAST) --cov --cov-report=term-missing:skip-covered \
		--cov-report=xml $(ARGS)

fuzz: setup ## Throw odd headers, tokens and key sets at identity (FUZZ_SECONDS; ARGS: targets and options)
	@PYTHONPATH=tests $(BIN)/python -m fuzz.run --seconds $(FUZZ_SECONDS) $(ARGS)

##: Checking

check: lint check-mypy check-imports check-deps check-dead check-reference test ## Run all that gates a change
	@echo "check: all green"

lint: setup ## Check format and lint rules, change nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: setup ## Format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

check-mypy: setup ## Check types, strictly
	@$(BIN)/mypy

check-imports: setup ## Check the direction of imports (.importlinter)
	@$(BIN)/lint-imports

check-deps: setup ## Check for undeclared and unused dependencies
	@$(BIN)/deptry .

check-dead: setup ## Check for code that nobody calls
	@$(BIN)/vulture

check-reference: setup ## Check that the generated reference pages are fresh
	@$(BIN)/python -m scripts.gen_reference --check

reference: setup ## Write the generated reference pages
	@$(BIN)/python -m scripts.gen_reference

##: Committing

hooks: setup ## Install the git hooks (lefthook.yml)
	@$(BIN)/lefthook install

lint-commit: setup $(NODE_STAMP) ## Check commit messages (FROM: the last commit to leave out)
	@$(BIN)/python -m scripts.check_commits --since "$(FROM)"

lint-message: setup $(NODE_STAMP) ## Check one message (MESSAGE: its file); the commit-msg hook calls it
	@$(BIN)/python -m scripts.check_commits --message "$(MESSAGE)"

clean: ## Remove what the tools leave behind; .venv and node_modules stay
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* \
		coverage.xml htmlcov dist build bench/build bench/out
	@find src tests scripts bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# An environment that is missing, too old, or left half made by an interrupted run is made anew. The project
# is installed last: the sync removes whatever the lock does not name.
$(STAMP): requirements.lock requirements-bootstrap.lock pyproject.toml
	@{ $(BIN)/python -c '$(NEW_ENOUGH)' && { test -x $(BIN)/uv || $(BIN)/python -c 'import pip'; }; } 2>/dev/null || { \
		for python in $(PYTHON); do \
			"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && break; \
			seen="$${seen:-$$("$$python" -V 2>/dev/null | sed "s,^Python,$$python is,")}"; python=; \
		done; \
		test -n "$$python" || { echo "setup: $${seen:-no Python found}; Python 3.11 or newer is needed:" \
			"install one and name it, as in: make setup PYTHON=python3.12" >&2; exit 1; }; \
		echo "setup: making $(VENV) with $$("$$python" -V)"; \
		"$$python" -m venv --clear $(VENV) || { echo "setup: $$python cannot make a virtual environment;" \
			"on Debian and Ubuntu install python3-venv" >&2; exit 1; }; \
	}
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: -r requirements-bootstrap.lock
	@echo "setup: installing requirements.lock and the project"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# npm's own scripts stay off: nothing we use needs one, and a package's install script is a stranger's program.
$(NODE_STAMP): package.json package-lock.json .npmrc $(STAMP)
	@$(BIN)/npm ci --ignore-scripts --no-progress --loglevel error
	@touch $@

ORACLES_MISSING = { echo "test-oracles: cannot install its clients, so nothing was tested;" \
	"they come from the package index and the npm registry that pip and npm are set up for" >&2; exit 1; }

# Clients of others, 1.5 GB: the Python ones beside our own environment, so that they see the same versions.
$(ORACLES_STAMP): $(ORACLES)/requirements.lock $(ORACLES)/package.json $(ORACLES)/package-lock.json $(STAMP)
	@echo "test-oracles: installing $(ORACLES)/requirements.lock and $(ORACLES)/package-lock.json"
	@rm -rf $(ORACLES)/.venv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(ORACLES)/.venv --no-deps --require-hashes \
		--only-binary :all: --compile-bytecode -r $(ORACLES)/requirements.lock || $(ORACLES_MISSING)
	@cd $(ORACLES) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-progress --loglevel error || \
		$(ORACLES_MISSING)
	@touch $@
