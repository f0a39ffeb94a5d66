#!/usr/bin/env bash
# Everything that has to hold, in stages, and how long each took. `make test` is the short name.
set -euo pipefail
cd "$(dirname "$0")/.."

times=()
stage() {
    name=$1 from=$SECONDS
    shift
    echo "== $name"
    "$@"
    took "$name"
    name=
}

took() {
    times+=("$(printf '%5ds  %s' $((SECONDS - from)) "$1")")
}

summary() {
    [ -z "$name" ] || took "$name: FAILED"
    echo "== how long it took"
    printf '%s\n' "${times[@]}" "$(printf '%5ds  altogether' "$SECONDS")"
}
trap summary EXIT

stage "tools" tests/install-tools.sh
stage "lint" make --no-print-directory lint
stage "build" cargo test --workspace --locked --no-run
stage "unit and property tests" cargo test --workspace --locked --lib --quiet
[ "$(uname)" != Linux ] || stage "instruction counts" make --no-print-directory counts
stage "examples in the docs" cargo test --workspace --locked --doc --quiet
stage "stories, contracts, attacks, faults, tools" tests/with-services.sh cargo test --workspace --locked --test it --quiet
