# Two commands matter: `make book` and `make test`. Everything else is a part of them; `make` lists it.
# Needs Python 3.11 or newer and make; everything else is installed into .venv.

PYTHON ?= python3
export OMP_NUM_THREADS = 1
export MKL_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1
# a warning in a notebook is an error
export REPLICATIONS_STRICT = 1
# results of this checkout, apart from the user's: `make run` starts from none, so that it is live
export REPLICATIONS_CACHE = $(CURDIR)/_build/results
export PIP_DISABLE_PIP_VERSION_CHECK = 1

BIN := .venv/bin
STAMP := .venv/.installed
NOTEBOOKS := $(wildcard chapters/*.ipynb)
SPACE := $() $()
PAGE = file://$(subst $(SPACE),%20,$(CURDIR))/_build/html/index.html

.DEFAULT_GOAL := help
.PHONY: help book run site test lint processors bench new-paper clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-22s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv: some minutes, once"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[book,test]'
	@touch $@

book: $(STAMP) ## set up, execute every chapter live, build the pages
	@# the line comes after a failure, too: a verdict that moved fails its chapter
	@failed=0; $(MAKE) --no-print-directory run && $(MAKE) --no-print-directory site || failed=$$?; \
		echo "For REPRODUCED.md, if you would add your machine:"; \
		$(BIN)/python tools/reproduced.py || failed=$$?; exit $$failed

run: $(STAMP) ## execute every chapter live and renew chapters/claims.json
	@mkdir -p _build && rm -rf _build/results # by no path that a space in a folder's name could split
	@$(BIN)/python tools/execute_notebooks.py $(NOTEBOOKS)
	@$(BIN)/python -m replications claims --json > _build/claims.json && mv _build/claims.json chapters/claims.json

site: $(STAMP) ## build the pages from the stored outputs (seconds)
	@# from nothing: a page whose warning failed the last build would otherwise pass unread
	@rm -rf _build/html _build/.doctrees
	@# a damaged notebook is named; the builder would print a traceback
	@$(BIN)/python tools/execute_notebooks.py --read $(NOTEBOOKS)
	@$(BIN)/jupyter-book build . -W --keep-going -n --quiet > /dev/null
	@echo "The book: $(PAGE)"

test: $(STAMP) ## the notebooks against their stored outputs, every claim, the library, the site, style and types
	@# The notebooks come first: they fill the results' cache, from which the claims are then judged.
	@test -z "$(NOTEBOOKS)" || $(BIN)/pytest -q -p no:cacheprovider --nbval-lax --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg -n 2 --dist loadfile $(NOTEBOOKS)
	@$(BIN)/pytest -q -n 2 --dist loadfile tests
	@$(MAKE) --no-print-directory lint

lint: $(STAMP) ## style, types, and which module may import which
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .lint-imports.log || { cat .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log

processors: $(STAMP) ## notebooks and claims as other processors would print them: SETTINGS="oldest middle threads"
	@$(BIN)/python tools/processors.py $(SETTINGS)

bench: $(STAMP) ## ours beside other libraries and the processor's limit; writes chapters/benchmarks.md
	@$(BIN)/python -W ignore benchmarks/page.py

new-paper: $(STAMP) ## start a chapter: make new-paper SLUG=name KEY=bibliography-key
	@$(BIN)/python tools/new_paper.py '$(SLUG)' '$(KEY)'

clean: ## remove what the build made; .venv stays
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
