#!/usr/bin/env bats
# Two clones of one commit give the same catalog and the same programs, whoever makes them, where and when. Each holds two
# connectors with a suite of one test, because what is compared is what the gate and the compiler write, not what suites find.
#
# Both builds share Go's cache, whose keys hold all that goes into a package, its folder included where a build does not leave
# it out: what the second clone finds there is by that much the same. REPRODUCE_COLD=1 compiles everything anew for the second,
# which takes minutes; the release workflow does.
#
# The second is built when the clock has gone on, on another day by its time zone, from files of another year.

load helper

# origin makes the repository that is cloned, of this one's files as they are. It has no history, so nothing is released in it.
origin() {
  local keep=(generate-source stdout-sink) folder name
  git init -q "$1"
  (cd "$TEST_ROOT" && git ls-files -z --cached --others --exclude-standard common connectors internal test/*.sh test/*.bash \
    test/servers go.mod go.sum .gitignore README.md | tar --create --null --ignore-failed-read --files-from=- 2>/dev/null) |
    tar --extract --directory "$1"
  for folder in "$1"/connectors/*/*/; do
    name=$(basename "$folder")
    if [[ " ${keep[*]} " != *" $name "* ]]; then
      rm -r "$folder"
      continue
    fi
    rm -f "$folder"/*_test.go "$folder"/*.bats
    # shellcheck disable=SC2016 # bats expands it
    printf '@test "runs" { "$PATCHBAY_BIN_DIR/%s" --version; }\n' "$name" >"$folder/$name.bats"
  done
  git -C "$1" add .
  git -C "$1" -c user.name=t -c user.email=t@example.com commit -q -m one
}

# strange COMMAND... runs a command as another user, in another place and time zone, as far as this machine lets it.
strange() {
  local as=()
  if unshare --user --map-user=4711 --map-group=4711 true 2>/dev/null; then
    as+=(unshare --user --map-user=4711 --map-group=4711)
  else
    echo "# the user is the same in both: unshare --user is not allowed here" >&3
  fi
  mkdir -p "$SANDBOX/strange/home" "$SANDBOX/strange/tmp"
  plain env HOME="$SANDBOX/strange/home" TMPDIR="$SANDBOX/strange/tmp" XDG_CACHE_HOME="$SANDBOX/strange/home/.cache" \
    USER=stranger LOGNAME=stranger LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 TZ=Pacific/Kiritimati GOFLAGS=-v \
    ${REPRODUCE_COLD:+GOCACHE="$SANDBOX/strange/go"} "${as[@]}" "$@"
}

@test "two clones give the same catalog and the same programs" {
  local here=$SANDBOX/a there=$SANDBOX/another/and/much/longer/folder
  origin "$SANDBOX/origin"
  git clone -q "$SANDBOX/origin" "$here"
  mkdir -p "$(dirname "$there")"
  (umask 077 && git clone -q "$SANDBOX/origin" "$there")
  find "$there" -path "$there/.git" -prune -o -exec touch -h -d '2001-02-03 04:05:06' {} +

  TZ=Pacific/Pago_Pago plain "$PATCHBAY_BIN_DIR/catalogen" generate --no-cache --root "$here" --jobs 2
  (umask 077 && strange "$PATCHBAY_BIN_DIR/catalogen" generate --no-cache --root "$there" --jobs 1)

  diff -r "$here/catalog" "$there/catalog"
  diff "$here/README.md" "$there/README.md"
  local name
  for name in generate-source stdout-sink; do
    cmp "$here/bin/$name" "$there/bin/$name"
    diff "$here"/connectors/*/"$name"/README.md "$there"/connectors/*/"$name"/README.md
  done
  run "$PATCHBAY_BIN_DIR/catalogen" verify "$there/catalog" --binary "$here/bin/generate-source"
  assert_success
}
