# Every command of the project; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
export HOST ?= 127.0.0.1
export PORT ?= 8000
# Compiled modules make every start faster, whatever the shell thinks of them.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv/bin
SYSTEM := chromium fonts-noto-cjk postgresql rabbitmq-server

.PHONY: help run setup test torture check translations bench

help: ## List the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 20

run: ## Set everything up and run portal and notifier with demo data (HOST, PORT); Ctrl-C stops
	@bin/setup run
	@DEMO=1 $(VENV)/flask demo prepare
	@exec $(VENV)/flask serve

setup: ## Only set up: virtual environment, locked packages, catalogues
	@bin/setup run

test: ## Set everything up and run every test
	@bin/setup dev
	@bin/debian-packages $(SYSTEM)
	@$(VENV)/pytest

torture: ## Kill dispatchers at every step of a send, for minutes, and count what arrived
	@bin/setup dev
	@bin/debian-packages postgresql
	@$(VENV)/python -m tests.torture

check: ## Lint, types, import contracts, templates
	@bin/setup dev
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/mypy
	@$(VENV)/lint-imports
	@$(VENV)/djlint templates --lint --quiet

translations: ## Read the messages out of code and templates into the catalogues
	@bin/setup dev
	@$(VENV)/python -m tests.catalogues

bench: ## Print the table of ratios
	@bin/setup dev
	@$(VENV)/python -m tests.bench
