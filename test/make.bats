#!/usr/bin/env bats
# What `make test` promises, and connector.mk: in a small tree with fakes of go, bats, node and the programs under test.

load helper

setup_file() {
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$BATS_FILE_TMPDIR/tally" "$TEST_ROOT/test/tally"
}

setup() {
  sandbox
  TREE="$SANDBOX/a tree" # a space, since people have them
  export CALLS=$SANDBOX/calls TALLY=$BATS_FILE_TMPDIR/tally
  mkdir -p "$TREE"/{bin,test/servers,tools,.ci,connectors/sources/x-source} "$SANDBOX/fakes"
  touch "$TREE"/{test/one,tools/another}.bats
  cp "$TEST_ROOT"/test/{run,gotest.sh} "$TREE/test/"
  cp "$TEST_ROOT/.ci/run" "$TREE/.ci/"
  cp "$TEST_ROOT/connectors/connector.mk" "$TREE/connectors/"
  printf '.PHONY: test\ntest:\n\t@test/run\nbuild:\n\t@exit $${BUILD:-0}\n' >"$TREE/Makefile"
  fake test/install.sh 'echo "install $*" >>"$CALLS"; exit ${INSTALL:-0}'
  fake bin/catalogen 'echo "catalogen $*" >>"$CALLS"
    case $1 in check) exit ${CHECK:-0} ;; test) echo "x-source: 4 passed, 0 failed, 0 skipped (cached)" ;; esac'
  # The tally is real; else go only tells what it was asked for.
  fake ../fakes/go 'if [[ $* == *tally* ]]; then exec cp "$TALLY" "${@: -2:1}"; fi; echo "go $*" >>"$CALLS"'
  fake ../fakes/bats 'echo "bats $*" >>"$CALLS"; echo 1..1; echo "ok 1 - ran"; exit ${SUITE:-0}'
  fake ../fakes/node 'echo "1..1"; echo "ok 1 - page # SKIP no Chromium"'
  PATH=$SANDBOX/fakes:$PATH
  touch "$CALLS"
  unset PATCHBAY_BIN_DIR # make finds the tree's own
}

# fake FILE SCRIPT makes a program in the tree.
fake() {
  printf '#!/bin/bash\n%s\n' "$2" >"$TREE/$1"
  chmod +x "$TREE/$1"
}

last_line() { echo "${lines[${#lines[@]} - 1]}"; }

@test "a run ends with one count of everything, skips named" {
  run "$TREE/.ci/run"
  assert_success
  assert_equal "$(last_line)" "12 passed, 0 failed"
  assert_line "1 skipped"
  assert_line "SKIPPED browser: page (no Chromium)"
  assert_line --regexp '^== unit: ok after [0-9]+ s, [0-9]+ s of CPU time$'
}

@test "suites of tools run side by side and beside what follows, and no report is lost" {
  # Each waits for the other's call, and for that of the connectors.
  fake ../fakes/bats 'echo "bats $*" >>"$CALLS"
    for _ in {1..200}; do grep -q one.bats "$CALLS" && grep -q another.bats "$CALLS" && grep -q catalogen "$CALLS" && break; sleep 0.05; done
    printf "1..2\nok 1 - first of $3\n"; grep -q catalogen "$CALLS" && [[ $3 != */another.bats ]] && echo "ok 2 - second" || exit 1'
  run "$TREE/test/run"
  assert_failure
  assert_line "ok 1 - first of test/one.bats"
  assert_line "ok 2 - second"
  assert_line "FAILED tools: TAP: 2 tests were planned, 1 reported"
  assert_line --regexp '^ +tools +3 +1 +0$'
  refute_line --partial "exit status"
}

@test "a run that is interrupted takes what runs beside it along" {
  fake ../fakes/bats 'echo "$$" >>"$SANDBOX/asides"; sleep 600'
  fake ../fakes/node 'touch "$SANDBOX/browser"; sleep 600'
  start run env --default-signal=INT setsid "$TREE/test/run" # nothing that is started in the background hears it else
  wait_until 10 test -e "$SANDBOX/browser" -a -s "$SANDBOX/asides"
  kill -INT -- "-$(<"$SANDBOX/started/run.pid")"
  wait_until 10 ended run
  wait_until 10 none_run_of "$SANDBOX/asides"
}

# none_run_of FILE succeeds if no process in a list is there.
none_run_of() {
  local pid
  while read -r pid; do ! kill -0 "$pid" || return; done <"$1"
}

@test "a failed build fails the run, which still ends with the count" {
  BUILD=1 run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "3 passed, 1 failed"
  assert_line --partial "FAILED build: build: exit status"
}

@test "a run that cannot install says so before anything else" {
  INSTALL=1 run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "0 passed, 1 failed"
  assert_equal "$(<"$CALLS")" "install --check go-race bats servers browser"
}

@test "a run that fails to install stops before the first test" {
  fake test/install.sh 'echo "install $*" >>"$CALLS"; [[ $1 == --check || $* == go-race ]]'
  run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "0 passed, 1 failed"
  run sort "$CALLS"
  assert_output "go vet -race -trimpath ./...
install --check go-race bats servers browser
install go-race
install go-race bats servers browser"
}

@test "a run without a working Go still ends with a count" {
  fake ../fakes/go 'exit 1'
  run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "0 passed, 1 failed"
}

@test "a run that ends before its tests does not tell an earlier run's count" {
  mkdir "$TREE/reports"
  echo "9 passed, 0 failed" >"$TREE/reports/total"
  rm "$TREE/test/run"
  run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "0 passed, 1 failed"
}

@test "a catalog that is out of date fails the run" {
  CHECK=1 run "$TREE/.ci/run"
  assert_failure
  assert_equal "$(last_line)" "11 passed, 1 failed"
}

# connector_make TARGET... runs make on the tree's connector.
connector_make() { run make -s -C "$TREE/connectors/sources/x-source" "$@"; }

# connector_file NAME TEXT writes a file of the tree's connector.
connector_file() { printf '%s\n' "$2" >"$TREE/connectors/sources/x-source/$1"; }

@test "a connector's Makefile prints its targets" {
  connector_file Makefile 'include ../../connector.mk'
  connector_make
  assert_success
  assert_line --partial "run the unit tests and the bats file"
}

@test "a connector's tests install what they need, build, and run" {
  connector_file Makefile 'include ../../connector.mk'
  connector_file main.go 'package main'
  connector_file main_test.go 'package main'
  connector_file x-source.bats '  start_pond "$conf"'
  connector_make test
  assert_success
  run cat "$CALLS"
  assert_line --regexp '^install +bats +x-source.bats +go-race$'
  assert_line --regexp '^go tool -modfile=.*/tools/dev/go.mod gotestsum .* go test .* -race .* \./\.\.\.$'
  assert_line --regexp '^go build .* -o bin/ ./tools/patchbay ./connectors/sources/generate-source ./connectors/sinks/stdout-sink .*/connectors/sources/x-source$'
  assert_line "bats x-source.bats"
}

@test "a connector without Go or bats files needs neither" {
  connector_file Makefile 'include ../../connector.mk'
  connector_make test PATCHBAY_BIN_DIR="$TREE/bin"
  assert_success
  run cat "$CALLS"
  refute_line --regexp 'bats|go-race|gotestsum'
}

@test "reports go to PATCHBAY_REPORT_DIR and nothing is built where PATCHBAY_BIN_DIR has it" {
  connector_file Makefile 'include ../../connector.mk'
  connector_file main_test.go 'package main'
  connector_file x-source.bats ''
  PATCHBAY_REPORT_DIR=$SANDBOX/reports
  export PATCHBAY_REPORT_DIR
  mkdir "$PATCHBAY_REPORT_DIR"
  connector_make test PATCHBAY_BIN_DIR="$TREE/bin"
  assert_success
  run cat "$CALLS"
  assert_line --partial "--junitfile $PATCHBAY_REPORT_DIR/go.xml"
  assert_line "bats --formatter junit x-source.bats"
  assert_equal "$(<"$PATCHBAY_REPORT_DIR/bats.xml")" "1..1
ok 1 - ran"
  refute_line --partial "go build"
}

@test "a connector's failing bats file fails its tests and shows the report" {
  connector_file Makefile 'include ../../connector.mk'
  connector_file x-source.bats ''
  PATCHBAY_REPORT_DIR=$SANDBOX SUITE=1 connector_make test PATCHBAY_BIN_DIR="$TREE/bin"
  assert_failure
  assert_line "ok 1 - ran"
}

@test "a connector's own build rule replaces go build" {
  connector_file Makefile 'include ../../connector.mk
build:
	@echo "own $(BIN)" >>"$(CALLS)"'
  connector_make programs
  assert_success
  run cat "$CALLS"
  assert_line --regexp '^own .*/bin/x-source$'
  assert_line --regexp '^go build .* ./tools/patchbay [^"]*-sink$'
}

@test "a connector's own build rule is found however it is written" {
  local rule
  for rule in 'build ::' 'other build more: Makefile' 'build:'; do
    : >"$CALLS"
    connector_file own.mk "$rule
	@echo \"own \$(BIN)\" >>\"\$(CALLS)\""
    connector_file Makefile 'include ../../connector.mk
include own.mk'
    connector_make programs
    assert_success
    run cat "$CALLS"
    assert_line --regexp '^own .*/bin/x-source$'
  done
  connector_file Makefile '.PHONY: build
build := no
rebuild:
include ../../connector.mk'
  : >"$CALLS"
  connector_make programs
  assert_success
  run cat "$CALLS"
  assert_line --regexp '^go build .*/x-source$'
}

@test "metadata prints the document and nothing else" {
  connector_file Makefile 'include ../../connector.mk'
  fake bin/x-source 'echo "{\"command\": \"$*\"}"'
  connector_make metadata
  assert_success
  assert_output '{"command": "metadata"}'
}

@test "make alone prints every target" {
  run make -s -C "$TEST_ROOT"
  assert_success
  local target
  for target in build test catalog browse lint bench new image publish release clean; do
    assert_line --regexp "^  $target +[a-z]"
  done
}
