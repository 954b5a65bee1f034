# The same few commands for people and for CI. `make` alone tells what there is.
# Everything happens in a virtual environment of its own: VENV=... and PYTHON=... choose another one.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup check fix test test-all test-third test-mlflow test-sklearn test-imblearn test-skorch test-torch test-optuna bench demo clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.dev-installed ## create .venv with autotrack (editable) and all development tools

check: setup ## formatting, lint, types and import rules; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

fix: setup ## format, and repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: setup ## the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS)

test-all: setup ## every test
	$(BIN)/python -m pytest -n $(WORKERS)

test-third: $(VENV)/.third-installed ## what needs CatBoost, Ray, skorch and PyTorch: installs them, a gigabyte
	$(BIN)/python -m pytest tests/third -n $(WORKERS)

test-mlflow: setup $(VENV)-mlflow/.installed ## what MLflow itself makes of an exported model: installs it, a gigabyte
	MLFLOW_PYTHON=$(abspath $(VENV)-mlflow/bin/python) $(BIN)/python -m pytest tests/third/test_mlflow.py

test-sklearn: setup ## scikit-learn's own tests, without and with autotrack watching, in about half an hour
	$(BIN)/python tests/libraries/compare.py sklearn --workers $(WORKERS)

test-imblearn: setup ## the same for imbalanced-learn
	$(BIN)/python tests/libraries/compare.py imblearn --workers $(WORKERS)

test-skorch: $(VENV)/.third-installed ## the same for skorch
	$(BIN)/python tests/libraries/compare.py skorch --workers $(WORKERS)

test-torch: setup ## the same for PyTorch, whose tests are no part of its package: make test-torch TESTS=~/pytorch/test
	$(BIN)/python tests/libraries/compare.py torch --tests $(TESTS) --workers $(WORKERS)

test-optuna: setup ## the same for Optuna: make test-optuna TESTS=~/optuna/tests
	$(BIN)/python tests/libraries/compare.py optuna --tests $(TESTS) --workers $(WORKERS)

bench: setup ## what recording, reading and upkeep cost, in about fifteen minutes
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/autolog.py
	$(BIN)/python benchmarks/torch_loop.py
	$(BIN)/python benchmarks/optuna_trials.py --trials 1000
	$(BIN)/python benchmarks/models.py
	$(BIN)/python benchmarks/fingerprint.py
	$(BIN)/python benchmarks/write.py
	$(BIN)/python benchmarks/live.py
	$(BIN)/python benchmarks/maintenance.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/scan.py

demo: $(VENV)/.demo-installed ## train a model with autotrack watching, and look at the runs
	$(BIN)/python -m autotrack.demo

clean: ## remove .venv and all caches
	rm -rf $(VENV) $(VENV)-mlflow build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The empty files remember what was installed, so that only a changed pyproject.toml installs again.
# pip 25.1 is the first that knows `--group`.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than 3.11, which autotrack needs. Name another one: make PYTHON=python3.12 setup" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo-installed: pyproject.toml | $(VENV)/.created
	$(PIP) install --quiet --editable . --group demo
	@touch $@

$(VENV)/.dev-installed: pyproject.toml | $(VENV)/.created
	$(PIP) install --quiet --editable . --group dev
	@touch $@ $(VENV)/.demo-installed

$(VENV)/.third-installed: pyproject.toml | $(VENV)/.created
	$(PIP) install --quiet --editable . --group third
	@touch $@ $(VENV)/.dev-installed $(VENV)/.demo-installed

# MLflow holds back versions of what it needs: it gets an environment of its own.
$(VENV)-mlflow/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-mlflow
	$(VENV)-mlflow/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)-mlflow/bin/python -m pip install --quiet --editable . --group mlflow
	@touch $@
