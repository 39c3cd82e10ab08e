# make demo: set up everything, train and score a small grid, and write a report.
# make test: set up everything, and pass the tests.
#
# Both install into .venv and .toolchains of this folder. As root they may apt-get compilers that are missing, and for
# the tests Slurm and a browser; without root they say what is missing and go on with what is there.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
PIP_INSTALL := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check clean

demo: .venv/ready .toolchains/ready
	.venv/bin/python -m codem.train -m +sweeps=demo
	.venv/bin/python -m analysis report runs/ --out reports/demo --base tiny
	@echo "Look at $(CURDIR)/reports/demo/report.html"

# Several test processes on few cores: threads that wait must not spin. Tests with a cluster mostly wait for it.
test: export OMP_WAIT_POLICY = PASSIVE
test: export OMP_NUM_THREADS = 1
test: .venv/ready-dev .toolchains/ready .toolchains/browser check
	-.venv/bin/python tests/slurm/cluster.py install
	.venv/bin/python -m pytest -m "not e2e and not slurm" -n 2 --dist loadfile
	.venv/bin/python -m pytest -m "e2e or slurm" -n 3 --dist worksteal

check: .venv/ready-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# Debian leaves venv out of its Python; as root it can be had.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "expected Python 3.11 or 3.12, found $$($(PYTHON) --version); give make PYTHON=<path>" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ $$(id -u) = 0 ] && apt-get update -qq && apt-get install -qq -y python3-venv; } || \
		{ echo "python3-venv is missing; with root: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/ready: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP_INSTALL) -c constraints.txt torch
	$(PIP_INSTALL) -c constraints.txt -e '.[train,analysis,corpus]'
	touch $@

.venv/ready-dev: .venv/ready
	$(PIP_INSTALL) -c constraints.txt -e '.[train,analysis,corpus,notebooks,tracking,dev]'
	touch $@

.toolchains/ready: codem/toolchains.py | .venv/ready
	.venv/bin/python -m codem.toolchains install
	mkdir -p $(@D) && touch $@

# The report is tested in a browser; without one those tests are skipped, and say so.
.toolchains/browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || \
		{ [ $$(id -u) = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } || \
		echo "chromium is missing: the report is not tested in a browser; with root: apt-get install chromium" >&2
	@mkdir -p $(@D) && command -v chromium chromium-browser google-chrome >$@ || rm -f $@

clean:
	rm -rf .venv .toolchains runs reports
