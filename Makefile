# `make` lists the commands. Everything works on a fresh clone with Python 3.11 or newer and make; nothing is installed
# outside .venv. An active virtual environment (VIRTUAL_ENV) is used instead of making one.

PYTHON ?= python3
VENV   := $(or $(VIRTUAL_ENV),.venv)
RUN    := $(VENV)/bin/python
STORE  ?= store
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help install demo start test test-long check random mutants bench new-analysis docs site clean

help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# A stamp newer than the requirements means that they are installed: the second run takes no time.
$(VENV)/.rnnstore-application: requirements.txt pyproject.toml | $(RUN)
	@$(RUN) rnnstore/commands/installing.py requirements.txt --editable .
	@touch $@

$(VENV)/.rnnstore-requirements: requirements-pipelines.txt requirements.txt pyproject.toml | $(RUN)
	@$(RUN) rnnstore/commands/installing.py requirements-pipelines.txt --editable .
	@touch $@ $(VENV)/.rnnstore-application

$(VENV)/.rnnstore-requirements-dev: requirements-dev.txt requirements-pipelines.txt requirements.txt pyproject.toml | $(RUN)
	@$(RUN) rnnstore/commands/installing.py requirements-dev.txt --editable .
	@touch $@ $(VENV)/.rnnstore-requirements $(VENV)/.rnnstore-application

install: $(VENV)/.rnnstore-requirements  ## Install what the application and the pipelines need

demo: $(VENV)/.rnnstore-application  ## Open the application on small models, and train one beside it
	@$(RUN) -m rnnstore demo "$(STORE)" --train requirements-pipelines.txt

start: $(VENV)/.rnnstore-application  ## Open the application on the store (make start STORE=folder)
	@$(RUN) -m rnnstore app "$(STORE)"

check: $(VENV)/.rnnstore-requirements-dev  ## Look for mistakes, wrong types and unformatted code
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/lint-imports
	$(RUN) -m mypy

test: check  ## Check, then run the tests of every day; those in a browser need Chromium
	$(RUN) -m pytest -n 2 --dist loadfile -m "not long"

test-long: $(VENV)/.rnnstore-requirements-dev  ## Run the other tests: random, trained, killed, every command of the docs
	$(RUN) -m pytest -n 2 --dist loadfile -m long

bench: $(VENV)/.rnnstore-requirements-dev  ## Measure the speeds that are promised
	OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 TF_NUM_INTRAOP_THREADS=2 TF_NUM_INTEROP_THREADS=1 $(RUN) -m tests.benchmarks

random: $(VENV)/.rnnstore-requirements-dev  ## Try 10,000 random recipes, addresses, and some hundred whole pages
	RNNSTORE_RANDOM=10000 $(RUN) -m pytest -n 2 --timeout 7200 tests/pipelines/test_random_recipes.py tests/pages/test_random_addresses.py

new-analysis: $(VENV)/.rnnstore-requirements-dev  ## Begin an analysis: its folder, page, guide and tests (make new-analysis NAME=fixed_points)
	$(RUN) docs/templates/new_analysis.py $(NAME)

mutants: $(VENV)/.rnnstore-requirements-dev  ## Change the library a token at a time: would its tests notice?
	$(RUN) -m tests.mutants

docs: install  ## Write the pages of docs/ that are made from the code
	$(RUN) -c 'import rnnstore.store.tables as t; print(t.document(), end="")' > docs/tables.md
	$(RUN) -c 'import pipelines.recipe_page as r; print(r.document(), end="")' > docs/recipes.md
	$(RUN) docs/site/reference.py

site: $(VENV)/.rnnstore-requirements-dev  ## Build the documentation as a site: build/site/index.html
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going -c docs/site -d build/site-doctrees . build/site

clean:  ## Remove the virtual environment and what tests left behind; stores stay
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build
