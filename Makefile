# Each target sets up .venv by itself where that is not done yet; `sudo apt-get install -y git make
# python3` is all that must be there before.

PYTHON := .venv/bin/python
# A test that hangs fails, with where it hung, instead of holding up all others.
PYTEST := $(PYTHON) -m pytest --timeout 120
# loadfile: what a file of tests starts, it starts once.
PARALLEL := -n auto --dist loadfile
CODE := edgenode tests scripts benchmarks

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-lab run demo bench netlab test lint format ci full fresh deb deb-arm repo coverage lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## first-time set-up: what a node needs, in .venv (the others call it)
	@scripts/setup run

setup-dev:
	@scripts/setup dev

setup-lab: setup-dev
	@scripts/setup-lab

run: setup ## start a node in the foreground, its data in ./.node; Ctrl-C stops it
	@$(PYTHON) -m edgenode run --data-dir ./.node --any-port

demo: setup ## three nodes on loopback exchange real files, within a minute
	@$(PYTHON) scripts/demo.py

bench: setup-lab ## what a node costs, beside bare Python and Node.js, against the targets
	@$(PYTHON) -m benchmarks

netlab: setup-lab ## two homes behind real routers, a node in each, to be looked at (as root)
	@$(PYTHON) -m tests.lab

test: setup-lab ## the tests, in less than five minutes
	@$(PYTEST) $(PARALLEL) -m "not ci and not full"

lint: setup-dev ## ruff and mypy, the checks of pre-commit and CI
	@$(PYTHON) -m ruff check $(CODE)
	@$(PYTHON) -m ruff format --check $(CODE)
	@$(PYTHON) -m mypy

format: setup-dev ## let ruff lay out the code and mend what it can
	@$(PYTHON) -m ruff check --fix --exit-zero $(CODE)
	@$(PYTHON) -m ruff format $(CODE)

ci: ## all that CI runs (as root on Debian: it installs what it needs)
	@bash .ci/run

full: setup-lab ## every test and the fresh machines; adds a line to tests/RESULTS.md
	@$(PYTHON) scripts/full.py

fresh: ## the README's commands on fresh bookworm and trixie machines (as root)
	@tests/fresh/check

deb: ## the Debian package, from a clean trixie root, in dist/ (as root)
	@scripts/deb

deb-arm: ## that package on an emulated 64-bit Arm machine with 512 MiB, in a quarter of an hour (as root)
	@tests/package/arm/check

repo: ## a signed apt repository of it in dist/repo, for a web server (URL=https://...)
	@scripts/repo "$(URL)" dist/repo dist/edgenode_*_all.deb

coverage: setup-lab ## which lines and branches the tests reach
	@$(PYTHON) -m coverage erase
	@$(PYTHON) -m coverage run -m pytest -q -m "not ci and not full"
	@$(PYTHON) -m coverage combine --quiet
	@$(PYTHON) -m coverage report

lock: ## renew requirements/*.lock to the newest versions (needs PyPI)
	@scripts/lock

clean: ## remove what was made here, but for .node, a node's data
	rm -rf dist .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find edgenode tests scripts -name __pycache__ -prune -exec rm -rf {} +
