# Everything starts here: `make demo` and `make test` set up what they need, once.
.DEFAULT_GOAL := help
.PHONY: help venv train-venv serve-venv demo test check docs-venv docs slides fix lock lab clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Any CPU or CUDA build of this release will do; see CONTRIBUTING.md.
TORCH := torch==2.13.0
# The first Python on the path that is new enough; name another one with PYTHON=...
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV := $(shell command -v uv 2>/dev/null)
DOCS_STAMP := $(VENV)/.docs-installed
# Files of tests run side by side, three at a time, since most of a mission is waiting; and in their
# order, so that the longest, those of the missions, do not come last.
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder
# MLServer's environment, apart from ours; MLServer has no release for Python 3.13 yet.
SERVE := .venv-serve
SERVE_STAMP := $(SERVE)/.installed
SERVE_PYTHON := $(shell for p in python3 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null && echo $$p && break; done)

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Set up .venv with the command `kit` and all it needs, but not torch

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "The kit needs Python 3.11 or newer: install it, or name it with 'make PYTHON=/path/to/python3'." >&2; exit 1; }
ifdef UV
	@$(UV) venv --quiet --seed --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
else
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make a virtual environment: on Debian and Ubuntu run 'apt install python3-venv'." >&2; exit 1; }
endif

$(STAMP): $(BIN)/python requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (a few minutes the first time) ..."
ifdef UV
	@$(UV) pip install --quiet --python $(BIN)/python -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@# JupyterLab would ask whether it may fetch news; the lessons need no network.
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" >/dev/null 2>&1
	@touch $@

train-venv: venv ## Add torch, to train the model and to run the tests that need it
	$(BIN)/python -m pip install --disable-pip-version-check $(TORCH) "onnx>=1.17"

serve-venv: $(SERVE_STAMP) ## Set up .venv-serve with the model server, for `kit serve`

$(SERVE)/bin/python:
	@test -n "$(SERVE_PYTHON)" || { echo "The model server needs Python 3.11 or 3.12: install one, or name it with 'make SERVE_PYTHON=/path/to/python3.12 serve-venv'." >&2; exit 1; }
ifdef UV
	@$(UV) venv --quiet --seed --python "$$($(SERVE_PYTHON) -c 'import sys; print(sys.executable)')" $(SERVE)
else
	@$(SERVE_PYTHON) -m venv $(SERVE) || { rm -rf $(SERVE); echo "Python cannot make a virtual environment: on Debian and Ubuntu run 'apt install python3-venv'." >&2; exit 1; }
endif

$(SERVE_STAMP): $(SERVE)/bin/python requirements-serve.lock pyproject.toml
	@echo "Setting up $(SERVE) ..."
ifdef UV
	@$(UV) pip install --quiet --python $(SERVE)/bin/python -r requirements-serve.lock
	@$(UV) pip install --quiet --python $(SERVE)/bin/python --no-deps -e .
else
	@$(SERVE)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-serve.lock
	@$(SERVE)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@touch $@

docs-venv: $(DOCS_STAMP) ## Add Sphinx and its theme to .venv, for `make docs`

$(DOCS_STAMP): $(STAMP) requirements-docs.lock
ifdef UV
	@$(UV) pip install --quiet --python $(BIN)/python -r requirements-docs.lock
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.lock
endif
	@touch $@

demo: venv ## Run the whole mission on the virtual set
	$(BIN)/kit demo

test: venv ## Run the tests; what a missing program would need is skipped, with the reason
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --nbval-lax --nbval-cell-timeout=600 --timeout=600 \
		--nbval-kernel-startup-timeout=300 notebooks

check: venv ## Check style, types, spelling, and that no notebook carries outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python -m pytest -q -k notebook tests/test_project.py

docs: docs-venv ## Execute the notebooks that changed, and make the documentation's site in build/site
	$(BIN)/kit workshop execute build/notebooks
	$(BIN)/python docs/site/stage.py build/notebooks build/pages
	rm -rf build/site
	$(BIN)/sphinx-build -q -W --keep-going -E -d build/doctrees -c docs/site build/pages build/site

slides: venv ## Make the slides of each talk, in English and French, in build/slides
	@for minutes in 5 15 45; do for language in en fr; do \
		$(BIN)/kit slides --minutes $$minutes --language $$language --executed build/notebooks \
			--out build/slides/talk-$$minutes.$$language.html --json || exit 1; \
	done; done

fix: venv ## Mend what can be mended by itself: style, and outputs in notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/jupyter nbconvert --log-level ERROR --clear-output --inplace notebooks/*.ipynb

lock: ## Write the lock files anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links \
		pyproject.toml --extra sim --extra lab --extra mlops --extra remote --extra leaderboard --extra dev -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --group pyproject.toml:serve -o requirements-serve.lock
	uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --constraint requirements.lock \
		--group pyproject.toml:docs -o requirements-docs.lock

lab: venv ## Open the notebooks in JupyterLab
	KIT_RUNS_DIR="$(CURDIR)/runs" $(BIN)/jupyter lab --notebook-dir=notebooks

clean: ## Remove .venv, .venv-serve and everything that was built or cached; recorded runs stay
	rm -rf $(VENV) $(SERVE) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
