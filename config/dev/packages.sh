#!/bin/sh
# Install the Debian packages that a target needs and that are missing: packages.sh run | test | bare.
# Nothing is touched when all are there.
set -u
command_packages() { # command:package
    case $1 in
    run) echo "gcc:gcc make:make pkg-config:pkg-config openssl:openssl curl:curl jq:jq setpriv:util-linux pgrep:procps column:bsdextrautils psql:postgresql-client-15" ;;
    test) echo "clang:clang clang-format:clang-format clang-tidy:clang-tidy cppcheck:cppcheck node:nodejs git:git ss:iproute2" ;;
    clients) echo "node:nodejs npm:npm" ;;
    bare) echo "debootstrap:debootstrap git:git" ;;
    esac
}
file_packages() { # file:package
    case $1 in
    run) echo "/usr/include/stdio.h:libc6-dev /usr/include/event2/event.h:libevent-dev
        /usr/include/openssl/ssl.h:libssl-dev /usr/share/llhttp/llhttp.c:node-llhttp
        /usr/include/jansson.h:libjansson-dev /usr/include/postgresql/libpq-fe.h:libpq-dev
        /usr/include/uthash.h:uthash-dev /usr/lib/postgresql/15/bin/postgres:postgresql-15
        /usr/share/doc/libcurl4-openssl-dev:libcurl4-openssl-dev
        /etc/ssl/certs/ca-certificates.crt:ca-certificates" ;;
    test) echo "/usr/include/cmocka.h:libcmocka-dev" ;;
    esac
}
missing=
for kind in "$@"; do
    for pair in $(command_packages "$kind"); do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
    done
    for pair in $(file_packages "$kind"); do
        [ -e "${pair%%:*}" ] || missing="$missing ${pair#*:}"
    done
done
[ -z "$missing" ] && exit 0
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1 || ! sudo -v 2>/dev/null; then
        echo "turnpike: cannot install packages without root or sudo; ask an administrator for: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "installing packages:$missing"
log=${TMPDIR:-/tmp}/turnpike-apt.$$
run_apt() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1
}
# shellcheck disable=SC2086
if ! run_apt install -y --no-install-recommends $missing; then
    if ! run_apt update || ! run_apt install -y --no-install-recommends $missing; then
        tail -3 "$log" >&2
        rm -f "$log"
        echo "turnpike: apt-get could not install$missing; check network, disk space and package sources, then repeat" >&2
        exit 1
    fi
fi
rm -f "$log"
