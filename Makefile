# Everything a developer does, by name. A fresh machine needs make, Node 20 or later with npm, and Go for the control
# plane; the Node that the program itself runs on comes with the development dependencies.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# npm replaces node_modules while it runs, so it runs on the machine's own Node.
machine_path := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# npm's own record of what it installed: absent after an interrupted installation.
installed := node_modules/.package-lock.json
control_plane := node test/control-plane/cli.ts

.PHONY: help
help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(installed): package-lock.json
	@echo "==> installing the dependencies (npm ci)"
	@PATH="$(machine_path)" npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: install
install: $(installed) ## install the dependencies, where package-lock.json asks for it

.PHONY: control-plane
control-plane: $(installed)
	@echo "==> programs of the control plane (made once per machine: minutes the first time)"
	@$(control_plane) build

.PHONY: test-tools
test-tools: $(installed)
	@echo "==> servers and foreign tools of the tests (made once per machine)"
	@node test/servers/cli.ts

.PHONY: demo
demo: $(installed) build ## a control plane, the operator and two Transforms, live (ONCE=1: clean up and exit)
	@node demo/main.ts $(if $(ONCE),--once)

.PHONY: cluster
cluster: control-plane ## a control plane to try things on, until Ctrl-C
	@$(control_plane) up

.PHONY: run
run: $(installed) ## the operator from source, with your kubeconfig (ARGS="--log-level debug")
	@node src/cli/pequod.ts controller $(ARGS)

.PHONY: build
build: $(installed) ## compile to dist/, which runs with production dependencies alone
	@node scripts/build.ts

.PHONY: test
test: $(installed) control-plane test-tools build ## unit, integration and e2e tests against a real control plane
	@PEQUOD_E2E_PROGRAM=dist/src/cli/pequod.js node scripts/test.ts $(ARGS)

.PHONY: test-coverage
test-coverage: $(installed) control-plane test-tools build ## the same tests, with coverage in coverage/
	@PEQUOD_E2E_PROGRAM=dist/src/cli/pequod.js node scripts/test.ts --coverage $(ARGS)

.PHONY: lint
lint: $(installed) ## format, lint, import directions, unused code
	@echo "==> biome"
	@biome check --error-on-warnings .
	@echo "==> knip"
	@knip --no-progress

.PHONY: typecheck
typecheck: $(installed) ## the compiler's opinion
	@echo "==> tsc"
	@tsc -p tsconfig.json --noEmit

.PHONY: manifests
manifests: $(installed) ## write crds/ and docs/api.md from their one source
	@node scripts/manifests.ts
	@node scripts/api-docs.ts

.PHONY: verify
verify: lint typecheck ## what needs no cluster: lint, types, generated files, dependencies
	@echo "==> CRDs and docs/api.md in step with their source"
	@node scripts/manifests.ts --check
	@node scripts/api-docs.ts --check
	@echo "==> WebAssembly in step with its Go source"
	@if command -v go > /dev/null; then npm run --silent --workspace cuelang-wasm check:wasm && \
	echo "==> Go tests of the evaluator" && (cd packages/cuelang-wasm/go && go test ./...); \
	else echo "SKIPPED: there is no Go here to build it with"; fi
	@echo "==> dependency tree"
	@npm ls --all --silent > /dev/null || { npm ls --all; exit 1; }
	@echo "verified"

.PHONY: clean
clean: ## remove what was built here
	rm -rf dist coverage .cache
