#!/usr/bin/env bash
# install.sh installs what tests need and this machine lacks, on Debian and Ubuntu, with root or sudo. What is there is
# left alone. Without root it names the packages and fails. Servers that are Go programs are built by Go, as test/bin/NAME.
#
# Usage: test/install.sh [--check] GROUP...
#   --check   installs nothing, and fails where the rest of this could not begin
#   go-race   a C compiler, for Go's race detector
#   bats      bats and its libraries, jq, curl, python3
#   servers   every server of test/servers; a server's own name (nginx) is a group too
#   X.bats    the servers that a bats file starts by start_NAME
#   browser   a real Chromium, Node.js, and the packages of test/browser
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where servers live, also for users who are not root
missing=()
programs=()

die() {
  printf 'test/install.sh: %s\n' "$1" >&2
  exit 1
}

# need PACKAGE TEST... marks PACKAGE as missing unless the command TEST succeeds.
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

# need_server NAME reads what a server needs from the `# needs: COMMAND PACKAGE` lines of its file. A package with a version
# behind an @ is one of Go.
need_server() {
  local command package
  while read -r command package; do
    if [[ $package != *@* ]]; then
      need "$package" command -v "$command"
    elif ! go version -m "$here/bin/$command" 2>&1 | grep -q "^[[:space:]]mod[[:space:]].*[[:space:]]${package#*@}[[:space:]]"; then
      programs+=("$package")
    fi
  done < <(sed -n 's/^# needs: //p' "$here/servers/$1.bash")
}

# bats_library NAME succeeds where test/helper.bash will find the library.
bats_library() {
  [[ -r /usr/lib/bats/$1/load.bash || -r /usr/share/bats/$1/load.bash || -r ${BATS_LIB_PATH:-/none}/$1/load.bash ]]
}

# chromium_runs succeeds if a browser is there that starts: Ubuntu's chromium-browser is a stub that asks for a snap.
chromium_runs() {
  local browser
  for browser in chromium google-chrome chromium-browser; do
    ! command -v "$browser" >/dev/null || ! "$browser" --version >/dev/null 2>&1 || return 0
  done
  return 1
}

# chromium_is_real succeeds if the package called chromium holds the browser itself.
chromium_is_real() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy chromium | sed -n 's/^ *Candidate: //p')
  [[ -n $candidate && $candidate != "(none)" && $candidate != *snap* ]]
}

# collect GROUP... sets missing to the packages that the groups lack, and programs to those of Go.
collect() {
  local group server
  missing=() programs=()
  for group; do
    case $group in
    go-race)
      need gcc command -v gcc
      need libc6-dev test -e /usr/include/stdlib.h
      ;;
    bats)
      need bats command -v bats
      need bats-support bats_library bats-support
      need bats-assert bats_library bats-assert
      need jq command -v jq
      need python3 command -v python3
      need curl command -v curl
      ;;
    servers)
      for server in "$here"/servers/*.bash; do
        need_server "$(basename "$server" .bash)"
      done
      ;;
    browser)
      need chromium chromium_runs
      need nodejs command -v node
      need npm command -v npm
      ;;
    *.bats)
      [[ -r $group ]] || die "no file $group"
      for server in "$here"/servers/*.bash; do
        server=$(basename "$server" .bash)
        ! grep -qw "start_$server" "$group" || need_server "$server"
      done
      ;;
    *)
      [[ $group =~ ^[a-z0-9-]+$ && -r $here/servers/$group.bash ]] ||
        die "no group called '$group' (go-race, bats, servers, browser, a file of test/servers, or a bats file)"
      need_server "$group"
      ;;
    esac
  done
}

# apt COMMAND... runs apt-get as root without a question, its output kept for the case that it fails.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 \
    -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null
}

# known PACKAGE... succeeds if the package lists hold a candidate for each.
known() {
  [[ $(LC_ALL=C apt-cache policy "$@" | grep -c '^ *Candidate: [^(]') -eq $# ]]
}

# install_missing installs what collect found, and leaves out a Chromium that is only a stub.
install_missing() {
  local wanted=() package
  known "${missing[@]}" || apt update || die "apt-get update: $(tail -n 1 "$log")"
  for package in "${missing[@]}"; do
    if [[ $package == chromium ]] && ! chromium_is_real; then
      echo "test/install.sh: WARNING: no real Chromium in this system's packages: the browser test will be SKIPPED" >&2
    else
      wanted+=("$package")
    fi
  done
  [[ ${#wanted[@]} -gt 0 ]] || return 0
  echo "test/install.sh: installing ${wanted[*]}"
  apt install -y --no-install-recommends "${wanted[@]}" ||
    { apt update && apt install -y --no-install-recommends "${wanted[@]}"; } ||
    die "apt-get install ${wanted[*]}: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")"
}

# go_programs GROUP... builds the programs that the groups lack, one after the other, with the flags of all that is built here,
# so that the standard library is compiled once. All else in them is compiled as fast as can be, for they serve tests only.
go_programs() {
  local package log=$log.go
  exec 8<"$here/servers"
  flock 8 # as below
  collect "$@"
  for package in "${programs[@]}"; do
    echo "test/install.sh: building $package, which takes some minutes"
    CGO_ENABLED=0 GOFLAGS="-trimpath -ldflags=-s" GOBIN=$here/bin go install -gcflags="${package%%/*}/...=-N -l" "$package" \
      >"$log" 2>&1 </dev/null ||
      die "go install $package: $(tail -n 1 "$log")"
  done
}

# npm_packages fetches what test/browser's lock file names, if that was not done since the file changed.
npm_packages() {
  local folder=$here/browser
  [[ -e $folder/package-lock.json && ! $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] || return 0
  echo "test/install.sh: npm ci in test/browser"
  npm --prefix "$folder" ci --no-audit --no-fund --loglevel=error >>"$log" 2>&1 ||
    die "npm ci in test/browser: $(sed -n 's/^npm ERR! //p; s/^npm error //p' "$log" | head -n 2 | tr '\n' ' ')"
}

check=
if [[ ${1-} == --check ]]; then
  check=yes
  shift
fi
[[ $# -gt 0 ]] || die "name what to install: go-race, bats, servers, browser, a file of test/servers, or a bats file"
log=$(mktemp)
trap 'wait; rm -f "$log" "$log.go"' EXIT

collect "$@"
[[ ${#programs[@]} -eq 0 ]] || command -v go >/dev/null || die "please install Go, to build ${programs[*]}"
as_root=()
if [[ ${#missing[@]} -gt 0 ]]; then
  command -v apt-get >/dev/null || die "please install, by the means of this system: ${missing[*]}"
  if [[ $(id -u) -ne 0 ]]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || die "please run as root: apt-get update && apt-get install ${missing[*]}"
  fi
fi
[[ -z $check ]] || exit 0
# The one computes while the other waits for the network.
builder=
if [[ ${#programs[@]} -gt 0 ]]; then
  go_programs "$@" &
  builder=$!
fi
if [[ ${#missing[@]} -gt 0 ]]; then
  # Connector suites run side by side: one installs, the others wait and then find nothing missing.
  exec 9<"$here/install.sh"
  flock 9
  collect "$@"
  [[ ${#missing[@]} -eq 0 ]] || install_missing
fi
for group; do
  [[ $group != browser ]] || npm_packages
done
[[ -z $builder ]] || wait "$builder"
