#!/usr/bin/env bash
# Installs Keycloak from Maven Central into a folder, and builds it for PostgreSQL: an optimized build.
set -euo pipefail
folder=$1
version=26.7.3

# Maven leaves a folder where it is called.
(cd "$folder" && mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:zip" -DoutputDirectory="$folder" -DmarkersDirectory="$folder/markers")
mv "$folder/keycloak-$version" "$folder/server"
. "$(dirname "$0")/java.sh"
# Health and metrics are off by default.
"$folder/server/bin/kc.sh" build --db=postgres
