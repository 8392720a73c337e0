# infralore: `make demo` and `make test` need Python >= 3.11, git and make; Java 17 and Maven besides for the Neo4j tests.
# Everything is installed below .venv and .cache, from uv.lock.

PYTHON ?= python3
VENV := .venv
UV := $(shell command -v uv 2>/dev/null || echo $(VENV)/bin/uv)
RUN := $(VENV)/bin
DEMO := .demo
# optional parts to install besides: make test EXTRAS="anthropic llama-index"
EXTRAS ?=

.PHONY: demo test test-st lint types imports docs clean

$(VENV)/bin/uv:
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.synced: pyproject.toml uv.lock $(if $(findstring $(VENV),$(UV)),$(UV))
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --frozen --inexact --quiet --compile-bytecode --python $(PYTHON) $(addprefix --extra ,$(EXTRAS))
	@$(RUN)/python -m compileall -q agent api graph ingest
	@touch $@

demo: $(VENV)/.synced ## build the bundled company, ingest it, ask five questions, investigate an incident, look for drift, explain a bill
	@$(RUN)/python -m examples.demo $(DEMO)

test: $(VENV)/.synced ## everything; starts a real Neo4j when Java and Maven are there
	$(RUN)/python -m pytest -n auto

test-st: $(VENV)/.synced ## the sentence-transformers leg, in an environment of its own
	UV=$(UV) sh tests/st/run.sh

lint: $(VENV)/.synced
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: $(VENV)/.synced
	$(RUN)/pyright

imports: $(VENV)/.synced
	$(RUN)/lint-imports

docs: $(VENV)/.synced ## regenerate what is generated from the code
	$(RUN)/lore schema --markdown > docs/schema.md
	$(RUN)/lore sources --write docs/sources
	$(RUN)/python -m examples.readme

clean:
	rm -rf $(VENV) .cache $(DEMO)
