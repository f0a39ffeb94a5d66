#!/usr/bin/env bash
# Installs better-auth and the driver of PostgreSQL from the npm registry into a folder.
set -euo pipefail
here=$(dirname "$0") folder=$1

cp "$here/package.json" "$here/package-lock.json" "$here"/*.js "$folder"
npm ci --prefix "$folder" --no-audit --no-fund --loglevel error
