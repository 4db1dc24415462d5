# `make demo` shows the dance; `make test` checks everything. Both work from a fresh clone.
# Options: PYTHON=python3.12 (any from 3.11 on), VENV=folder, CONSTRAINTS= (newest versions), WORKERS=N.

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
# Most tests wait for real time to pass, so two cores bear three at once.
WORKERS ?= 3

# Windows keeps a venv's programs elsewhere.
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := $(BIN)/python
# No build isolation: else pip would fetch a setuptools of its own choice, past the constraints.
PIN := $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
PIP := $(RUN) -m pip install --disable-pip-version-check $(PIN)

.DEFAULT_GOAL := help
.PHONY: help demo tools test again fast lint format constraints clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

demo: $(VENV)/.show ## install what the show needs and run the demo: no camera, no GPU
	$(RUN) -m live.pose.weights
	$(RUN) run_live.py --demo

tools: $(VENV)/.tools ## add what training, export and the studio need

test: lint ## lint, types and every test
	$(RUN) -m pytest --numprocesses $(WORKERS) --dist loadfile

again: lint ## only what failed last, one test at a time
	$(RUN) -m pytest --last-failed --last-failed-no-failures none

fast: $(VENV)/.test ## the tests that take seconds
	$(RUN) -m pytest --numprocesses $(WORKERS) --dist loadfile -m "not slow"

lint: $(VENV)/.test ## ruff and mypy
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m mypy

format: $(VENV)/.test ## put every file into ruff's format
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

constraints: $(VENV)/.test ## pin what is installed in the venv (test it first)
	( echo "# Every package of the tested environment. Made by 'make constraints'."; \
	  $(RUN) -m pip list --format=freeze --exclude pip --exclude understudy \
	  | sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f ) > constraints.txt.new
	mv constraints.txt.new constraints.txt

clean: ## remove the venv and every cache
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second `make` installs nothing unless the requirements changed.

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Understudy needs Python 3.11 or newer, and '$(PYTHON)' is not one:" \
	    "install one and name it, as in: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.show: pyproject.toml $(CONSTRAINTS) | $(RUN)
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable ".[cpu]"
	touch $@

$(VENV)/.tools: pyproject.toml $(CONSTRAINTS) | $(RUN)
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable ".[cpu,train,export,studio]"
	touch $@

# pose2sim and sports2d ship the short real clips that the tests watch. Their own requirements
# (a desktop toolkit, a second pose estimator, another OpenCV) are not needed for that.
$(VENV)/.test: pyproject.toml $(CONSTRAINTS) | $(RUN)
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable ".[cpu,rtx,camera,midi,provenance,train,export,studio,dev]"
	$(PIP) --no-deps pose2sim sports2d
	touch $@ $(VENV)/.show $(VENV)/.tools
