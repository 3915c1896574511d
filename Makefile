# A table of contents: what a target does lives in dev/*.py. `make help` lists them.
# A variable given to make reaches the programs as an environment variable: make up ENGINE=llamacpp

.DEFAULT_GOAL := help
.PHONY: up local down doctor ask smoke test lint e2e fuzz bench load autoscale dashboards lock ci ci-cluster help

# A command in .venv: with what the local profile needs, or with everything.
run := sh dev/bootstrap run
develop := sh dev/bootstrap run --group dev
# A command that needs Python alone.
bare := sh dev/bootstrap uv run --no-project
export PATH := $(CURDIR)/.tools/bin:$(PATH)

## Use
up: ## set everything up and start: the cluster with Tilt, or without containers the local profile
	@$(run) python -m dev up
local: ## the local profile, asked for: runtime and gateway as processes, no containers
	@PROFILE=local $(run) python -m dev up
ask: ## stream one answer: make ask PROMPT="Why is the sky blue?"
	@$(run) python -m dev ask
smoke: ## a handful of checks of the running gateway
	@$(run) python -m dev smoke
down: ## remove what `make up` made, and say what that was
	@$(bare) python -m dev down
doctor: ## the checks alone, each failure with its fix
	@$(bare) python -m dev doctor

## Check
test: ## every test that needs no cluster and no containers
	@$(develop) python -m dev.doctor.tools helm promtool
	@$(develop) python -m pytest -m "not e2e" $(ARGS)
lint: ## ruff, mypy --strict, helm lint
	@$(develop) python -m dev.doctor.tools helm promtool
	@$(develop) python -m dev lint
e2e: ## drive the running cluster
	@$(develop) python -m pytest -m e2e tests/e2e $(ARGS)
fuzz: ## 5,000 cases against the gateway's own OpenAPI document and parsers
	@FUZZ_CASES=$${FUZZ_CASES:-5000} $(develop) python -m pytest --timeout 1800 tests/api -k fuzz $(ARGS)
ci: ## what continuous integration runs
	@.ci/run
ci-cluster: ## make up until all is green, e2e beside tilt up, tilt down: make ci-cluster ENGINE=llamacpp
	@$(run) python -m dev ci-cluster

## Measure
bench: ## what the gateway adds to a call, beside the runtime alone
	@$(develop) env PYTHONPATH=api python -m bench $(ARGS)
load: ## load from inside the cluster: make load SCENARIO=ramp RATE=4 DURATION=60s
	@$(develop) python -m dev load $(ARGS)
autoscale: ## watch both autoscalers act, and fail if they do not
	@$(develop) python -m dev autoscale $(ARGS)

## Maintain
dashboards: ## write the dashboards and the rules of the objectives from their Python source
	@$(develop) python -m monitoring.source
lock: ## lock the Python packages anew, hashes included
	@sh dev/bootstrap uv lock --default-index https://pypi.org/simple $(ARGS)
help: ## this list
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
