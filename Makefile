# `make demo` and `make test` need Python 3.11+ and make, nothing else: each makes its own virtual environment. Where Go
# is there too, the tests run on real servers as well, which are built once (a quarter of an hour) and cached.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test check servers e2e fuzz torture bench format clean
.DELETE_ON_ERROR:

demo: $(STAMP)
	@$(BIN)/iamrbac demo

test: $(STAMP) check servers
	$(BIN)/pytest -n auto --dist loadgroup

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# etcd, kube-apiserver, kube-controller-manager, EKS's authenticator and Argo CD's sync engine: from KUBEBUILDER_ASSETS,
# the cache, or Go. And what judges workflows and the chart: actionlint, gojq, Helm.
servers: $(STAMP)
	@$(BIN)/python -m iamrbac.sandbox.controlplane
	@$(BIN)/python -m tests.ci.tools

# Only what runs on real servers.
e2e: $(STAMP) servers
	$(BIN)/pytest -n auto --dist loadgroup -m e2e

# N random questions to the API server's authorizer and to EKS's authenticator, each compared with our answer, and N
# malformed documents, each of them a finding; N machines' AWS settings and N signed URLs, each as botocore has them; and N
# pairs of states, the way between them judged after every write.
N ?= 10000
fuzz: $(STAMP) servers
	IAMRBAC_FUZZ=$(N) $(BIN)/pytest -q -s tests/e2e/test_authorizer.py tests/e2e/test_diff.py tests/e2e/test_grants_above.py tests/e2e/test_mapping.py tests/hostile/test_fuzz.py tests/importing tests/kubeconfig/test_merge_property.py tests/mapping/test_edit_properties.py tests/plan/test_order_property.py tests/token tests/usecases/test_partial_property.py

# On real servers: killed after every write, N rounds of five writers on one aws-auth, N/20 plans and N/50 applies under
# faults, and attempts at lock-outs. Beside them, 8 processes with 100 rounds each on one kubeconfig, kubectl among them.
torture: N = 1000
torture: $(STAMP) servers
	IAMRBAC_TORTURE=$(N) $(BIN)/pytest -q -s tests/torture tests/kubeconfig/test_race.py

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
