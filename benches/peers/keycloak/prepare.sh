#!/usr/bin/env bash
# Makes the tables of Keycloak, and imports the realm and its users. No user has a password.
#
#   prepare.sh <folder> postgres://user@host:port/database <users>
set -euo pipefail
here=$(dirname "$0") folder=$1 url=$2 users=$3
. "$here/java.sh"
. "$here/database.sh"

import=$folder/import
rm -rf "$import"
mkdir -p "$import"
cp "$here/realm.json" "$import/bench-realm.json"

# A file is imported in one transaction.
at_once=500
user='{"username":"user-%d","enabled":true,"email":"user-%d@example.com","emailVerified":true,"firstName":"User","lastName":"%d",
"credentials":[{"type":"otp","secretData":"{\\"value\\":\\"peer-secret-%08d\\"}",
"credentialData":"{\\"subType\\":\\"totp\\",\\"digits\\":6,\\"counter\\":0,\\"period\\":30,\\"algorithm\\":\\"HmacSHA1\\"}"}]}\n'
for ((first = 0; first < users; first += at_once)); do
    {
        echo '{"realm":"bench","users":['
        for ((number = first; number < first + at_once && number < users; number++)); do
            [ "$number" = "$first" ] || echo ,
            # shellcheck disable=SC2059
            printf "$user" "$number" "$number" "$number" "$number"
        done
        echo ']}'
    } >"$import/bench-users-$((first / at_once)).json"
done
"$folder/server/bin/kc.sh" import --optimized --dir "$import"
