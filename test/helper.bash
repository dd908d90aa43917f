# shellcheck shell=bash
# helper.bash is loaded by every bats file: `load ../../../test/helper`. Each test runs in a sandbox of its own, and
# whatever it started ends with it. A file that defines its own setup or teardown calls sandbox or clean_up there.

bats_require_minimum_version 1.5.0 # for run --separate-stderr
TEST_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATCHBAY_BIN_DIR=${PATCHBAY_BIN_DIR:-$TEST_ROOT/bin} # where the programs under test are

for library in bats-support bats-assert; do
  for folder in "${BATS_LIB_PATH:-/none}" /usr/lib/bats /usr/share/bats; do
    if [[ -r $folder/$library/load.bash ]]; then
      # shellcheck source=/dev/null
      source "$folder/$library/load.bash"
      break
    fi
  done
done
for server in "$TEST_ROOT"/test/servers/*.bash; do
  # shellcheck source=/dev/null
  source "$server"
done
unset library folder server

setup() { sandbox; }
teardown() { clean_up; }

# sandbox gives the test (or the file, in setup_file) an empty home, a temporary folder and state of its own, under $SANDBOX,
# and no PATCHBAY_ variable but PATCHBAY_BIN_DIR. PATH finds the programs under test first. Go keeps its caches, which are
# shared on purpose.
sandbox() {
  local name
  export SANDBOX=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
  if command -v go >/dev/null; then
    { read -r GOCACHE && read -r GOMODCACHE; } < <(go env GOCACHE GOMODCACHE)
    export GOCACHE GOMODCACHE
  fi
  unset MAKEFLAGS MFLAGS MAKELEVEL # of a make that runs the tests
  for name in $(compgen -e); do
    [[ $name != PATCHBAY_* || $name == PATCHBAY_BIN_DIR ]] || unset "$name"
  done
  export HOME=$SANDBOX/home TMPDIR=$SANDBOX/tmp
  export XDG_RUNTIME_DIR=$SANDBOX/run XDG_CONFIG_HOME=$HOME/.config XDG_CACHE_HOME=$HOME/.cache
  export XDG_DATA_HOME=$HOME/.local/share XDG_STATE_HOME=$HOME/.local/state
  export PATH=$PATCHBAY_BIN_DIR:$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
  mkdir -p "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR" "$SANDBOX/started"
  chmod 700 "$XDG_RUNTIME_DIR"
}

# clean_up ends everything the test started, the sandbox's local broker included, and shows the logs of a test that failed.
# A process that outlives its end is killed, and the test fails.
clean_up() {
  local file pid left=()
  [[ -n ${SANDBOX:-} ]] || return 0
  for file in "$SANDBOX"/started/*.pid; do
    [[ ! -e $file ]] || stop "$(basename "$file" .pid)" >/dev/null || true
  done
  if [[ -n $(ls -A "$XDG_RUNTIME_DIR") && -x $PATCHBAY_BIN_DIR/patchbay ]]; then
    "$PATCHBAY_BIN_DIR/patchbay" broker stop >"$SANDBOX/started/broker-stop.err" 2>&1 || true
  fi
  if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
    for file in "$SANDBOX"/started/*.err; do
      [[ ! -s $file ]] || { echo "# $(basename "$file"):" && tail -n 20 "$file"; }
    done
  fi
  wait_until 3 none_left || true
  for pid in $(processes_left); do
    left+=("$(tr '\0' ' ' <"/proc/$pid/cmdline")")
    kill -KILL "$pid" || true
  done
  [[ ${#left[@]} -eq 0 ]] || { printf '# left running by the test: %s\n' "${left[@]}" && return 1; }
}

# processes_left prints the ids of processes that were started in this sandbox and still run.
processes_left() {
  local home=$HOME
  # With a home of their own, or grep and cut would find each other.
  (export HOME=/ && grep -lzxF "HOME=$home" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3)
}

none_left() { [[ -z $(processes_left) ]]; }

# connector NAME prints the path of a connector's binary and fails if it was not built.
connector() {
  [[ -x $PATCHBAY_BIN_DIR/$1 ]] || { echo "$PATCHBAY_BIN_DIR/$1 is missing: run make build" >&2 && return 1; }
  echo "$PATCHBAY_BIN_DIR/$1"
}

# wait_until SECONDS COMMAND... runs COMMAND again and again until it succeeds, and fails when the time is over.
wait_until() {
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || { echo "timed out waiting for: $*" >&2 && return 1; }
    sleep 0.05
  done
}

# start NAME COMMAND... runs COMMAND in the background. What it prints goes to $(output NAME) and $(errors NAME).
start() {
  local name=$1
  shift
  if [[ -e $SANDBOX/started/$name.pid ]] && running "$name"; then
    echo "start: $name runs already; stop it first, or choose another name" >&2
    return 1
  fi
  rm -f "$SANDBOX/started/$name".{pid,status}
  (
    "$@" >"$SANDBOX/started/$name.out" 2>"$SANDBOX/started/$name.err" &
    echo $! >"$SANDBOX/started/$name.pid"
    status=0
    wait $! || status=$?
    echo "$status" >"$SANDBOX/started/$name.status"
  ) 3>&- &
  wait_until 5 test -s "$SANDBOX/started/$name.pid"
}

# output NAME prints the path of what the started NAME wrote to standard output, errors NAME to standard error.
output() { echo "$SANDBOX/started/$1.out"; }
errors() { echo "$SANDBOX/started/$1.err"; }

# running NAME succeeds while the started NAME runs.
running() { [[ -e $SANDBOX/started/$1.pid && ! -s $SANDBOX/started/$1.status ]]; }

# ended NAME succeeds once the started NAME has ended.
ended() { ! running "$1"; }

# stop NAME [SIGNAL] asks the started NAME to end, by TERM unless SIGNAL says otherwise, waits for it, and returns its exit
# status. One that does not end within 10 seconds is killed.
stop() {
  local name=$1 pid
  pid=$(<"$SANDBOX/started/$name.pid")
  ! running "$name" || kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
  if ! wait_until 10 ended "$name"; then
    echo "$name did not end within 10 seconds of ${2:-TERM}" >&2
    kill -s KILL "$pid" && wait_until 5 ended "$name"
  fi
  return "$(<"$SANDBOX/started/$name.status")"
}

# port_answers PORT succeeds if something on loopback accepts connections there.
port_answers() { (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port prints a TCP port that nothing listens on, below the range that the kernel hands out by itself.
free_port() {
  local port
  for _ in {1..50}; do
    port=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
    port_answers "$port" || { echo "$port" && return; }
  done
  echo "no free port found" >&2 && return 1
}

# plain COMMAND... runs a command with the user's own PATH: bats puts folders in front of it in which `bats` is another program.
plain() { PATH=${PATH//"$BATS_LIBEXEC":/} "$@"; }
