#!/usr/bin/env bash
# build.sh builds the modules beside it for both targets: build.sh FOLDER makes FOLDER/<target>/<kind>.wasm. It needs cargo, and
# Rust's standard library for the targets, which distributions package and rustup adds.
set -euo pipefail

[[ $# -eq 1 ]] || { echo 'usage: build.sh FOLDER' >&2; exit 2; }
out=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$(dirname "${BASH_SOURCE[0]}")"/{Cargo.toml,src} "$work"
cd "$work"
for target in wasm32-unknown-unknown wasm32-wasip1; do
  mkdir -p "$out/$target"
  for kind in filter map filter_map array_map aggregate; do
    cargo build --quiet --release --target "$target" --features "$kind"
    cp "target/$target/release/fluvio_guests.wasm" "$out/$target/$kind.wasm"
  done
done
