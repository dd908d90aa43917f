#!/usr/bin/env bats
# sqlite-sink as a user and as a driver see it. It needs nothing of the repository but bats: examples are to be copied.

setup() {
  export PATH=${PATCHBAY_BIN_DIR:?say where sqlite-sink is, or call make test}:$PATH
  cd "$BATS_TEST_TMPDIR" || return 1
}

# rows [TABLE] prints the keys and values of a table.
rows() {
  python3 - "${1:-records}" <<'PY'
import sqlite3, sys
for row in sqlite3.connect("events.db").execute(f"SELECT key, value FROM {sys.argv[1]} ORDER BY key, value"):
    print(*row)
PY
}

# drive FRAME... runs the sink as a driver does; its frames are in the file frames.
drive() {
  printf '%s\n' '{"link":1}' "$@" | PATCHBAY_ACK_FD=3 sqlite-sink --topic - --acks --name x --database events.db 3>frames
}

@test "lines are kept, also the last one without a newline" {
  printf 'one\ntwo' | sqlite-sink --topic - --database events.db --once
  run rows
  [[ $(cut -d ' ' -f 2 <<<"$output" | sort) == $'one\ntwo' ]]
}

@test "the commands of the README work" {
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  run bash -euo pipefail -c "$block"
  [[ $status -eq 0 && $(rows | wc -l) -eq 2 && $(rows orders) == "a 2" ]]
}

@test "records are acknowledged, replaced by key and deleted" {
  drive '{"record":{"key":"a","value":"1"}}' '{"record":{"key":"b","value":"2"}}' '' '{"record":{"key":"a","value":"3"}}' \
    '{"record":{"key":"b","op":"delete"}}' '{"record":{"id":"7","value_base64":"aGk="}}' '{"stop":true}'
  [[ $(rows) == $'7 b\'hi\'\na 3' ]]
  [[ $(head -n 3 frames) == $'{"link":1}\n{"status":"ready"}\n{"credit":1000}' && $(tail -n 1 frames) == '{"ack":"1-8"}' ]]
}

@test "while another program writes, records are asked for again" {
  sqlite-sink --topic - --database events.db </dev/null
  python3 - <<'PY'
import os, sqlite3, subprocess
db = sqlite3.connect("events.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
frames = b'{"link":1}\n{"record":{"key":"a","value":"1"}}\n{"stop":true}\n'
args = ["sqlite-sink", "--topic", "-", "--acks", "--name", "x", "--database", "events.db", "--busy-timeout", "0"]
assert b'"nack":"1-3","error":"database is locked"' in subprocess.run(args, input=frames, stdout=subprocess.PIPE).stdout
PY
  [[ $(rows) == "" ]]
}

@test "a line that is no frame and a database that cannot be opened are failures" {
  run drive 'hello'
  [[ $status -eq 1 ]]
  run sqlite-sink --topic - --database /nowhere/events.db
  [[ $status -eq 1 && $output == *"/nowhere/events.db: unable to open database file" ]]
}

@test "half a frame at the end is ignored" {
  printf '{"link":1}\n{"record":{"key":"a"}}\n{"rec' | sqlite-sink --topic - --acks --name x --database events.db
  [[ $(rows) == "a " ]]
}

@test "check changes nothing" {
  run sqlite-sink check --topic - --database events.db
  [[ $status -eq 0 && ! -e events.db ]]
  echo "no database at all" >events.db
  run sqlite-sink check --topic - --database events.db
  [[ $status -eq 1 && $output == *"not a database" ]]
  run sqlite-sink check --topic - --database /nowhere/events.db
  [[ $status -eq 1 ]]
}

@test "every problem is listed" {
  run sqlite-sink validate --topic x --tablee y --busy-timeout -1 --acks
  [[ $status -eq 2 && ${#lines[@]} -eq 5 ]]
  [[ $output == *"unknown flag --tablee; did you mean --table?"* && $output == *"--database: is required"* ]]
}

@test "a config file has references, and escapes of them" {
  echo 'from_file' >name
  DB=events.db
  export DB
  # shellcheck disable=SC2016 # the references are for the connector
  echo '{"type": "sqlite-sink", "topic": "-", "parameters": {"database": "${env:DB}", "table": "${file:name}", "busy_timeout": 1}}' >config
  sqlite-sink --config config <<<1
  [[ $(rows from_file) == *" 1" ]]
  # shellcheck disable=SC2016
  echo '{"topic": "-", "parameters": {"database": "$${env:DB}", "tabel": "x"}, "secrets": {"table": "x"}}' >config
  run sqlite-sink validate --config config
  [[ $status -eq 2 && ${#lines[@]} -eq 2 && $output == *"did you mean table?"* ]]
}

@test "a document is JSON as it is defined" {
  run sqlite-sink validate --batch - <<<$'{"database": "x", "topic": "-", "busy-timeout": 1e0}\n{"database": "x", "topic": "-", "busy-timeout": NaN}'
  [[ ${lines[0]} == '{"valid": true, "problems": []}' && ${lines[1]} == *"the line is no JSON"* ]]
}
