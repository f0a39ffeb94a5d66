#!/usr/bin/env bash
# Serves until it is told to stop.
#
#   serve.sh <folder> postgres://user@host:port/database <host:port>
set -euo pipefail
here=$(dirname "$0") folder=$1 url=$2 address=$3
. "$here/java.sh"
. "$here/database.sh"

# The default heap of 512 MiB collects garbage more often than this one.
export JAVA_OPTS_KC_HEAP="-Xms1g -Xmx1g"
# - one node needs no cluster: its caches are local
# - connections are opened before the load comes
# - it logs warnings only
exec "$folder/server/bin/kc.sh" start --optimized --cache=local --hostname-strict=false \
    --http-enabled=true --http-host="${address%:*}" --http-port="${address##*:}" \
    --db-pool-initial-size=16 --db-pool-min-size=16 --db-pool-max-size=16 --log-level=warn
