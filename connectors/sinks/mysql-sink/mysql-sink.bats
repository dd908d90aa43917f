#!/usr/bin/env bats
# mysql-sink against a real MariaDB.

load ../../../test/helper

setup() {
  sandbox
  export MYSQL_SINK_PASSWORD=sesame
}

# sink ARG... runs the sink on standard input, as CloudEvents, for the table t.
sink() {
  mysql-sink --topic - --topic-format cloudevents --address "127.0.0.1:$MARIADB_PORT" --username patchbay --database test \
    --table t --key id "$@"
}

# rows prints the table, has_rows N succeeds once it has N rows or more.
rows() { mariadb_sql "SELECT * FROM t ORDER BY id"; }
has_rows() { [[ $(mariadb_sql "SELECT COUNT(*) FROM t") -ge $1 ]]; }

# event KEY OP DATA prints a record as a CloudEvent.
event() {
  jq -nc --arg key "$1" --arg op "$2" --argjson data "$3" \
    '{specversion: "1.0", id: "\($key)-\($op)", source: "test", type: "test", partitionkey: $key, $data} + if $op == "delete" then {patchbayop: $op} else {} end'
}

# numbered N prints a jq template of rows whose ids begin behind N.
numbered() { echo "{id: (.sequence + $1), v: \"row \\(.sequence + $1)\"}"; }

@test "metadata describes the sink" {
  run --separate-stderr mysql-sink metadata
  assert_success
  assert_equal "$(jq -r '[.name, .direction] | join(" ")' <<<"$output")" "mysql-sink sink"
  assert_equal "$(jq -c '.schema | [(.required | sort), .properties.password.writeOnly]' <<<"$output")" \
    '[["database","table","topic","username"],true]'
}

@test "every wrong option is told at once, with status 2" {
  run mysql-sink validate --topic - --address example.com --mode replace --tls maybe --unknown-fields drop --timeout 0s
  assert_failure 2
  for option in address username database table mode tls unknown-fields timeout; do
    assert_line --partial -- "--$option:"
  done
}

@test "the commands of the README work" {
  local block=""
  # shellcheck disable=SC2016 # the backquotes are those of the README
  block=$(sed -n '/^<!-- tested -->$/,/^```$/{/^<!-- tested -->$/d;/^```/d;p}' "$BATS_TEST_DIRNAME/README.md")
  [[ -n $block ]]
  start_mariadb
  mariadb() { command mariadb --no-defaults --host=127.0.0.1 --port="$MARIADB_PORT" --user=patchbay --password=sesame --batch --skip-column-names "$@"; }
  export -f mariadb
  run --separate-stderr bash -euo pipefail -c "${block//127.0.0.1:3306/127.0.0.1:$MARIADB_PORT}"
  assert_success
  assert_output $'1\tAnn\tBath\n3\tCleo\tNULL'
}

@test "check says whether the table is there and fits, and changes nothing" {
  start_mariadb
  run sink check
  assert_failure 1
  assert_line --partial "database test has no table t"
  mariadb_sql "CREATE TABLE t (id INT)"
  run sink check
  assert_failure 1
  assert_line --partial "table t has no primary key or unique index on just id"
  mariadb_sql "ALTER TABLE t ADD PRIMARY KEY (id)"
  run sink check
  assert_success
  assert_output "system: ok"
  MYSQL_SINK_PASSWORD=barley run sink check
  assert_failure 1
  assert_line --partial "Access denied for user 'patchbay'"
  refute_output --partial barley
  stop mariadb
  run sink check
  assert_failure 1
  assert_line --partial "connection refused"
}

@test "discover lists the tables, and what it prints is all that a run needs" {
  start_mariadb
  mariadb_sql "CREATE TABLE log (v TEXT); CREATE TABLE people (id INT PRIMARY KEY, v TEXT)"
  discover() { mysql-sink discover --address "127.0.0.1:$MARIADB_PORT" --username patchbay; }
  run --separate-stderr discover
  assert_success
  assert_output '{"name":"test.log","options":{"database":"test","mode":"insert","table":"log"}}
{"name":"test.people","options":{"database":"test","key":["id"],"table":"people"}}'
  while IFS= read -r line; do
    jq .options <<<"$line" | jq '{topic: "-", parameters: .}' >"$SANDBOX/found.json"
    run mysql-sink check --config "$SANDBOX/found.json" --address "127.0.0.1:$MARIADB_PORT" --username patchbay
    assert_output "system: ok"
  done < <(discover)
  MYSQL_SINK_PASSWORD=barley run discover
  assert_failure 1
  assert_output --partial "mysql-sink: discover: connect to 127.0.0.1:$MARIADB_PORT: Error 1045 (28000): Access denied"
  assert_equal "${#lines[@]}" 1
  run mysql-sink discover
  assert_failure 2
  assert_output --partial "mysql-sink: --username: is required"
  assert_equal "${#lines[@]}" 1
}

@test "upserts and deletes mirror what the records say" {
  start_mariadb
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)"
  {
    event 1 upsert '{"id":1,"v":"a"}'
    event 2 upsert '{"id":2,"v":"b"}'
    event 3 upsert '{"id":3,"v":"c"}'
    event 2 delete null
    event 1 upsert '{"id":1,"v":"A"}'
    event 3 delete '{"id":3}'
  } >"$SANDBOX/events"
  for _ in 1 2; do # the second time as after a restart
    sink <"$SANDBOX/events"
    assert_equal "$(rows)" $'1\tA'
  done
}

@test "what the table refuses goes to the error policy" {
  start_mariadb
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(3))"
  records() { event 1 upsert '{"id":1,"v":"a"}' && event 2 upsert '{"id":2,"v":"long"}' && event 3 upsert '{"id":3,"v":"c"}'; }
  run sink < <(records)
  assert_failure 1
  assert_line --partial "table t refuses the record: Error 1406 (22001): Data too long for column 'v'"
  assert_equal "$(rows)" $'1\ta'
  run sink --on-error skip < <(records)
  assert_success
  assert_line --partial "record skipped"
  assert_equal "$(rows)" $'1\ta\n3\tc'
}

@test "a user with rights on the table alone is enough" {
  start_mariadb
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY, v TEXT);
    CREATE USER few@'%' IDENTIFIED BY 'sesame'; GRANT SELECT, INSERT, UPDATE, DELETE ON test.t TO few@'%'"
  sink --username few < <(event 1 upsert '{"id":1,"v":"a"}' && event 2 upsert '{"id":2}' && event 1 delete null)
  assert_equal "$(rows)" $'2\tNULL'
}

@test "over TLS, and with the server's certificate checked" {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$SANDBOX/key.pem" -out "$SANDBOX/cert.pem" 2>/dev/null
  start_mariadb --ssl-cert="$SANDBOX/cert.pem" --ssl-key="$SANDBOX/key.pem"
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY); ALTER USER patchbay@'%' REQUIRE SSL"
  sink < <(event 1 upsert '{"id":1}') # prefer
  sink --tls require < <(event 2 upsert '{"id":2}')
  sink --tls verify --ca-file "$SANDBOX/cert.pem" < <(event 3 upsert '{"id":3}')
  run sink --tls verify < <(event 4 upsert '{"id":4}')
  assert_failure 1
  assert_line --partial "certificate signed by unknown authority"
  run sink --tls off < <(event 5 upsert '{"id":5}')
  assert_failure 1
  assert_line --partial "Access denied"
  assert_equal "$(rows)" $'1\n2\n3'
}

@test "a server that does not offer TLS" {
  start_mariadb
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY)"
  sink < <(event 1 upsert '{"id":1}') # prefer
  run sink --tls require < <(event 2 upsert '{"id":2}')
  assert_failure 1
  assert_line --partial "the server does not offer TLS; choose --tls prefer or off"
  assert_equal "$(rows)" 1
}

@test "with --once, a server that is away is status 1" {
  MARIADB_PORT=$(free_port)
  run sink --once --start-timeout 500ms < <(event 1 upsert '{"id":1}')
  assert_failure 1
  assert_line --partial "mysql-sink: connect to 127.0.0.1:$MARIADB_PORT: "
  assert_line --partial "connection refused"
}

@test "a server that is killed and starts again loses and repeats nothing" {
  start_mariadb --innodb-flush-log-at-trx-commit=1
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)"
  start broker patchbay broker
  wait_until 10 patchbay broker status
  generate-source --topic rows --rate 0 --max-records 5000 --template "$(numbered 0)"
  start sink mysql-sink --topic rows --address "127.0.0.1:$MARIADB_PORT" --username patchbay --database test --table t --key id \
    --batch-size 20 --retry-max-wait 200ms
  wait_until 20 has_rows 200
  stop mariadb KILL || true
  wait_until 20 grep -q "connection refused" "$(errors sink)"
  run_mariadb --innodb-flush-log-at-trx-commit=1
  wait_until 60 has_rows 5000
  stop sink
  assert_equal "$(mariadb_sql "SELECT COUNT(*), MIN(id), MAX(id), SUM(v = CONCAT('row ', id)) FROM t")" $'5000\t1\t5000\t5000'
}

@test "a sink that is killed goes on where it was" {
  start_mariadb
  mariadb_sql "CREATE TABLE t (id INT PRIMARY KEY, v TEXT)"
  start broker patchbay broker
  wait_until 10 patchbay broker status
  generate-source --topic rows --rate 0 --max-records 3000 --template "$(numbered 0)"
  local sink=(mysql-sink --topic rows --address "127.0.0.1:$MARIADB_PORT" --username patchbay --database test --table t --key id)
  start sink "${sink[@]}" --batch-size 10
  wait_until 20 has_rows 100
  stop sink KILL || true
  [[ $(mariadb_sql "SELECT COUNT(*) FROM t") -lt 3000 ]]
  start sink "${sink[@]}"
  wait_until 60 has_rows 3000
  stop sink
  assert_equal "$(mariadb_sql "SELECT COUNT(*), MIN(id), MAX(id) FROM t")" $'3000\t1\t3000'
}
