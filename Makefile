# Everything needs Python 3.11 or newer and git; each target sets up the rest by itself.
.DEFAULT_GOAL := help
.PHONY: help demo faults test lint format synth deploy bench fuzz mutants lock clean

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
CDK    := node_modules/.bin/cdk

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Without compiled modules, importing aws_cdk takes ten times as long.
unexport PYTHONDONTWRITEBYTECODE
# Node and the CDK CLI phone home and print notices otherwise.
export CDK_DISABLE_CLI_TELEMETRY := true

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(READY) $(CDK) ## Deploy to a local AWS and replay a peak (DEMAND=file.csv.gz FROM=time HOURS=n)
	peakfleet demo $(if $(DEMAND),--demand "$(DEMAND)") $(if $(FROM),--from "$(FROM)") $(if $(HOURS),--hours $(HOURS)) $(ARGS)

faults: $(READY) $(CDK) ## Run every fault scenario on a local AWS (SCENARIO=name for one, ARGS for options)
	peakfleet demo --scenario $(or $(SCENARIO),all) $(ARGS)

test: $(READY) $(CDK) ## Run all tests (ARGS="-k name" passes on to pytest)
	pytest -n auto --dist loadfile $(ARGS)

lint: $(READY) ## Check format, style, types and who imports whom
	ruff format --check .
	ruff check .
	mypy
	lint-imports

format: $(READY) ## Format and mend what can be mended
	ruff check --fix .
	ruff format .

synth: $(READY) $(CDK) ## Write the templates to cdk.out (ENVIRONMENT=dev|prod)
	$(CDK) synth --quiet $(if $(ENVIRONMENT),-c environment=$(ENVIRONMENT))

deploy: $(READY) $(CDK) ## Deploy to the AWS account of your credentials (ENVIRONMENT=dev|prod)
	$(CDK) deploy --all $(if $(ENVIRONMENT),-c environment=$(ENVIRONMENT))

bench: $(READY) ## Measure a tick and the simulator; with PEAKFLEET_TRACES=folder every policy too
	python benchmarks/tick.py
	python benchmarks/simulate.py
	$(if $(PEAKFLEET_TRACES),PEAKFLEET_TRACES="$(PEAKFLEET_TRACES)" python benchmarks/foresight.py $(ARGS))

fuzz: $(READY) ## Try the planner's laws on many more examples
	pytest tests/planner --hypothesis-profile=fuzz

# Some 3,200 mutants: a few hours on two free cores. ONLY="peakfleet_planner.pools.*" runs a part.
mutants: $(READY) ## Break the planner's rules one by one; docs/mutants.md says what survives and why
	rm -rf out/mutants
	mkdir -p out/mutants/src out/mutants/tests
	cp -r lambda/peakfleet_planner lambda/peakfleet_learner out/mutants/src/
	cp -r tests/planner tests/learner tests/conftest.py out/mutants/tests/
	cp pyproject.toml out/mutants/
	cd out/mutants && mutmut run $(if $(ONLY),"$(ONLY)") && mutmut results

lock: $(READY) ## Pin the dependencies of pyproject.toml anew
	python -m pip install --quiet --target $(VENV)/uv uv
	PYTHONPATH=$(VENV)/uv python -m uv pip compile pyproject.toml --all-extras --universal --upgrade \
	  --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" \
	  --output-file requirements.txt

clean: ## Remove everything that was made
	rm -rf $(VENV) node_modules cdk.out out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(VENV)/bin/python -m peakfleet.prefetch
	@touch $@

$(CDK): package-lock.json $(READY)
	npm ci --silent
	@touch $@
