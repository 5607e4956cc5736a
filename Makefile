# Everything needs Python 3.11 or newer and git; each target sets up the rest by itself.
.DEFAULT_GOAL := help
.PHONY: help audit checkov second-opinion chaos sbom demo faults test quick lint format docs synth deploy unnamed release bench fuzz mutants lock clean

PYTHON ?= python3
VENV   := .venv
READY  := $(VENV)/.ready
CDK    := node_modules/.bin/cdk
MERMAID := 11.12.0
PIP    := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Without compiled modules, importing aws_cdk takes ten times as long.
unexport PYTHONDONTWRITEBYTECODE
# Node and the CDK CLI phone home and print notices otherwise.
export CDK_DISABLE_CLI_TELEMETRY := true

# $(call step,WHAT,COMMAND,HELP): say what is done; after a failure, show the way out below the tool's own error.
step = @echo "set-up: $(1)"; $(2) || { echo "set-up: FAILED: $(1)"; echo "$$$(3)"; exit 1; }

define VENV_HELP
  Python's own message is above. On Debian and Ubuntu, `apt install python3-venv` provides the module.
  `make PYTHON=python3.12 ...` takes another Python.
endef
define PIP_HELP
  pip's own message is above. The usual remedies:
    behind a proxy             export HTTPS_PROXY=http://proxy.example:3128
    own certificate authority  export PIP_CERT=/path/to/ca.pem
    own package index          export PIP_INDEX_URL=https://index.example/simple
    no network                 export PIP_NO_INDEX=1 PIP_FIND_LINKS=/folder/of/wheels
  Then run the same command again: set-up continues where it stopped.
endef
define NPM_HELP
  npm's own message is above. The usual remedies:
    behind a proxy             export HTTPS_PROXY=http://proxy.example:3128
    own certificate authority  export NODE_EXTRA_CA_CERTS=/path/to/ca.pem   (or `npm config set cafile /path/to/ca.pem`)
    own registry               export npm_config_registry=https://registry.example/
    no network                 `npm ci` on a machine with network, then copy node_modules/ here and `touch $(CDK)`
  Then run the same command again: set-up continues where it stopped.
endef
export VENV_HELP PIP_HELP NPM_HELP

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

demo: $(READY) $(CDK) ## Deploy to a local AWS and replay a peak (DEMAND=file.csv.gz START=time HOURS=n)
	peakfleet demo $(if $(DEMAND),--demand "$(DEMAND)") $(if $(START),--from "$(START)") $(if $(HOURS),--hours $(HOURS)) $(ARGS)

faults: $(READY) $(CDK) ## Run every fault scenario on a local AWS and write docs/faults.md (SCENARIO=name or matrix, ARGS for options)
	peakfleet demo --scenario $(or $(SCENARIO),all --json out/faults.json) $(ARGS); kept=$$?; \
	$(if $(SCENARIO),,python -m peakfleet_demo.scenarios.faults_page out/faults.json docs/faults.md;) exit $$kept

test: $(READY) $(CDK) ## Run all tests (ARGS="-k name" passes on to pytest)
	pytest -n auto --dist loadfile -m "not long" $(ARGS)

quick: $(READY) ## Run the tests of the decision and its edges with few examples, in about a minute (ARGS as above)
	pytest -n auto --dist loadfile -m "not slow" --hypothesis-profile=quick $(ARGS)

lint: $(READY) ## Check format, style, types and who imports whom
	ruff format --check .
	ruff check .
	mypy
	lint-imports

format: $(READY) ## Format and mend what can be mended
	ruff check --fix .
	ruff format .

docs: $(READY) $(VENV)/docs/.ready ## Build the documentation site into out/docs; a broken link or reference fails
	python -m peakfleet_cli.reference > docs/reference/command-line.md
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=$(VENV)/docs python -m mkdocs build --quiet --strict

synth: $(READY) $(CDK) ## Write the templates to cdk.out (ENVIRONMENT=dev|prod)
	$(CDK) synth --quiet $(if $(ENVIRONMENT),-c environment=$(ENVIRONMENT))

deploy: $(if $(ENVIRONMENT),$(READY) $(CDK),unnamed) ## Deploy to the AWS account of your credentials (ENVIRONMENT=dev|prod, needed)
	$(CDK) deploy --all -c environment=$(ENVIRONMENT)

# Nobody should meet the wrong environment in an account because a word was forgotten.
unnamed:
	@$(PYTHON) -c 'import json, sys; names = sorted(json.load(open("cdk.json"))["context"]["environments"]); sys.exit("deploy: say which environment: " + " or ".join(f"make deploy ENVIRONMENT={name}" for name in names))'

release: $(READY) ## Build wheel and sdist reproducibly into dist, check them, use them on each Python there is
	python .ci/release.py $(ARGS)

bench: $(READY) ## Measure a tick and the simulator; with PEAKFLEET_TRACES=folder every policy too
	python -m benchmarks.tick
	python -m benchmarks.simulate
	$(if $(PEAKFLEET_TRACES),PEAKFLEET_TRACES="$(PEAKFLEET_TRACES)" python -m benchmarks.foresight $(ARGS))

audit: $(READY) $(CDK) ## Look for known vulnerabilities, and print what security packs find and every reason
	python -m tests.infra.audited_apps
	$(if $(PIP_NO_INDEX),@echo "pip-audit: NOT CHECKED, there is no index",python -m pip install --quiet --target $(VENV)/pip-audit pip-audit==2.10.1 && PYTHONPATH=$(VENV)/pip-audit python -m pip_audit --disable-pip --require-hashes --requirement requirements.txt)
	@mkdir -p out
	@npm audit >out/npm-audit.txt 2>&1 || { grep -q "audit endpoint" out/npm-audit.txt && echo "npm audit: NOT CHECKED, the registry has no advisories"; } || { cat out/npm-audit.txt; exit 1; }

checkov: $(READY) out/checkov/.ready ## Hold the templates against checkov, and print every reason (opt-in)
	python .ci/checkov.py out/checkov/venv/bin/checkov

second-opinion: $(READY) $(CDK) out/second-opinion/.ready ## Deploy the apps to an emulator that is not ours and evaluates IAM, and run them (opt-in)
	python .ci/second_opinion/run.py

sbom: $(READY) ## Write what is pinned into out/sbom.json (CycloneDX)
	python .ci/sbom.py out/sbom.json

fuzz: $(READY) ## Try laws and handlers on 100,000 and more examples (EXAMPLES=n for each of them)
	PEAKFLEET_EXAMPLES=$(or $(EXAMPLES),2000) pytest --hypothesis-profile=fuzz -p no:cacheprovider tests/planner tests/fuzz tests/handlers/test_odd_answers.py tests/handlers/test_laws.py

chaos: $(READY) $(CDK) ## Run 24 virtual hours of random faults on a local AWS (SEED=n HOURS=n)
	python -m peakfleet_demo.chaos --seed $(or $(SEED),1) --hours $(or $(HOURS),24)

# Tests of laws by what they are about: all planner tests on each of some 5,000 mutants take days.
LAWS_allocation  := laws demand_cases settling_laws canary_laws dear_pools failure_laws spend_laws capacity_laws scale_in rebalance size_reasons pace
LAWS_decide      := laws demand_cases baseline traffic traffic_plan reasons silence witness peaks downstream_limit foresight_laws measured_units spend_laws causes warm_pools backlog
LAWS_fallback    := capacity_laws failure_laws backoff
LAWS_pools       := backoff in_flight failure_laws missing_capacity never_ready capacity_laws measured_units
LAWS_requirement := laws demand_cases backlog queue_need queue_capacity queue_foresight mixed_foresight downstream_limit peaks baseline foresight_laws foresee_warm fast_signals reach silence reasons warm_pools

mutants: mutants-decide mutants-allocation mutants-requirement mutants-pools mutants-fallback ## Break the planner's rules one by one; docs/mutants.md says what survives, and how to run a part

mutants-%: $(READY)
	rm -rf out/mutants/$*
	mkdir -p out/mutants/$*/src out/mutants/$*/tests/planner
	cp -r lambda/peakfleet_planner lambda/peakfleet_learner out/mutants/$*/src/
	cp -r tests/learner tests/conftest.py out/mutants/$*/tests/
	cp -r docs out/mutants/$*/
	cp $(filter-out tests/planner/test_%,$(wildcard tests/planner/*.py)) $(patsubst %,tests/planner/test_%.py,$(or $(LAWS),$(LAWS_$*))) out/mutants/$*/tests/planner/
	sed 's|PART|$(or $(ONLY),$**)|' pyproject.toml > out/mutants/$*/pyproject.toml
	cd out/mutants/$* && mutmut run && mutmut results | sed '/caught by type check/d'

lock: $(READY) ## Pin the dependencies of pyproject.toml anew
	python -m pip install --quiet --target $(VENV)/uv uv
	PYTHONPATH=$(VENV)/uv python -m uv pip compile pyproject.toml --all-extras --universal --upgrade \
	  --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" \
	  --output-file requirements.txt

clean: ## Remove everything that was made
	rm -rf $(VENV) node_modules cdk.out out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say PYTHON=python3.x")'
	$(call step,virtual environment in $(VENV),$(PYTHON) -m venv $(VENV),VENV_HELP)
	$(call step,packages of requirements.txt (pip),$(PIP) --require-hashes -r requirements.txt,PIP_HELP)
	$(call step,this package (pip),$(PIP) --no-deps --no-build-isolation --editable .,PIP_HELP)
	$(call step,numpy for Lambda (pip),$(VENV)/bin/python -m peakfleet.prefetch,PIP_HELP)
	@touch $@

$(VENV)/docs/.ready: docs/requirements.txt docs/site/mermaid.sha256 $(READY)
	$(call step,mkdocs in $(VENV)/docs (pip),$(PIP) --target $(VENV)/docs --upgrade -r docs/requirements.txt,PIP_HELP)
	$(call step,mermaid in $(VENV)/docs (npm),cd $(VENV)/docs && npm pack --silent mermaid@$(MERMAID) && sha256sum --check --quiet ../../docs/site/mermaid.sha256 && tar -xzf mermaid-$(MERMAID).tgz --strip-components=2 package/dist/mermaid.min.js,NPM_HELP)
	@touch $@

out/checkov/.ready: .ci/checkov.txt
	$(call step,virtual environment in out/checkov,$(PYTHON) -m venv --clear out/checkov/venv,VENV_HELP)
	$(call step,checkov in out/checkov (pip),out/checkov/venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<,PIP_HELP)
	@touch $@

out/second-opinion/.ready: .ci/second_opinion/requirements.txt
	$(call step,virtual environment in out/second-opinion,$(PYTHON) -m venv --clear out/second-opinion/venv,VENV_HELP)
	$(call step,ministack in out/second-opinion (pip),out/second-opinion/venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<,PIP_HELP)
	@touch $@

$(CDK): package-lock.json $(READY)
	$(call step,the CDK CLI in node_modules (npm),npm ci --loglevel=error,NPM_HELP)
	@touch $@
