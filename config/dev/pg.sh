#!/bin/sh
# A private PostgreSQL cluster in one folder.
#
#   pg.sh start DIR PORT [trust|scram]  make it (once) and start it; scram: the superuser's password is made
#                                       and kept in DIR/superuser, everybody needs one
#   pg.sh stop DIR                      stop it; nothing acknowledged is lost
#   pg.sh kill DIR                      kill the whole server at once and without any warning
#   pg.sh host DIR                      print the folder of its socket, libpq's host=
#   pg.sh tool DIR NAME [ARGUMENT...]   run one of PostgreSQL's programs as the server's user
#
# With PG_FAST=1 nothing is forced to the disk: for tests, which kill servers but never machines.
#
# The only way in is a Unix socket in a folder that is closed to everybody but the server's user and root.
# PostgreSQL refuses to run as root: then it runs as postgres or nobody, with the one capability it needs to
# reach a data folder below folders that are closed to that user (a clone in /root).
set -u

die() {
    echo "turnpike: $*" >&2
    exit 1
}

find_bin() {
    for bin in "${PG_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r); do
        [ -n "$bin" ] && [ -x "$bin/initdb" ] && echo "$bin" && return
    done
}

server_user() {
    for user in postgres nobody; do
        getent passwd "$user" >/dev/null && echo "$user" && return
    done
}

as_server() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif setpriv --inh-caps +dac_read_search --ambient-caps +dac_read_search true 2>/dev/null; then
        (cd / && setpriv --reuid "$(server_user)" --regid "$(id -g "$(server_user)")" --init-groups \
            --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search "$@")
    else
        (cd / && setpriv --reuid "$(server_user)" --regid "$(id -g "$(server_user)")" --init-groups "$@")
    fi
}

postmaster_pid() {
    [ -f "$1/data/postmaster.pid" ] && head -n 1 "$1/data/postmaster.pid"
}

# A killed one may stay a zombie for a while.
is_alive() {
    grep -qs '^[0-9]* (postgres) [^ZX]' "/proc/$1/stat"
}

is_running() {
    pid=$(postmaster_pid "$1") && [ -n "$pid" ] && is_alive "$pid"
}

# A socket's path may have 107 bytes, and connection strings and PostgreSQL's options quote each in their own
# way: a deep folder, or one with a space or a quote in its name, gets its socket elsewhere.
socket_folder() {
    case $1 in
    *[!A-Za-z0-9_./-]*) ;;
    *) [ "${#1}" -gt 80 ] || { echo "$1/socket"; return; } ;;
    esac
    echo "/tmp/turnpike-pg-$(printf '%s' "$1" | cksum | cut -d' ' -f1)"
}

make_socket_folder() {
    mkdir -p "$1" && chmod 0700 "$1" || die "cannot make $1"
    [ "$(id -u)" -ne 0 ] || chown "$(server_user)" "$1"
}

make_cluster() { # DIR AUTH
    umask 077
    mkdir -p "$1/data" || die "cannot make $1/data"
    auth=trust
    if [ "$2" = scram ]; then
        auth=scram-sha-256
        openssl rand -hex 24 >"$1/superuser.new" || die "cannot write $1: is the disk full?"
        mv "$1/superuser.new" "$1/superuser"
        cp "$1/superuser" "$1/data.pw"
    else
        echo trust >"$1/data.pw"
    fi
    chmod 0700 "$1/data"
    [ "$(id -u)" -ne 0 ] || chown -R "$(server_user)" "$1/data" "$1/data.pw"
    as_server "$bin/initdb" -D "$1/data" -U postgres "--auth=$auth" --pwfile="$1/data.pw" --no-locale \
        --encoding=UTF8 --data-checksums ${PG_FAST:+--no-sync} >"$1/initdb.log" 2>&1 ||
        die "initdb failed: $(grep -m 1 -E 'error:|FATAL|could not|cannot' "$1/initdb.log" ||
            tail -1 "$1/initdb.log"); see $1/initdb.log"
    rm -f "$1/data.pw"
    cat >>"$1/data/postgresql.conf" <<CONF || die "cannot write $1: is the disk full?"
listen_addresses = ''
max_connections = 100
shared_buffers = 256MB
max_wal_size = 4GB
wal_compression = lz4
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
log_min_messages = warning
log_statement = none
CONF
    echo "local all all $auth" >"$1/data/pg_hba.conf"
    : >"$1/made"
}

# One at a time. What a killed script left behind (an initdb that still writes) holds the lock, too, until it
# has ended; the server itself does not.
take_lock() { # DIR
    exec 9>>"$1/lock" || die "cannot write $1: is the disk full?"
    flock -w 60 9 || die "another start or stop of $1 does not end"
}

start() { # DIR PORT AUTH
    [ -f "$1/made" ] || { rm -rf "$1/data"; make_cluster "$1" "$3"; }
    is_running "$1" && return
    make_socket_folder "$(socket_folder "$1")"
    as_server "$bin/pg_ctl" -D "$1/data" -l "$1/data/server.log" \
        -o "-p $2 -k '$(socket_folder "$1")' ${PG_FAST:+-c fsync=off}" -w -t 60 start >/dev/null 2>&1 9>&- ||
        die "PostgreSQL did not start: $(tail -1 "$1/data/server.log" 2>/dev/null); see $1/data/server.log"
}

# Its children, too: none may answer a client any more, or keep the next server waiting.
strike() {
    pid=$(postmaster_pid "$1")
    all="$pid $(cat "/proc/$pid/task/$pid/children")"
    # shellcheck disable=SC2086 # a list of process ids
    kill -KILL $all 2>/dev/null
    for pid in $all; do
        while is_alive "$pid"; do sleep 0.01; done
    done
    # Until somebody has waited for it, PostgreSQL takes the dead process for a running server.
    rm -f "$1/data/postmaster.pid" "$(socket_folder "$1")"/.s.PGSQL.*.lock
}

[ $# -ge 2 ] || die "usage: pg.sh start DIR PORT [trust|scram] | stop DIR | kill DIR | host DIR | tool DIR NAME ..."
bin=$(find_bin)
[ -n "$bin" ] || die "PostgreSQL 15 is missing; install it with: apt-get install postgresql-15"
case $2 in /*) dir=$2 ;; *) dir=$PWD/$2 ;; esac

case $1 in
start)
    [ $# -ge 3 ] || die "usage: pg.sh start DIR PORT [trust|scram]"
    mkdir -p "$dir" || die "cannot make $dir"
    take_lock "$dir"
    start "$dir" "$3" "${4:-trust}"
    ;;
stop)
    [ ! -d "$dir" ] || take_lock "$dir"
    is_running "$dir" || exit 0
    as_server "$bin/pg_ctl" -D "$dir/data" -m fast -w -t 60 stop >/dev/null || die "PostgreSQL did not stop"
    ;;
kill)
    is_running "$dir" || exit 0
    strike "$dir"
    ;;
host)
    socket_folder "$dir"
    ;;
tool)
    tool=$3
    shift 3
    as_server "$bin/$tool" "$@" 9>&-
    ;;
*)
    die "pg.sh: unknown verb $1"
    ;;
esac
