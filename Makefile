# Every target sets up what it needs by itself; a second run finds it there.
.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-php fast check connector bench simulate sketch chaos fuzz mutants screenshots setup lock release vendor clean

# PYTHON=/path/to/python3.12 chooses the interpreter for .venv.
export PYTHON

BIN := .venv/bin
WORKERS ?= 2
# Many tests wait for a server or a clock, so a third process of pytest costs the other two little.
PYTEST := $(BIN)/pytest -n $(or $(TESTERS),3) --dist loadfile
PHPS := tests/php/node_modules

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*##/\1/p' $(MAKEFILE_LIST) | awk '{ name = $$1; $$1 = ""; printf "  make %-12s%s\n", name, $$0 }'

demo:  ## two sample shops, racing buyers, one true stock (CHECK=1: run, check, answer in JSON)
	@scripts/set-up
	@$(BIN)/onhand demo $(if $(CHECK),--check --json)

# Of a hundred new worlds some still fail (docs/promises.md). A test run prints each and goes on; far more would be a step back.
test: TOLERATE = 20
test: OPERATIONS = 60000
test: check simulate  ## before each push: checks, some simulated worlds, and each promise on a real MariaDB, PHP and Chromium
	@scripts/system-packages mariadb-server php-cli php-mysql chromium
	$(PYTEST) -m "not php and not long" $(ARGS)

test-long: TOLERATE = 10
test-long: simulate  ## the rest: a million simulated operations, every family, fuzzing, chaos, deliberate faults, long walks in a browser
	@scripts/system-packages mariadb-server php-cli php-mysql chromium
	$(PYTEST) -m "long and not php" $(ARGS)

test-php: $(PHPS)/.installed  ## the connector on PHP 5.6 to 8.5, its syntax and the whole contract (ARGS="-k 8.4": on one of them)
	@scripts/set-up dev
	@scripts/system-packages mariadb-server php-cli php-mysql
	$(PYTEST) --dist loadgroup -m php tests/php $(ARGS)

$(PHPS)/.installed: tests/php/package.json
	@scripts/system-packages nodejs npm
	npm install --prefix $(<D) --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

fast:  ## the tests that need no servers and no browser, in under a minute
	@scripts/set-up dev
	$(PYTEST) -m "not servers and not postgresql and not browser and not slow and not long and not php" $(ARGS)

check:  ## style, formatting, types, direction of imports
	@scripts/set-up dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m onhand.files.assembling --check

connector:  ## put connector/onhand.php together again, after a change of its parts or of the facts about a cart
	@scripts/set-up dev
	$(BIN)/python -m onhand.files.assembling

bench:  ## the numbers: ours against the barest script that does the same work
	@scripts/set-up dev
	@scripts/system-packages mariadb-server php-cli php-mysql
	$(BIN)/python -m bench $(ARGS)

simulate:  ## a simulated house, broken in every way, every promise checked; new worlds each time (WORLDS=900, OPERATIONS=10000000, SEED=7)
	@scripts/set-up dev
	@$(BIN)/onhand simulate --jobs $(WORKERS) --operations $(or $(OPERATIONS),1000000) $(if $(WORLDS),--worlds $(WORLDS)) $(if $(SEED),--seed $(SEED)) $(if $(TOLERATE),--tolerate $(TOLERATE))

sketch:  ## how often cells fail to name what drifted, or name it wrongly (ARGS=--quick: in short)
	@scripts/set-up dev
	$(BIN)/python -m bench.sketch $(ARGS)

chaos:  ## real shops, OnHand and the network go wrong for a while, then every promise is checked (SECONDS=600, SEED=7, ENGINE=postgresql)
	@scripts/set-up dev
	@scripts/system-packages mariadb-server php-cli php-mysql
	@$(BIN)/python -m tests.stories.chaos $(if $(ENGINE),--engine $(ENGINE)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

fuzz:  ## hostile inputs for the connector, the API and files for three minutes, then the books have to be right (SECONDS=600, SEED=7)
	@scripts/set-up dev
	@scripts/system-packages mariadb-server php-cli php-mysql
	@$(BIN)/python -m tests.fuzz.run $(if $(SECONDS),--seconds $(SECONDS),--at-least 200000) $(if $(SEED),--seed $(SEED))

mutants:  ## break the domain on purpose, one change at a time, and see whether its tests notice (some minutes)
	@scripts/set-up dev
	$(BIN)/python scripts/mutants

screenshots:  ## take the pictures of docs/guide.md anew, while a browser walks through what it says
	@scripts/set-up dev
	@scripts/system-packages chromium
	ONHAND_SCREENSHOTS=1 $(BIN)/pytest -n 0 tests/web/test_guide_browser.py $(ARGS)

setup:  ## make .venv with everything for work on OnHand
	@scripts/set-up dev

lock:  ## choose newer pinned packages and write both lock files anew
	scripts/lock

release:  ## set the version, date the changelog, commit and tag (VERSION=1.0.0); pushing is left to you
	@scripts/release "$(VERSION)"

vendor:  ## check the browser files that are kept in the repository against their sums
	@cd src/onhand/web/static/vendor && sha256sum --check --strict SHA256SUMS

clean:  ## remove .venv and everything else that was made here
	rm -rf $(PHPS) .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
