#!/usr/bin/env bash
# Runs a command with what the tests need: a Redis, a Redis Cluster of three, a PostgreSQL, a PgBouncer before it. They live in a folder of
# their own, on ports of their own, and end with the command.
#
#   tests/with-services.sh cargo test
set -euo pipefail

command -v redis-server >/dev/null || { echo "redis-server is missing: run tests/install-tools.sh" >&2; exit 1; }
postgres_bin=$(dirname "$({ command -v pg_basebackup; ls /usr/lib/postgresql/*/bin/pg_basebackup; } 2>/dev/null | sort -V | tail -n 1)")
pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) ||
    { echo "pgbouncer is missing: run tests/install-tools.sh" >&2; exit 1; }
[ -x "$postgres_bin/initdb" ] || { echo "PostgreSQL's server is missing: run tests/install-tools.sh" >&2; exit 1; }

folder=$(mktemp -d)
chmod 755 "$folder"

# initdb and postgres refuse to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        "$@"
    fi
}

stop() {
    [ -f "$folder/postgres/pgbouncer.pid" ] && kill "$(cat "$folder/postgres/pgbouncer.pid")"
    [ -f "$folder/postgres/data/postmaster.pid" ] &&
        as_postgres "$postgres_bin/pg_ctl" -D "$folder/postgres/data" -m immediate -w stop >/dev/null 2>&1
    for port in "${redis_ports[@]}"; do
        redis-cli -p "$port" shutdown nosave >/dev/null 2>&1
    done
    rm -rf "$folder"
}
redis_ports=()
trap 'stop || true' EXIT

free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 12000))
        # A cluster node also listens ten thousand ports further; both stay below the ports of outgoing connections.
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
        (exec 3<>"/dev/tcp/127.0.0.1/$((port + 10000))") 2>/dev/null && continue
        echo "$port" && return
    done
}

start_redis() {
    local port=$1
    shift
    mkdir -p "$folder/redis-$port"
    redis-server --port "$port" --bind 127.0.0.1 --dir "$folder/redis-$port" --save '' --daemonize yes \
        --logfile "$folder/redis-$port/log" "$@" >/dev/null
    redis_ports+=("$port")
    for _ in $(seq 100); do
        redis-cli -p "$port" ping >/dev/null 2>&1 && return
        sleep 0.05
    done
    echo "redis-server did not start:" >&2
    cat "$folder/redis-$port/log" >&2
    exit 1
}

redis=$(free_port)
start_redis "$redis"
nodes=()
for _ in 1 2 3; do
    port=$(free_port)
    start_redis "$port" --cluster-enabled yes
    nodes+=("127.0.0.1:$port")
done
redis-cli --cluster create "${nodes[@]}" --cluster-yes >"$folder/cluster.log"
for _ in $(seq 100); do
    redis-cli -p "${nodes[0]#*:}" cluster info | grep -q cluster_state:ok && break
    sleep 0.1
done

postgres=$(free_port)
mkdir -p "$folder/postgres"
[ "$(id -u)" = 0 ] && chown postgres "$folder/postgres"
as_postgres "$postgres_bin/initdb" -D "$folder/postgres/data" -A trust -U postgres >"$folder/initdb.log"
as_postgres "$postgres_bin/pg_ctl" -D "$folder/postgres/data" -l "$folder/postgres/log" -w \
    -o "-p $postgres -c listen_addresses=127.0.0.1 -k $folder/postgres -c max_connections=400 \
        -c shared_preload_libraries=pg_stat_statements" start >/dev/null

# Four sessions of the server for all connections of a role, each lent for one transaction. Nobody is asked for a
# password, here as at the server.
pooler=$(free_port)
echo '"postgres" ""' >"$folder/postgres/pgbouncer.users"
cat >"$folder/postgres/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler
unix_socket_dir =
auth_type = trust
auth_file = $folder/postgres/pgbouncer.users
auth_user = postgres
pool_mode = transaction
default_pool_size = 4
server_idle_timeout = 10
max_client_conn = 900
logfile = $folder/postgres/pgbouncer.log
pidfile = $folder/postgres/pgbouncer.pid
INI
as_postgres "$pgbouncer" -q -d "$folder/postgres/pgbouncer.ini"

export TEST_COUNTERSIGN_REDIS="redis://127.0.0.1:$redis"
export TEST_COUNTERSIGN_REDIS_CLUSTER
TEST_COUNTERSIGN_REDIS_CLUSTER=$(printf 'redis://%s,' "${nodes[@]}" | sed 's/,$//')
export TEST_COUNTERSIGN_POSTGRES="postgres://postgres@127.0.0.1:$postgres/postgres"
export TEST_COUNTERSIGN_POSTGRES_BIN="$postgres_bin"
export TEST_COUNTERSIGN_PGBOUNCER="127.0.0.1:$pooler"
export TEST_COUNTERSIGN_PGBOUNCER_BIN="$pgbouncer"

"$@"
