#!/usr/bin/env bats
# install.sh, in a copy that sees only the commands of $COMMANDS: fakes of apt-get, apt-cache, id and sudo among them.

load helper

setup() {
  sandbox
  COMMANDS=$SANDBOX/commands COPY=$SANDBOX/test
  export CALLS=$SANDBOX/calls KNOWN=$SANDBOX/known
  mkdir -p "$COMMANDS" "$COPY/servers"
  cp "$TEST_ROOT/test/install.sh" "$COPY/"
  echo "# needs: pond pond-server" >"$COPY/servers/pond.bash"
  echo "# needs: lake lake-server" >"$COPY/servers/lake.bash"
  local name
  for name in bash basename dirname env flock grep mkdir mktemp rm sed tail touch; do
    ln -s "$(command -v "$name")" "$COMMANDS/$name"
  done
  fake id 'echo 0'
  # Package lists are lines of name and version in $KNOWN.
  fake apt-cache 'shift; for p; do v=$(sed -n "s/^$p //p" "$KNOWN"); echo "  Candidate: ${v:-(none)}"; done'
  fake apt-get 'echo "apt-get $*" >>"$CALLS"'
  touch "$CALLS"
  printf '%s 1.0\n' pond-server lake-server jq gcc libc6-dev nodejs npm >"$KNOWN"
}

# fake NAME SCRIPT makes a command.
fake() {
  printf '#!/bin/bash\n%s\n' "$2" >"$COMMANDS/$1"
  chmod +x "$COMMANDS/$1"
}

install_sh() { run env PATH="$COMMANDS" "$COPY/install.sh" "$@"; }

# calls prints the apt-get commands without the options that every call has.
calls() { sed 's/-qq.*=300 //' "$CALLS"; }

@test "installs nothing where nothing is missing" {
  fake pond :
  install_sh pond
  assert_success
  assert_output ""
  assert_equal "$(calls)" ""
}

@test "a check installs nothing, and fails with what is missing where it could not be installed" {
  install_sh --check servers
  assert_success
  assert_output ""
  assert_equal "$(calls)" ""
  fake id 'echo 1000'
  install_sh --check servers
  assert_failure 1
  assert_output "test/install.sh: please run as root: apt-get update && apt-get install lake-server pond-server"
}

@test "as root installs just what is missing and says so in one line" {
  fake pond :
  install_sh servers
  assert_success
  assert_output "test/install.sh: installing lake-server"
  assert_equal "$(calls)" "apt-get install -y --no-install-recommends lake-server"
}

@test "installs the servers that a bats file starts" {
  printf '@test "x" {\n  start_lake "$conf"\n  restart_pond\n}\n' >"$SANDBOX/x.bats"
  install_sh "$SANDBOX/x.bats"
  assert_success
  assert_output "test/install.sh: installing lake-server"
  install_sh "$SANDBOX/y.bats"
  assert_failure 1
  assert_output "test/install.sh: no file $SANDBOX/y.bats"
}

@test "without root or sudo names the packages and fails with one line" {
  fake id 'echo 1000'
  install_sh servers
  assert_failure 1
  assert_output "test/install.sh: please run as root: apt-get update && apt-get install lake-server pond-server"
  assert_equal "$(calls)" ""
}

@test "a sudo that asks for a password counts as none" {
  fake id 'echo 1000'
  fake sudo 'exit 1'
  install_sh pond
  assert_failure 1
  assert_output "test/install.sh: please run as root: apt-get update && apt-get install pond-server"
}

@test "without root uses sudo where it asks for no password" {
  fake id 'echo 1000'
  fake sudo 'echo "sudo $1" >>"$CALLS"; shift; "$@" 2>/dev/null || [[ $1 == true ]]'
  install_sh pond
  assert_success
  assert_equal "$(calls)" "sudo -n
sudo -n
apt-get install -y --no-install-recommends pond-server"
}

@test "without root needs none where nothing is missing" {
  fake id 'echo 1000'
  fake pond :
  install_sh pond
  assert_success
}

@test "without apt-get names the packages and fails with one line" {
  rm "$COMMANDS/apt-get"
  install_sh pond
  assert_failure 1
  assert_output "test/install.sh: please install, by the means of this system: pond-server"
}

@test "reads the package lists anew when they lack a package" {
  : >"$KNOWN"
  install_sh pond
  assert_success
  assert_equal "$(calls)" "apt-get update
apt-get install -y --no-install-recommends pond-server"
}

@test "reads the package lists anew and tries again when they are stale" {
  fake apt-get 'echo "apt-get $*" >>"$CALLS"; [[ $* != *install* || -e $CALLS.again ]] || { touch "$CALLS.again"; exit 100; }'
  install_sh pond
  assert_success
  assert_equal "$(calls)" "apt-get install -y --no-install-recommends pond-server
apt-get update
apt-get install -y --no-install-recommends pond-server"
}

@test "fails with apt-get's own reason" {
  fake apt-get 'echo "E: Unable to fetch some archives"; exit 100'
  install_sh pond
  assert_failure 1
  assert_line --index 1 "test/install.sh: apt-get install pond-server: E: Unable to fetch some archives"
  assert_equal "${#lines[@]}" 2
}

@test "leaves out a Chromium that is only a snap stub, loudly, and installs the rest" {
  echo "chromium 2:1snap1-0ubuntu2" >>"$KNOWN"
  fake chromium-browser 'echo "requires the chromium snap" >&2; exit 1'
  install_sh browser
  assert_success
  assert_line --partial "the browser test will be SKIPPED"
  assert_line "test/install.sh: installing nodejs npm"
}

@test "installs a Chromium that is real" {
  echo "chromium 156.0" >>"$KNOWN"
  install_sh browser
  assert_success
  assert_output "test/install.sh: installing chromium nodejs npm"
}

@test "fetches the browser test's packages once for each lock file" {
  local name
  for name in chromium node; do fake "$name" :; done
  fake npm 'echo "npm $*" >>"$CALLS"; mkdir -p "$2/node_modules"; touch "$2/node_modules/.package-lock.json"'
  mkdir "$COPY/browser"
  touch -d 2020-01-01 "$COPY/browser/package-lock.json"
  install_sh browser
  assert_success
  assert_output "test/install.sh: npm ci in test/browser"
  install_sh browser
  assert_output ""
  assert_equal "$(calls)" "npm --prefix $COPY/browser ci --no-audit --no-fund --loglevel=error"
}

@test "builds a server that is a Go program, once for each version" {
  echo "# needs: river example.com/river/cmd/river@v1.2.0" >"$COPY/servers/river.bash"
  fake go 'case $1 in
    install) echo "go $1 ${@: -1} to $GOBIN" >>"$CALLS"; mkdir -p "$GOBIN"; echo "${@: -1}" | sed s/.*@// >"$GOBIN/river" ;;
    version) [[ -r $3 ]] && printf "%s: go1.26\n\tmod\texample.com/river\t%s\th1:x=\n" "$3" "$(<"$3")" ;;
  esac'
  install_sh river
  assert_success
  assert_output "test/install.sh: building example.com/river/cmd/river@v1.2.0, which takes some minutes"
  install_sh river
  assert_success
  assert_output ""
  sed -i s/v1.2.0/v1.2.1/ "$COPY/servers/river.bash"
  install_sh river
  assert_success
  assert_equal "$(calls)" "go install example.com/river/cmd/river@v1.2.0 to $COPY/bin
go install example.com/river/cmd/river@v1.2.1 to $COPY/bin"
}

@test "builds Go programs while packages are installed, and fails if either does" {
  echo "# needs: river example.com/river/cmd/river@v1.2.0" >"$COPY/servers/river.bash"
  ln -s "$(command -v sleep)" "$COMMANDS/sleep"
  local await='for _ in {1..200}; do ! grep -q apt-get "$CALLS" || break; sleep 0.05; done; grep -q apt-get "$CALLS"'
  fake go "[[ \$1 != version ]] || exit 1; $await"
  install_sh river pond
  assert_success
  fake go "$await && exit 1"
  install_sh river pond
  assert_failure 1
}

@test "without Go says what needs it" {
  echo "# needs: river example.com/river/cmd/river@v1.2.0" >"$COPY/servers/river.bash"
  install_sh river
  assert_failure 1
  assert_output "test/install.sh: please install Go, to build example.com/river/cmd/river@v1.2.0"
}

@test "fails with Go's own reason" {
  echo "# needs: river example.com/river/cmd/river@v1.2.0" >"$COPY/servers/river.bash"
  fake go 'echo "go: no such version" >&2; exit 1'
  install_sh river
  assert_failure 1
  assert_line --index 1 "test/install.sh: go install example.com/river/cmd/river@v1.2.0: go: no such version"
}

@test "refuses a group that it does not know" {
  install_sh ../servers/pond
  assert_failure 1
  assert_output --partial "no group called '../servers/pond'"
}

@test "every server file names its needs and defines start_NAME" {
  local file name
  for file in "$TEST_ROOT"/test/servers/*.bash; do
    name=$(basename "$file" .bash)
    grep -q '^# needs: [^ ]* [^ ]*$' "$file"
    [[ $(type -t "start_$name") == function ]]
  done
}
