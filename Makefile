# Every target sets up what it needs in .venv by itself; `make test` and `make demo` are the two to know.
PYTHON ?= python3
VENV   := .venv
BIN     = $(VENV)/bin
PYTEST  = PYTHONHASHSEED=0 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

PAGE   := planner/server/live/page

.PHONY: help demo test test-long test-lowest test-newest check lint format goldens docs zoo zoo-agpl bench wheel page vscode lock clean

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

test-lowest: .venv-lowest/test.stamp  ## run them on Python 3.11 with the lowest versions that pyproject.toml allows
test-newest: .venv-newest/test.stamp  ## run them with the newest versions of today
test-lowest: VENV := .venv-lowest
test-newest: VENV := .venv-newest
test-lowest test-newest:
	$(PYTEST)

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

zoo: .venv-zoo/zoo.stamp  ## import well-known networks and write docs/zoo.md anew; ONLY=PACKAGE or PACKAGE:NAME for some
	.venv-zoo/bin/python -m zoo $(ONLY)

zoo-agpl: .venv-zoo/zoo.stamp  ## the same with those of ultralytics, which is installed for it and is under the AGPL
	.venv-zoo/bin/python -m pip -qq install --group zoo-agpl --constraint requirements/torch.txt
	.venv-zoo/bin/python -m zoo ultralytics

bench: $(VENV)/develop.stamp  ## measure against the targets
	$(BIN)/python -m benchmarks

wheel: $(VENV)/develop.stamp  ## build the wheel and use it outside the repository
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	bash tests/wheel.sh dist/*.whl

page: $(PAGE)/node_modules/stamp  ## bundle what runs in the browser beside planner live; needs npm
	cd $(PAGE) && npm run --silent build

vscode:  ## package the extension for VS Code as dist/shape-planner.vsix; it needs npm
	mkdir -p dist
	cd editors/vscode && npm ci --ignore-scripts --no-audit --no-fund && npm run package

lock: .venv-lock/uv.stamp  ## renew the locked versions in requirements
	$(LOCK) $(HASHED) --group dev --output-file requirements/develop.txt
	$(LOCK) $(HASHED) --group build --constraints requirements/develop.txt --output-file requirements/planner.txt
	$(LOCK) $(HASHED) --group build --group test --resolution lowest-direct --output-file requirements/lowest.txt
	$(LOCK) --no-config --group torch --constraints requirements/develop.txt --output-file requirements/torch.txt

clean:  ## remove everything that make has made
	rm -rf $(VENV) .venv-* dist $(PAGE)/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

$(PAGE)/node_modules/stamp: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci --silent --no-audit --no-fund
	@touch $@

# What is locked are files of pip's own form: every version for every platform and Python, with the hashes of its files.
# torch has none; pyproject.toml says why. Addresses are left out: not everyone has the same index.
LOCK   = UV_CUSTOM_COMPILE_COMMAND='make lock' .venv-lock/bin/uv pip compile --quiet --upgrade --universal \
  --python-version 3.11 --no-emit-index-url --no-emit-find-links
HASHED = pyproject.toml --generate-hashes --no-emit-package torch

PIP         = $(@D)/bin/python -m pip -qq
LOCKED      = $(PIP) install --require-hashes --requirement
THE_PLANNER = $(PIP) install --no-deps --no-build-isolation --editable .
TORCH       = $(PIP) install --group torch

$(VENV)/planner.stamp: requirements/planner.txt pyproject.toml planner/__init__.py $(VENV)/python.stamp
	$(LOCKED) $<
	$(THE_PLANNER)
	@touch $@

$(VENV)/develop.stamp: requirements/develop.txt requirements/torch.txt $(VENV)/planner.stamp
	$(LOCKED) $<
	$(TORCH) --constraint requirements/torch.txt
	@touch $@

.venv-lowest/test.stamp: requirements/lowest.txt pyproject.toml planner/__init__.py .venv-lowest/python.stamp
	$(LOCKED) $<
	$(THE_PLANNER)
	$(TORCH)
	@touch $@

.PHONY: .venv-newest/test.stamp  # never up to date: tomorrow's newest are others
.venv-newest/test.stamp: .venv-newest/python.stamp
	$(PIP) install --upgrade pip
	$(PIP) install --upgrade --upgrade-strategy eager --editable . --group dev
	@$(@D)/bin/python -m pip list

.venv-zoo/zoo.stamp: requirements/develop.txt requirements/torch.txt pyproject.toml .venv-zoo/python.stamp
	$(LOCKED) $<
	$(THE_PLANNER)
	$(TORCH) --group zoo --constraint requirements/torch.txt
	@touch $@

.venv-lock/uv.stamp: .venv-lock/python.stamp
	$(PIP) install 'uv>=0.9'
	@touch $@

%/python.stamp:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("this is Python %d.%d" % sys.version_info[:2])' || { \
	  echo "Python 3.11 or later is needed; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: its modules venv and ensurepip are not installed." >&2; \
	  echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(@D)
	@touch $@
