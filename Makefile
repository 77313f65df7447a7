# `make demo` and `make test` need Python 3.11+ and make, nothing else: each makes its own virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test check e2e bench format clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	@$(BIN)/iamrbac demo

test: $(STAMP) check
	$(BIN)/pytest -n auto --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# On a real API server: from KUBEBUILDER_ASSETS, else built once with Go (about ten minutes) and cached.
e2e: $(STAMP)
	IAMRBAC_TEST_SERVER=real $(BIN)/pytest tests/sandbox/kube tests/e2e

bench: $(STAMP)
	$(BIN)/python -m tests.bench

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) dist build

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "iamrbac needs Python 3.11 or newer; set PYTHON=")'
	@echo "Making the virtual environment in $(VENV) (a minute, the first time)" >&2
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[sandbox,dev]'
	@touch $(STAMP)
