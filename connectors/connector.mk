# connector.mk is the whole Makefile of most connectors: `include ../../connector.mk`. What is special stands beside that line:
#   build:                 a rule that replaces `go build`; it leaves the program at $(BIN)
#   NEEDS += GROUP         what else test/install.sh is to install; servers that the bats file starts are installed anyway
#
# Set by whoever runs many connectors, such as catalogen:
#   PATCHBAY_BIN_DIR       a folder that already holds the programs under test; nothing is built then
#   PATCHBAY_REPORT_DIR    a folder for JUnit reports: go.xml and bats.xml

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The repository, as seen from the connector: never a path with a space in it, which make could not take.
UP := $(dir $(lastword $(MAKEFILE_LIST)))..
ROOT := $(CURDIR)/$(UP)
NAME := $(notdir $(lastword $(CURDIR)))
BIN := $(or $(PATCHBAY_BIN_DIR),$(ROOT)/bin)/$(NAME)
# Rules may stand below the include line, so this is looked up when it is needed, in every file but those shared with others.
OWN_BUILD = $(shell grep -lE '^([A-Za-z0-9_./-]+ +)*build( +[A-Za-z0-9_./-]+)* *::?([^:=]|$$)' $(filter-out ../%,$(MAKEFILE_LIST)))
# What tests may run beside the program itself: the local broker, and something to fill and to empty a topic.
DRIVERS := ./tools/patchbay ./connectors/sources/generate-source ./connectors/sinks/stdout-sink
SUITES := $(wildcard *.bats)
NEEDS += $(if $(SUITES),bats $(SUITES))
NEEDS += $(if $(wildcard *.go),go-race)

.PHONY: help test metadata update programs unit suites

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: unit suites ## run the unit tests and the bats file

metadata: programs ## print the metadata document
	@"$(BIN)" metadata

# For hosts that build the connector in a clone. The second make reads the rules that the pull has brought.
update: ## pull the repository, and build what has changed
	@git -C "$(ROOT)" pull --quiet --ff-only
	@$(MAKE) --no-print-directory programs

programs:
ifeq ($(PATCHBAY_BIN_DIR),)
	@cd "$(ROOT)" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o bin/ $(DRIVERS) \
		$(if $(OWN_BUILD),,"$(CURDIR)")
	$(if $(OWN_BUILD),@$(MAKE) --no-print-directory build)
endif

unit:
	@"$(ROOT)/test/install.sh" $(NEEDS)
ifneq ($(shell find . -name '*_test.go' -print -quit),)
	@"$(ROOT)/test/gotest.sh" --format testname $(if $(PATCHBAY_REPORT_DIR),--junitfile "$(PATCHBAY_REPORT_DIR)/go.xml") -- ./...
endif

# Not --report-formatter: bats may end before that report is whole.
suites: programs unit
ifneq ($(SUITES),)
ifneq ($(PATCHBAY_REPORT_DIR),)
	@bats --formatter junit $(SUITES) >"$(PATCHBAY_REPORT_DIR)/bats.xml" || { cat "$(PATCHBAY_REPORT_DIR)/bats.xml"; exit 1; }
else
	@bats $(SUITES)
endif
endif
