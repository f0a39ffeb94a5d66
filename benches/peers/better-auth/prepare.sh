#!/usr/bin/env bash
# Makes the tables of better-auth and enrolls its users.
#
#   prepare.sh <folder> postgres://user@host:port/database <users>
set -euo pipefail
export NODE_ENV=production DATABASE_URL=$2 ADDRESS=127.0.0.1:1

exec node "$1/enroll.js" "$3"
