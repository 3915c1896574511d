# A table of contents: what a target does lives in dev/*.py. `make help` lists them.
# A variable given to make reaches the programs as an environment variable: make up RUNTIME=embedded

.DEFAULT_GOAL := help
.PHONY: up local down doctor ask smoke test lint e2e fuzz bench load autoscale dashboards lock ci ci-cluster help

bootstrap := sh dev/python -m
venv := .venv/bin
export PATH := $(CURDIR)/.tools/bin:$(PATH)

## Use
up: ## set everything up and start: the cluster with Tilt, or without containers the local profile
	@$(bootstrap) dev.up.start
local: ## the local profile, asked for: runtime and gateway as processes, no containers
	@RUNTIME=local $(bootstrap) dev.up.start
ask: ## stream one answer: make ask PROMPT="Why is the sky blue?"
	@$(bootstrap) dev.venv local
	@$(venv)/python -m dev ask
smoke: ## a handful of checks of the running gateway
	@$(bootstrap) dev.venv local
	@$(venv)/python -m dev smoke
down: ## remove what `make up` made, and say what that was
	@$(bootstrap) dev.up.down
doctor: ## the checks alone, each failure with its fix
	@$(bootstrap) dev.doctor.report

## Check
test: ## every test that needs no cluster and no containers
	@$(bootstrap) dev.venv all
	@$(bootstrap) dev.tools --for test
	@$(venv)/pytest -m "not e2e" $(ARGS)
lint: ## ruff, mypy --strict, helm lint
	@$(bootstrap) dev.venv all
	@$(bootstrap) dev.tools --for test
	@$(venv)/python -m dev.lint
e2e: ## drive the running cluster
	@$(bootstrap) dev.venv all
	@$(venv)/pytest -m e2e tests/e2e $(ARGS)
fuzz: ## 5,000 cases against the gateway's own OpenAPI document and parsers
	@$(bootstrap) dev.venv all
	@FUZZ_CASES=$${FUZZ_CASES:-5000} $(venv)/pytest --timeout 1800 tests/api -k fuzz $(ARGS)
ci: ## what continuous integration runs
	@.ci/run
ci-cluster: ## make up until all is green, e2e beside tilt up, tilt down: make ci-cluster RUNTIME=embedded
	@$(bootstrap) dev.up.ci

## Measure
bench: ## what the gateway adds to a call, beside the runtime alone
	@$(bootstrap) dev.venv all
	@PYTHONPATH=api $(venv)/python -m bench $(ARGS)
load: ## load from inside the cluster: make load SCENARIO=ramp RATE=4 DURATION=60s
	@$(bootstrap) dev.venv all
	@$(venv)/python -m dev.load.command $(ARGS)
autoscale: ## watch both autoscalers act, and fail if they do not
	@$(bootstrap) dev.venv all
	@$(venv)/python -m dev.autoscale.command $(ARGS)

## Maintain
dashboards: ## write the dashboards and the rules of the objectives from their Python source
	@$(bootstrap) dev.venv all
	@$(venv)/python -m monitoring.source
lock: ## lock the Python packages anew, hashes included
	@$(bootstrap) dev.lock
help: ## this list
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
