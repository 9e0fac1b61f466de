# Two commands matter: `make demo` (train the three apps on sample data, open the suite) and `make test`.
.POSIX:
.PHONY: help demo ui setup setup-dev lint types check test bench constraints clean

PORT ?= 8501
HEADLESS ?=
DATA_DIR ?= ../shared/data
BIN = .venv/bin
FAST = -q -m "not slow and not models and not browser" -n logical --maxprocesses 8 --dist loadscope
SLOW = -q -m "(slow or models) and not browser" -n logical --maxprocesses 4
export PORTSIDE_PORT = $(PORT)

help:
	@echo "make demo    install, train the three apps on data_samples/, open the suite (PORT=8501, HEADLESS=1)"
	@echo "make ui      open the suite again"
	@echo "make test    install, lint, types, every test"
	@echo "make check   lint, types, fast tests (under 90 seconds once installed)"
	@echo "make bench   print the benchmark tables (DATA_DIR=$(DATA_DIR) for the public data sets; TABLES=accuracy,"
	@echo "             ONLY='part of a line', ENCODER=folder, hub id or mpnet narrow or change them)"

demo: setup
	@$(BIN)/portside demo $(if $(HEADLESS),--no-open,--open)

ui: setup
	@$(BIN)/portside ui $(if $(HEADLESS),--no-open,--open)

setup:
	@sh deploy/setup.sh

setup-dev:
	@sh deploy/setup.sh dev

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup-dev
	@$(BIN)/mypy

check: lint types
	@OMP_NUM_THREADS=1 $(BIN)/pytest $(FAST)

# Workers side by side with one thread each: two threads for one are slower than one for each of two. Browsers alone.
test: check
	@OMP_NUM_THREADS=1 $(BIN)/pytest $(SLOW)
	@$(BIN)/pytest -q -m browser

bench: setup-dev
	@$(BIN)/python -m tests.benchmarks $(TABLES) --data-dir $(DATA_DIR) $(if $(ONLY),--only "$(ONLY)") \
		$(if $(ENCODER),--encoder "$(ENCODER)")

constraints: setup-dev
	@{ head -1 deploy/constraints.txt; $(BIN)/python -m pip list --format freeze \
		| grep -v -i -E '^(portside|pip|setuptools|uv)=' | sed 's/+cpu//'; } > deploy/constraints.new
	@mv deploy/constraints.new deploy/constraints.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
