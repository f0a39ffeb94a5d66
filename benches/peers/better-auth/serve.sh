#!/usr/bin/env bash
# Serves until it is told to stop.
#
#   serve.sh <folder> postgres://user@host:port/database <host:port>
set -euo pipefail
export NODE_ENV=production DATABASE_URL=$2 ADDRESS=$3

exec node "$1/serve.js"
