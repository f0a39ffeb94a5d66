#!/usr/bin/env bash
# Installs the peers into target/peers, each from its registry. Safe to repeat, and quick when all is there.
#
# A peer that can't be installed says why and is left out of the benchmark: the others are installed all the same.
set -uo pipefail
cd "$(dirname "$0")"
peers=$PWD/../../target/peers
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)

for peer in keycloak better-auth django-otp; do
    version=$(find "$peer" -type f ! -name "*.md" -print0 | sort -z | xargs -0 cat | cksum | cut -d ' ' -f 1)
    [ "$(cat "$peers/$peer/installed" 2>/dev/null)" = "$version" ] && continue
    echo "peers: installing $peer"
    rm -rf "${peers:?}/$peer"
    mkdir -p "$peers/$peer"
    if "$peer/install.sh" "$peers/$peer" >"$peers/$peer.log" 2>&1; then
        echo "$version" >"$peers/$peer/installed"
    else
        echo "peers: $peer can't be installed, see target/peers/$peer.log:" >&2
        { grep -iE -m 3 'error|not found' "$peers/$peer.log" || tail -n 3 "$peers/$peer.log"; } >&2
    fi
done
