# Two commands. `make check`: the main job, with its report. `make test`: the default test suite (`make test-slow`: the rest).
# Each works as the first command in a fresh clone; all it needs is python3 (3.11 or newer, with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS ?= test,dev

.PHONY: check test test-slow lint bench clean
.DELETE_ON_ERROR:

check: $(READY)
	@$(BIN)/ratecheck check; code=$$?; $(BIN)/ratecheck report latest; exit $$code

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-slow: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadgroup -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks.bench

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
