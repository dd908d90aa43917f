# Patchbay: `make` prints the targets. Everything a machine lacks is installed on the way (Debian, Ubuntu; see CONTRIBUTING.md).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Stripped, without paths or cgo: the same sources give the same bytes everywhere.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/
DEV := go tool -modfile=tools/dev/go.mod
# What the connectors' own tests need.
NEEDS := go-race bats $(wildcard connectors/*/*/*.bats)

.PHONY: help build test faults catalog browse lint bench new image publish release clean installed catalogen

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build every connector and tool into bin/
	$(GO_BUILD) ./connectors/... ./tools/...

test: ## run every test; ends with `N passed, N failed`
	@test/run

faults: ## try every fault 20 times at full length, and write docs/faults.md; takes hours
	go test -timeout 12h ./test/faults -faults.runs 20 -faults.full -faults.table "$(CURDIR)/docs/faults.md"

catalog: ## build, probe, validate and test every connector, and write catalog/
	@test/install.sh --check $(NEEDS)
	@$(MAKE) -j2 installed catalogen
	@bin/catalogen generate

browse: catalog ## serve the catalog's site on loopback
	@bin/catalogen serve

lint: ## check format, vet, static analysis and shell scripts
	@unformatted=$$($(DEV) gofumpt -l .); [[ -z $$unformatted ]] || { \
		printf '%s\n' "$$unformatted" "not formatted; to mend: $(DEV) gofumpt -w ." >&2; exit 1; }
	go vet ./...
	$(DEV) staticcheck ./...
	@if command -v shellcheck >/dev/null; then \
		git ls-files -co --exclude-standard '*.sh' '*.bash' | xargs shellcheck test/run .ci/run; \
	else echo 'shellcheck is missing, so shell scripts were NOT checked: apt-get install shellcheck' >&2; fi

bench: build ## measure speed and size on this machine
	@bench/run

new: catalogen ## add a connector: make new KIND=source NAME=x-source
	@[[ -n "$(KIND)" && -n "$(NAME)" ]] || { echo 'usage: make new KIND=source NAME=x-source' >&2; exit 2; }
	@bin/catalogen new "$(KIND)" "$(NAME)"

image: catalogen ## build a multi-arch OCI image of every connector and of patchbay
	@bin/catalogen image

publish: catalogen ## push the images: make publish REGISTRY=registry.example/patchbay
	@[[ -n "$(REGISTRY)" ]] || { echo 'usage: make publish REGISTRY=registry.example/patchbay' >&2; exit 2; }
	@bin/catalogen publish "$(REGISTRY)"

release: catalogen ## build what is published at a tag: programs for each platform and their SHA256SUMS
	@bin/catalogen release

clean: ## remove what was built, not what is committed
	rm -rf bin dist reports catalog/site catalog/hosts test/browser/node_modules
	rm -rf examples/bin test/testdata/cgo/bin test/testdata/cgo/connectors/*/*/build

# The one waits while the other computes.
installed:
	@test/install.sh $(NEEDS)

catalogen:
	@[[ -x bin/catalogen ]] || echo 'building catalogen'
	@$(GO_BUILD) ./tools/catalogen
