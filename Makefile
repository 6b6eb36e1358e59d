# The verbs of the project; each makes its own set-up. `make` alone lists them.
PYTHON := .venv/bin/python
# How many tests at once: most of them wait for a browser or a process, so more than the number of cores.
TESTS_AT_ONCE ?= 4
TESTS ?= tests
# Of the failure tests: full, or ci (what .ci/run takes).
SIZE ?= full

# Hashes for every platform, no addresses; what is in the lock stays unless it must change (UPGRADE=--upgrade).
LOCK = $(PYTHON) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-header --no-emit-index-url --no-emit-find-links $(UPGRADE)

# Another environment's modules must not shadow ours.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV

.PHONY: help setup demo test lint check docs texts format pictures acceptance chaos bench lock clean
.DEFAULT_GOAL := help

help: ## list the verbs
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## virtual environment, locked packages, a browser; a second call does nothing
	@sh setup.sh

demo: setup ## run the main job once, from schedule to exception queue, and say where to look
	@.venv/bin/runner demo

test: setup ## all tests; the server that some need is installed where it may be
	@sh setup.sh server
	@$(PYTHON) -m pytest -n $(TESTS_AT_ONCE) $(TESTS)

lint: setup ## rules and format
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

texts: setup ## collect the texts of desk, errors and command line into their translation files, and say which are not translated
	@$(PYTHON) -m docs.texts && $(PYTHON) -m docs.phrases

format: setup ## put the code into the format that lint asks for
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

check: setup ## types
	@$(PYTHON) -m mypy

docs: setup ## write the generated pages of docs/ again, and check every link
	@$(PYTHON) -m docs.build

pictures: setup ## take the pictures of docs/pictures/ from the demo; Chinese letters need a font (fonts-noto-cjk)
	@$(PYTHON) -m docs.pictures

acceptance: setup ## bots against real systems that nobody here wrote
	@sh setup.sh acceptance
	@$(PYTHON) -m acceptance.accept

chaos: setup ## failure tests: kills, damage, full disks, hung browsers, seeded faults; SIZE=ci is about a quarter
	@$(PYTHON) -m chaos.all --size $(SIZE)

bench: setup ## what Runner costs, beside the raw baseline, in full size
	@sh setup.sh bench
	@$(PYTHON) -m benchmarks.bench_start
	@$(PYTHON) -m benchmarks.bench_overhead
	@$(PYTHON) -m benchmarks.bench_standby
	@$(PYTHON) -m benchmarks.bench_lanes
	@$(PYTHON) -m benchmarks.bench_schedules

lock: setup ## write the requirements locks again from pyproject.toml and the .in files
	@$(LOCK) --extra demo --extra keyring --extra postgres --group dev -o requirements.lock pyproject.toml
	@$(LOCK) -o acceptance/requirements.lock acceptance/requirements.in
	@$(LOCK) -o benchmarks/requirements.lock benchmarks/requirements.in

clean: ## remove the environments and caches; .runner/ (run data) stays
	@rm -rf .venv .venv-acceptance .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
