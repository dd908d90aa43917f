#!/usr/bin/env bats
# patchbay plugin serves real connectors to a c1 host, patchbay install takes c1's manifests, and docs/c1.md works as it is shown.

load ../../test/helper

setup_file() {
  sandbox
  (cd "$TEST_ROOT" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$BATS_FILE_TMPDIR/c1host" ./tools/patchbay/testdata/c1host)
}

# host OPTIONS COMMAND... makes one sync as a c1 host: it prints what it gets, a JSON object a line.
host() { "$BATS_FILE_TMPDIR/c1host" -options "$1" -- "${@:2}"; }

# values prints the values of all objects that were printed.
values() { jq -r 'select(.page) | .page[].metadata | fromjson | .value'; }

@test "a sync brings pages of objects, and says at the end what it was" {
  run --separate-stderr host $'count: 5\nrate: 0\ntemplate: .sequence' patchbay plugin --page-size 2 -- generate-source
  assert_success
  assert_equal "$(values <<<"$output" | xargs)" "$(seq 5 | xargs)"
  assert_equal "$(jq 'select(.page) | .page | length' <<<"$output" | sort -n | tail -1)" 2
  assert_equal "$(jq -r 'select(.end) | .end | "\(.connector) \(.upserts) \(.deletes)"' <<<"$output")" "generate-source 5 0"
}

@test "options are YAML, JSON or flags, and wrong ones are told to the host" {
  local options
  # shellcheck disable=SC2016 # it is literal
  for options in 'template: "\"${env:HOME}\""' '{"template": "\"${env:HOME}\""}' "--template '\"\${env:HOME}\"'"; do
    run --separate-stderr host "$options" patchbay plugin -- generate-source --count 1 --rate 0
    assert_success
    # shellcheck disable=SC2016
    assert_equal "$(values <<<"$output")" '${env:HOME}'
  done
  run --separate-stderr host '--coutn 3' patchbay plugin -- generate-source
  assert_failure 1
  assert_output --partial 'did you mean'
  assert_output --partial '"code":"InvalidArgument"'
  run --separate-stderr host '' patchbay plugin -- stdout-sink
  assert_output --partial 'stdout-sink is a sink'
  run --separate-stderr host '' patchbay plugin -- generat-source
  assert_output --partial 'did you mean generate-source?'
}

@test "only a host starts it" {
  run patchbay plugin -- generate-source
  assert_failure 2
  assert_output --partial "is started by a c1 host"
  run "$BATS_FILE_TMPDIR/c1host" -cookie wrong -- patchbay plugin -- generate-source
  assert_failure 1
  run env BASIC_PLUGIN=hello patchbay plugin --uri '.[' -- generate-source
  assert_failure 2
  assert_output --partial "uri: "
}

@test "a failed source is a failed sync with its last error" {
  run --separate-stderr host '' patchbay plugin --start-timeout 1s -- http-source --endpoint http://127.0.0.1:1/
  assert_failure 1
  assert_equal "$(jq -r .code <<<"$output")" Unknown
  assert_output --partial "connection refused"
}

# first waits for the first page of a started host.
first() { wait_until 20 grep -q '"page"' "$(output "$1")"; }

# child NAME PROGRAM prints the id of a program that the started NAME has started, or a child of its own.
child() {
  local pid parent
  for pid in $(pgrep -x "$2"); do
    for parent in $(ps -o ppid= -p "$pid") $(ps -o ppid= -p "$(ps -o ppid= -p "$pid" | tr -d ' ')"); do
      [[ $parent != "$(<"$SANDBOX/started/$1.pid")" ]] || echo "$pid"
    done
  done | head -1
}

@test "a source that is killed is replaced, and nothing is lost" {
  seq 20000 >"$SANDBOX/in"
  start sync "$BATS_FILE_TMPDIR/c1host" -options "path: $SANDBOX/in" -- patchbay plugin -- file-source
  first sync
  kill -KILL "$(child sync file-source)"
  wait_until 30 ended sync
  assert_equal "$(values <"$(output sync)" | sort -un | md5sum)" "$(seq 20000 | md5sum)"
  assert_equal "$(<"$SANDBOX/started/sync.status")" 0
  grep -q "starting it again" "$(errors sync)"
}

@test "the end of the host is the end of all, and the next sync goes on" {
  seq 5000 >"$SANDBOX/in"
  start sync "$BATS_FILE_TMPDIR/c1host" -options "path: $SANDBOX/in" -hold 9 -- patchbay plugin --state "$SANDBOX/state" -- file-source
  first sync
  stop sync KILL || true
  wait_until 5 none_left
  run compgen -G "$TMPDIR/patchbay-plugin-*" # where the options were
  assert_failure
  run --separate-stderr host "path: $SANDBOX/in" patchbay plugin --state "$SANDBOX/state" -- file-source
  assert_success
  assert_equal "$(cat "$(output sync)" - <<<"$output" | values | sort -un | md5sum)" "$(seq 5000 | md5sum)"
  echo more >>"$SANDBOX/in"
  run --separate-stderr host "path: $SANDBOX/in" patchbay plugin --state "$SANDBOX/state" -- file-source
  assert_equal "$(values <<<"$output")" more
}

@test "SIGTERM ends a sync, and the host hears of it" {
  start sync "$BATS_FILE_TMPDIR/c1host" -options 'rate: 1000' -- patchbay plugin -- generate-source --count 1000000
  first sync
  kill -TERM "$(child sync patchbay)"
  wait_until 15 ended sync
  assert_equal "$(<"$SANDBOX/started/sync.status")" 1
}

@test "secrets reach the source and neither the process list nor the log" {
  start sync "$BATS_FILE_TMPDIR/c1host" -options "$(printf 'endpoint: http://127.0.0.1:1/\nbearer-token: very%s' secret)" -- patchbay plugin -- http-source
  wait_until 10 grep -q "http-source" "$(errors sync)"
  wait_until 10 pgrep -x http-source
  run bash -c 'tr "\0" "\n" <"/proc/$(pgrep -x http-source | head -1)/cmdline"; tr "\0" "\n" <"/proc/$(pgrep -x patchbay | head -1)/cmdline"'
  refute_output --partial verysecret
  run grep -c verysecret "$(errors sync)"
  assert_output --regexp '^[01]$' # the peer itself logs how it was started
  stop sync || true
}

# manifest KEY=VALUE... writes a manifest of a folder with a script.
manifest() {
  mkdir -p "$SANDBOX/folder"
  printf '#!/bin/sh\nexec patchbay plugin -- generate-source --rate 0\n' >"$SANDBOX/folder/start"
  jq -n '{name: "numbers", source: "Local", uri: "folder", install_command: "chmod +x start", command: "./start"}
    | reduce ($ARGS.positional[] | split("=")) as [$k, $v] (.; .[$k] = $v)' --args "$@" >"$SANDBOX/numbers.json"
}

@test "a manifest is installed, started by a host, updated and removed" {
  manifest description=x
  run patchbay install "$SANDBOX/numbers.json" </dev/null
  assert_failure 2
  assert_output --partial "chmod +x start"
  assert_output --partial "confirm it with --yes"
  run patchbay install --list
  assert_output ""
  run patchbay install --yes "$SANDBOX/numbers.json"
  assert_success
  run --separate-stderr host 'count: 3' "$XDG_DATA_HOME/patchbay/installed/numbers/run"
  assert_success
  assert_equal "$(jq -r 'select(.end) | .end.upserts' <<<"$output")" 3
  run patchbay install --yes --name more "$SANDBOX/numbers.json"
  assert_success
  run patchbay install --list
  assert_line --regexp '^more +Local .*/more/run$'
  assert_line --regexp '^numbers +Local .*/numbers/run$'
  run patchbay install --yes "$SANDBOX/numbers.json"
  assert_failure 2
  run patchbay install --yes --update "$SANDBOX/numbers.json"
  assert_success
  run patchbay install --remove numbers
  assert_success
  [[ ! -e $XDG_DATA_HOME/patchbay/installed/numbers ]]
}

@test "a shell needs a word of its own, and a command that fails installs nothing" {
  manifest 'install_command=touch a && touch b'
  run patchbay install --yes "$SANDBOX/numbers.json" </dev/null
  assert_failure 2
  assert_output --partial "confirm them with --yes --allow-shell"
  run patchbay install --yes --allow-shell "$SANDBOX/numbers.json"
  assert_success
  manifest install_command=false
  run patchbay install --yes --name other "$SANDBOX/numbers.json"
  assert_failure 1
  assert_line --partial "install: false: exit status 1"
  [[ ! -e $XDG_DATA_HOME/patchbay/installed/other ]]
  manifest commnad=x
  run patchbay install --yes "$SANDBOX/numbers.json"
  assert_failure 2
  assert_output --partial "did you mean command?"
}

@test "a manifest of the catalog installs and updates a connector from a clone, without a shell" {
  # A repository with the real rules, and programs that build in no time.
  local repository=$SANDBOX/repository folder manifest
  program() { mkdir -p "$repository/$1" && printf 'package main\n\nfunc main() { println("%s") }\n' "$2" >"$repository/$1/main.go"; }
  committed() { git -C "$repository" add -A && git -C "$repository" -c user.name=x -c user.email=x@x -c commit.gpgsign=false commit -qm "$1"; }
  for folder in tools/patchbay connectors/sources/generate-source connectors/sinks/stdout-sink; do program "$folder" "$folder"; done
  program connectors/sources/sample-source one
  cp "$TEST_ROOT/connectors/connector.mk" "$repository/connectors/"
  echo 'include ../../connector.mk' >"$repository/connectors/sources/sample-source/Makefile"
  printf 'module example.com/m\n\ngo 1.26\n' >"$repository/go.mod"
  printf 'bin/\n' >"$repository/.gitignore"
  git init -q "$repository"
  committed one
  manifest=$TEST_ROOT/tools/catalogen/internal/hosts/testdata/c1-sample-source.json
  jq --arg uri "$repository" '.uri = $uri' "$manifest" >"$SANDBOX/sample.json"
  installed() { "$XDG_DATA_HOME/patchbay/installed/sample-source/source/bin/sample-source" 2>&1; }
  run env -u PATCHBAY_BIN_DIR "$PATCHBAY_BIN_DIR/patchbay" install --yes "$SANDBOX/sample.json" </dev/null
  assert_success
  assert_equal "$(installed)" one
  program connectors/sources/sample-source two
  committed two
  run env -u PATCHBAY_BIN_DIR "$PATCHBAY_BIN_DIR/patchbay" install --yes --update "$SANDBOX/sample.json" </dev/null
  assert_success
  assert_equal "$(installed)" two
}

@test "the examples of docs/c1.md do what they say" {
  cd "$SANDBOX" || return
  # block N prints the Nth block of code.
  block() { awk -v n="$1" '/^```/ { inside = !inside; on = inside && ++i == n; next } on' "$TEST_ROOT/docs/c1.md"; }
  printf '%s\n' '{"id": 7, "total": 3}' '{"id": 8, "total": 30}' >orders.jsonl
  read -ra command < <(block 1)
  run --separate-stderr host "$(block 2)" "${command[@]}"
  assert_success
  assert_equal "$(jq -r 'select(.page) | .page[] | "\(.remote_id) \(.resource_name)"' <<<"$output")" "8 order 8"
  block 4 >orders.json
  mkdir -p connector && printf '#!/bin/sh\n%s\n' "exec $(block 1)" >connector/start
  run bash -euxc "$(block 5)"
  assert_success
  assert_output --partial "orders"
}
