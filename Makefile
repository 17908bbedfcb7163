# Every target sets up what it needs in .venv by itself; `make test` and `make demo` are the two to know.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip -qq
PYTEST := PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

.PHONY: help demo test test-long check lint format goldens docs bench wheel clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: $(VENV)/planner.stamp  ## plan ResNet-50, show the result, and draw it
	$(BIN)/planner plan configs/resnet50.yaml
	$(BIN)/planner draw configs/resnet50.yaml -o resnet50.svg
	@echo "resnet50.svg shows it as a picture"

test: $(VENV)/develop.stamp  ## run the tests
	$(PYTEST)

test-long: $(VENV)/develop.stamp  ## run the tests with many more generated cases
	$(PYTEST) --long

check: lint test  ## ruff, mypy, the import contract and the tests

lint: $(VENV)/develop.stamp  ## ruff, mypy and the import contract
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/develop.stamp  ## bring the code into form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

goldens: $(VENV)/develop.stamp  ## write the expected outputs anew
	rm -rf tests/goldens
	$(PYTEST) --refresh-goldens

docs: $(VENV)/develop.stamp  ## write the outputs and pictures in the documentation anew
	$(BIN)/python docs/examples.py
	$(BIN)/python docs/gallery.py

bench: $(VENV)/develop.stamp  ## measure against the targets
	$(BIN)/python -m benchmarks

wheel: $(VENV)/develop.stamp  ## build the wheel and use it outside the repository
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	bash tests/wheel.sh dist/*.whl

clean:  ## remove everything that make has made
	rm -rf $(VENV) dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(VENV)/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("this is Python %d.%d" % sys.version_info[:2])' || { \
	  echo "Python 3.11 or later is needed; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are not installed." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install 'pip>=25.1'  # the first pip that knows dependency groups
	@touch $@

$(VENV)/planner.stamp: pyproject.toml planner/__init__.py $(VENV)/pip.stamp
	$(PIP) install --editable .
	@touch $@

$(VENV)/develop.stamp: $(VENV)/planner.stamp
	$(PIP) install --group dev
	@touch $@
