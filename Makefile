# Everything runs in .venv, which is made at the first use. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
PROJECT := pyproject.toml constraints.txt

.PHONY: help demo test check bench findings chaos fuzz docs clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

demo: $(VENV)/lrshape ## search shapes on real data for about a minute and write a report
	$(BIN)/lrshape demo --out lrshape-demo

test: $(VENV)/test ## run the tests
	$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/test $(VENV)/check ## lint, formatting, types, documented commands
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -q tests/test_documentation.py

bench: $(VENV)/bench ## measure ours beside the peers and write benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py

findings: $(VENV)/lrshape ## recompute docs/findings.md and its figures from the stored studies
	$(BIN)/python studies/findings.py

chaos: $(VENV)/test ## kill studies at 100 random moments and check that nothing is lost
	$(BIN)/python benchmarks/chaos.py
	$(BIN)/python benchmarks/chaos.py --kills 20 --executor processes

fuzz: $(VENV)/test ## give every command 10,000 spoiled inputs
	$(BIN)/python benchmarks/fuzz.py $(ARGS)

docs: $(VENV)/docs ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean: ## remove the environment and caches
	rm -rf $(VENV) site .pytest_cache .ruff_cache .hypothesis

$(VENV)/lrshape: $(PROJECT)
	@echo "making the environment in $(VENV) (a minute or two)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/%: $(VENV)/lrshape
	$(INSTALL) --editable '.[$*]'
	touch $@
