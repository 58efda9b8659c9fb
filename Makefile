# The one entry: `make demo` and `make test` do all the set-up they need, once; a second run finds it done.
#
#   make demo     two failures with the same exception and different causes, and what plainwire says of them
#   make test     all tests            (make test ARGS="-k pcapng" for some)
#   make page     bundle the program of the HTML report from web/ (the bundle is committed)
#   make lint     ruff, mypy, import contracts, shape of the house, codes and thresholds, warnings of the C compiler
#   make bench    overhead on the program, and speed beside tshark
#   make speed    plainwire, tshark and the floor in turn, on captures made by script
#   make attack   difficult programs, alone and under plainwire, 300 starts each: are they the same?
#   make soak     the flight recorder for 15 minutes, with failures planted at known times (as root)
#   make hostile  what floods and bombs of every kind cost to analyse, at two sizes
#   make conformance   what tshark and plainwire find in a corpus of captures (PLAINWIRE_CORPUS names it)
#   make score    the lab played with many clients: recall and false alarms of every code
#   make wheels   what is published, in dist/: wheels for glibc 2.17 and later, with the kernel where Rust is, each built twice and compared; tried in a clean venv
#   make macos    the interposer for macOS, in build/macos/: docs/macos.md
#   make perturb  captures of healthy exchanges, damaged in many ways: nothing may be accused
#   make docs     the documentation as pages in build/site: generated help and findings, links checked
#   make clean    remove all that the above made

PYTHON ?= python3
ARGS ?=
# Tests wait for servers and clients more than they reckon: one worker more than there are processors.
WORKERS ?= $(shell expr $$(nproc) + 1)
VENV := .venv
INSTALLED := $(VENV)/.installed
DEVELOPED := $(VENV)/.developed
SOURCES := pyproject.toml $(wildcard setup.py native/*/* native/kernel/src/* native/kernel/src/*/*)
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: demo docs test lint bench speed attack soak hostile conformance score perturb wheels macos clean system
.DELETE_ON_ERROR:

demo: $(INSTALLED)
	@$(VENV)/bin/plainwire demo $(ARGS)

test: $(DEVELOPED) system web/node_modules
	$(VENV)/bin/python -m pytest -n $(WORKERS) --dist worksteal --durations=15 $(ARGS)

lint: $(DEVELOPED)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/python tools/house.py
	$(VENV)/bin/python tools/codes.py
	$(VENV)/bin/python tools/thresholds.py
	$(CC) -O2 -std=c11 -shared -fPIC -Wall -Wextra -Werror -Wframe-larger-than=1536 native/*/*.c -o /dev/null

.PHONY: page
page: web/node_modules
	npm --prefix web run --silent build

# What the page is built from, by its lock file. Where there is no npm the committed bundle serves.
web/node_modules: web/package.json web/package-lock.json | system
	@if command -v npm >/dev/null; then npm --prefix web ci --prefer-offline --silent --no-audit --no-fund && touch $@; \
	else echo 'no npm here: the committed bundle of the page is used, and not held against its sources'; fi

bench: $(DEVELOPED) system
	$(VENV)/bin/python bench/overhead.py
	$(VENV)/bin/python bench/interposer.py
	$(VENV)/bin/python bench/installed.py
	$(VENV)/bin/python bench/attach.py
	$(VENV)/bin/python bench/make_captures.py
	$(VENV)/bin/python bench/compare.py
	$(VENV)/bin/python bench/floods.py
	$(VENV)/bin/python bench/big_page.py

speed: $(DEVELOPED) system
	$(VENV)/bin/python bench/speed $(ARGS)

attack: $(DEVELOPED) system
	$(VENV)/bin/python bench/attack $(ARGS)

soak: $(DEVELOPED) system
	$(VENV)/bin/python bench/soak.py $(ARGS)

hostile: $(DEVELOPED)
	$(VENV)/bin/python bench/hostile.py $(ARGS)

conformance: $(DEVELOPED) system
	$(VENV)/bin/python bench/conformance $(ARGS)

score: $(DEVELOPED) system
	$(VENV)/bin/python bench/score $(ARGS)

perturb: $(DEVELOPED) system
	$(VENV)/bin/python bench/perturb $(ARGS)

docs: $(INSTALLED)
	@$(PIP) install --editable '.[docs]'
	$(VENV)/bin/python tools/site_pages.py build/docs
	$(VENV)/bin/mkdocs build

wheels: $(INSTALLED)
	$(VENV)/bin/python tools/wheels.py $(ARGS)

macos: $(DEVELOPED)
	$(VENV)/bin/python tools/macos.py $(ARGS)

# The programs that the tests use: installed where root, named in one line elsewhere.
system:
	@tools/system test

# The venv with plainwire in it, editable: the C interposer is compiled into src/plainwire. The kernel, which takes
# half a minute to compile and is for captures of many exchanges, comes with the development tools.
$(INSTALLED): $(SOURCES) | $(VENV)/bin/python
	@echo 'installing plainwire into $(VENV) (once)'
	@PLAINWIRE_KERNEL=off $(PIP) install --editable .
	@touch $@

# The same with what tests and linters import.
$(DEVELOPED): $(SOURCES) | $(VENV)/bin/python
	@echo 'installing plainwire and its development tools into $(VENV) (once)'
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(INSTALLED)

$(VENV)/bin/python:
	@PYTHON='$(PYTHON)' tools/system build
	@$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) build web/node_modules bench/build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf src/*.egg-info src/plainwire/*.so src/plainwire/*/*.so
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
