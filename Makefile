# Each target is one line of the program or of tox.
.PHONY: help run quick test lint types integration mutation docs site bench vendor image lock release
.DEFAULT_GOAL := help
SHELL := bash

# pyenv keeps its interpreters off the PATH, and tox wants several of them
PYENV_BINS := $(shell pyenv root >/dev/null 2>&1 && ls -d "$$(pyenv root)"/versions/3.1[123].*/bin 2>/dev/null | tr '\n' ':')
export PATH := $(PYENV_BINS)$(PATH)
# the interpreters that are here have to do: nothing is downloaded behind your back
export UV_PYTHON_DOWNLOADS := never

PYTHON ?= $(shell PATH="$(PATH)"; for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# on a desk a missing Python is skipped, in CI it is a failure
TOX := .venv/bin/tox run --skip-missing-interpreters $(if $(CI),false,true)

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/installed ## serve the API with sample data: no service needed (ARGS="--port 8081")
	@.venv/bin/insights-results-aggregator dev $(ARGS)

quick: .venv/tox ## style, types and the quickest tests on one Python, in a minute
	$(TOX) -e quick

test: .venv/tox ## lint, types, and all tests on every Python that is here
	$(TOX)

lint: .venv/tox ## style and format
	$(TOX) -e lint

types: .venv/tox ## mypy
	$(TOX) -e types

docs: .venv/installed ## write the generated pages of docs/
	.venv/bin/python docs/messages.py
	.venv/bin/python docs/reference.py

site: .venv/tox ## build the documentation as a site in build/site
	$(TOX) -e docs -- --site-dir $(CURDIR)/build/site

vendor: ## fetch the pinned JavaScript packages of the dashboard (needs npm)
	$(PYTHON) -m tests.vendor

bench: .venv/installed ## a short set of measurements (ARGS="--peer COMMAND" for ratios)
	.venv/bin/python -m benchmarks $(ARGS)

integration: .venv/tox ## the tests that need real servers
	$(TOX) -e integration

mutation: .venv/installed ## mutation score of the REST suite (ARGS="--url http://localhost:8080")
	.venv/bin/python -m tests.mutation $(ARGS)

image: ## build the container image with buildah, podman or docker
	deploy/build-image.sh

lock: .venv/tox ## choose the newest versions for a production installation (requirements.lock)
	.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra speed --output-file requirements.lock setup.py

release: .venv/tox ## commit, tag and build a release in dist/ (VERSION=1.0.0rc1)
	.venv/bin/pip install --quiet --disable-pip-version-check build 'cyclonedx-bom>=7' packaging
	.venv/bin/python deploy/release.py $(VERSION)

.venv/bin/pip:
	$(if $(PYTHON),,$(error Python 3.11 or later is needed))
	$(PYTHON) -m venv .venv

# one line that changes shows what pip does, on a terminal only
.venv/installed: .venv/bin/pip setup.py pyproject.toml
	@echo "Installing into .venv (a minute or two, the first time only)"
	@set -o pipefail; PYTHONUNBUFFERED=1 .venv/bin/pip install --progress-bar off \
		--disable-pip-version-check --editable '.[speed,testing]' 2>.venv/errors \
		| if [ -t 1 ]; then while read -r line; do printf '\r\033[K%.72s' "$$line"; done; \
		printf '\r\033[K'; else cat >/dev/null; fi || { cat .venv/errors >&2; exit 1; }
	@touch $@

.venv/tox: .venv/bin/pip tox.ini
	.venv/bin/pip install --quiet --disable-pip-version-check 'tox>=4.23' 'tox-uv>=1.16'
	@touch $@
