# make demo | test | check | bench | proof | shell | lock | clean      arguments: make demo ARGS="--port 8080"
PYTHON ?= python3
ARGS ?=

.PHONY: help demo test check bench proof shell lock clean

help:
	@$(PYTHON) bootstrap.py help

demo test check bench proof shell lock:
	@$(PYTHON) bootstrap.py $@ $(ARGS)

clean:
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
