# Each target runs a command in the project's environment; `make help` lists the targets.
# A variable given to make is an environment variable of the command, and ARGS adds to its command line:
#   make load RATE=4 DURATION=60s      make test ARGS="tests/dev -x"

.DEFAULT_GOAL := help
.PHONY: up local down doctor ask smoke test lint e2e fuzz bench load autoscale rollout fault soak policies gitops nodes generate lock ci ci-cluster release help

# With the packages of the local profile, or with all of them.
run := sh dev/bootstrap run
develop := sh dev/bootstrap run --group dev
# With Python alone.
bare := sh dev/bootstrap uv run --no-project --python '>=3.11'
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# Commands get a variable as it was given: by itself, make would expand the $ in PROMPT='It costs $5'.
$(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),\
  $(eval override $(name) := $$(value $(name)))$(eval export $(name))))

## Use
up: ## check this machine and start the platform: in a cluster with Tilt, or without containers as processes
	@$(run) python -m dev up $(ARGS)
local: ## the same, always as processes: gateway and runtime, with reload and without containers
	@$(run) python -m dev up --local $(ARGS)
ask: ## stream one answer: make ask PROMPT="Why is the sky blue?"
	@$(run) python -m dev ask $(ARGS)
smoke: ## check the running gateway
	@$(run) python -m dev smoke $(ARGS)
down: ## remove what `make up` created, and say what that was
	@$(bare) python -m dev down $(ARGS)
doctor: ## check this machine, with a fix for each problem
	@$(bare) python -m dev doctor $(ARGS)

## Check
test: ## every test that needs no cluster and no containers
	@$(develop) python -m dev.doctor.tools helm promtool
	@$(develop) python -m pytest -m "not e2e" $(ARGS)
lint: ## ruff, mypy --strict, helm lint, actionlint
	@$(develop) python -m dev.doctor.tools helm promtool actionlint
	@$(develop) python -m dev lint $(ARGS)
e2e: ## test the running cluster
	@$(develop) python -m pytest -m e2e tests/e2e $(ARGS)
fuzz: ## 5,000 cases against the gateway's OpenAPI document and parsers; FUZZ_CASES sets another number
	@FUZZ_CASES=$${FUZZ_CASES:-5000} $(develop) python -m pytest --timeout 1800 tests/api -k fuzz $(ARGS)
ci: ## everything that continuous integration runs
	@.ci/run
ci-cluster: ## start the platform until it is ready, run the end-to-end tests, remove it
	@$(run) python -m dev ci-cluster $(ARGS)

## Measure
bench: ## what the gateway adds to a call, beside the runtime alone
	@$(develop) .venv/bin/python -m bench $(ARGS)
load: ## load from inside the cluster: make load SCENARIO=ramp RATE=4 DURATION=60s
	@$(develop) python -m dev load $(ARGS)
autoscale: ## prove that both autoscalers act, by load that rises and falls
	@$(develop) python -m dev autoscale $(ARGS)
rollout: ## prove that rolling restarts lose no request: 5 of each workload, under 100 streams and 20 calls/s
	@$(develop) python -m dev rollout $(ARGS)
fault: ## inject a fault; its alert must fire and end, and clients be told: make fault FAULT=hang (or all)
	@$(develop) python -m dev fault $(ARGS)
policies: ## prove the NetworkPolicies of a platform with POLICIES=true: every connection, allowed or denied
	@$(bare) python -m dev policies $(ARGS)
gitops: ## let Argo CD install the platform from the cluster's registry, and prove what it does
	@$(develop) python -m dev.doctor.tools helm
	@$(develop) python -m dev gitops $(ARGS)
nodes: ## on a cluster of three nodes, drain one under load, kill it, and judge what became of the requests
	@$(develop) python -m dev.doctor.tools helm
	@$(develop) python -m dev nodes $(ARGS)
soak: ## an hour of load with random faults: the gateway must not grow, and count each request: make soak DURATION=10m
	@$(develop) python -m dev soak $(ARGS)

## Maintain
generate: ## write the generated files: chart settings, dashboards, rules
	@$(develop) env PYTHONPATH=api:runtime .venv/bin/python -m dev generate $(ARGS)
lock: ## update uv.lock after a change of pyproject.toml
	@sh dev/bootstrap uv lock --default-index https://pypi.org/simple $(ARGS)
release: ## package the charts and push them: make release TAG=v1.2.3 CHARTS=oci://... IMAGES=FOLDER
	@$(develop) python -m dev.doctor.tools helm
	@$(develop) python -m dev release $(ARGS)
help: ## this list
	@awk -F ':.*## ' '/^## /{printf "\n%s\n", substr($$0, 4)} /^[a-z0-9-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
