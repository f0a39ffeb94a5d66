# Finds the newest Java of this machine for kc.sh, unless JAVA_HOME names one.
if [ -z "${JAVA_HOME:-}" ]; then
    newest=0
    for java in /usr/lib/jvm/*/bin/java "$(command -v java)"; do
        [ -x "$java" ] || continue
        release=$("$java" -version 2>&1 | sed -nE '1s/.*version "([0-9]+).*/\1/p')
        [ "${release:-0}" -gt "$newest" ] || continue
        newest=$release
        JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$java")")")
    done
fi
export JAVA_HOME
