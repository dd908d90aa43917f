# shellcheck shell=bash
# MariaDB, for tests of connectors that speak to it or to MySQL.
# needs: mariadbd mariadb-server
# needs: mariadb mariadb-client
# needs: openssl openssl

# start_mariadb [OPTION...] starts MariaDB on a free port, with an empty database test and a user patchbay, password sesame,
# who may do everything in it. Exported: MARIADB_PORT, MARIADB_SOCKET, where root needs no password, and MARIADB_DIR. It ends
# with the test, or with `stop mariadb`; run_mariadb [OPTION...] starts it again with the data it had.
start_mariadb() {
  local template=$BATS_FILE_TMPDIR/mariadb-template
  MARIADB_PORT=$(free_port)
  MARIADB_DIR=$(mktemp -d "$SANDBOX/mariadb.XXXXXX")
  export MARIADB_PORT MARIADB_DIR MARIADB_SOCKET=$MARIADB_DIR/socket
  if [[ ! -d $template ]]; then # made once a file: a copy is faster
    mkdir -p "$template.new/data"
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$template.new/data" --skip-test-db --skip-name-resolve \
      --auth-root-authentication-method=normal >"$template.log" 2>&1 || { cat "$template.log" >&2 && return 1; }
    mv "$template.new" "$template"
  fi
  cp -a "$template/data" "$MARIADB_DIR/data"
  run_mariadb "$@"
  mariadb_sql "CREATE DATABASE test; CREATE USER patchbay@'%' IDENTIFIED BY 'sesame'; GRANT ALL ON test.* TO patchbay@'%'"
}

# run_mariadb [OPTION...] starts the server that start_mariadb has made, and waits until it answers.
run_mariadb() {
  start mariadb mariadbd --no-defaults --user="$(id -un)" --datadir="$MARIADB_DIR/data" --socket="$MARIADB_SOCKET" \
    --bind-address=127.0.0.1 --port="$MARIADB_PORT" --pid-file="$MARIADB_DIR/pid" --skip-name-resolve \
    --innodb-buffer-pool-size=16M --innodb-flush-log-at-trx-commit=0 "$@"
  wait_until 20 mariadb-admin --no-defaults --socket="$MARIADB_SOCKET" --user=root ping
}

# mariadb_sql SQL runs statements as root in the database test, if there is one, and prints what they return.
mariadb_sql() {
  mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root --batch --skip-column-names \
    --init-command="SET time_zone = '+00:00'" -e "$1" "$([[ ! -d $MARIADB_DIR/data/test ]] || echo test)"
}
