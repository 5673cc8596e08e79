# What a person calls; CI calls the same. `make help` lists it.

.DEFAULT_GOAL := help
.PHONY: help bootstrap build test test-deployment check-deploy format lint bench demo run docs

# What --version tells: a plus sign behind the commit of a tree with changes. Not HERALD_…: those are settings.
export SOURCE_COMMIT := $(shell git describe --always --abbrev=12 --exclude='*' --dirty=+ 2>/dev/null)

# One set of flags for every build, so that nothing is built twice.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
HERALD = $(shell swift build $(SWIFT_FLAGS) --show-bin-path)/herald

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install what is missing on this machine
	@scripts/bootstrap

build: bootstrap ## build everything
	@swift build $(SWIFT_FLAGS)

test: ## run every test, with real Redis and real processes
	@scripts/test

test-deployment: ## run only the tests of whole deployments
	@scripts/test --filter DeploymentTests

check-deploy: build ## check every file of deploy/ with the tool that reads it; needs root
	@scripts/check-deploy

format: ## format the sources in place
	@scripts/format

lint: ## check the format and our own rules
	@scripts/lint

bench: ## measure, beside the ceiling of this machine
	@scripts/bootstrap --bench
	@Benchmarks/run all

demo: build ## see a message become a signed webhook, and a mail
	@$(HERALD) demo

run: build ## run a deployment in this terminal until Ctrl-C
	@$(HERALD) dev

docs: ## check that every link in the documents leads somewhere
	@scripts/check-links
