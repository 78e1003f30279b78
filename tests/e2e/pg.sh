#!/bin/sh
# pg.sh start DIR PORT    make (once) and start a private PostgreSQL cluster in DIR
# pg.sh stop DIR          stop it; nothing acknowledged is lost
# pg.sh kill DIR          kill it without any warning, as a power cut would
#
# The only way in is the Unix socket DIR/.s.PGSQL.PORT, as superuser "postgres" without a password:
# the folder is closed to everybody but the server's user, root, and whoever started it.
set -u

die() {
    echo "pg.sh: $*" >&2
    exit 1
}

find_bin() {
    if [ -n "${PG_BIN:-}" ] && [ -x "$PG_BIN/initdb" ]; then
        echo "$PG_BIN"
        return
    fi
    for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r); do
        [ -x "$bin/initdb" ] && echo "$bin" && return
    done
}

# PostgreSQL refuses to run as root.
server_user() {
    for user in postgres nobody; do
        getent passwd "$user" >/dev/null && echo "$user" && return
    done
}

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        # From a folder that the server's user may enter.
        (cd / && runuser -u "$(server_user)" -- "$@")
    else
        "$@"
    fi
}

postmaster_pid() {
    [ -f "$1/data/postmaster.pid" ] && head -n 1 "$1/data/postmaster.pid"
}

is_running() {
    pid=$(postmaster_pid "$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null &&
        ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

make_cluster() {
    mkdir -p "$1/data" || die "cannot make $1/data"
    chmod 0700 "$1" "$1/data"
    [ "$(id -u)" -eq 0 ] && chown -R "$(server_user)" "$1"
    as_server "$bin/initdb" -D "$1/data" -U postgres --auth=trust --no-locale --encoding=UTF8 \
        --data-checksums >"$1/initdb.log" 2>&1 || die "initdb failed: see $1/initdb.log"
    cat >>"$1/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$1'
max_connections = 100
shared_buffers = 128MB
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
recovery_init_sync_method = syncfs
CONF
    echo "local all all trust" >"$1/data/pg_hba.conf"
    : >"$1/made"
}

start() {
    [ -f "$1/made" ] || { rm -rf "$1/data"; make_cluster "$1"; }
    is_running "$1" && return
    # After a kill the last children of the old server may still hold its shared memory.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        as_server "$bin/pg_ctl" -D "$1/data" -l "$1/data/server.log" -o "-p $2" -w -t 60 start \
            >/dev/null 2>&1 && return
        sleep 0.3
    done
    die "the server did not start: see $1/data/server.log"
}

[ $# -ge 2 ] || die "usage: pg.sh start DIR PORT | stop DIR | kill DIR"
bin=$(find_bin)
[ -n "$bin" ] || die "PostgreSQL 15 is missing: apt-get install postgresql-15, or set PG_BIN"
case $2 in /*) dir=$2 ;; *) dir=$PWD/$2 ;; esac

case $1 in
start)
    [ $# -eq 3 ] || die "usage: pg.sh start DIR PORT"
    start "$dir" "$3"
    ;;
stop)
    is_running "$dir" || exit 0
    as_server "$bin/pg_ctl" -D "$dir/data" -m fast -w -t 60 stop >/dev/null ||
        die "the server did not stop"
    ;;
kill)
    pid=$(postmaster_pid "$dir")
    is_running "$dir" || exit 0
    children=$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
    # shellcheck disable=SC2086 # a list of process ids
    kill -KILL "$pid" $children 2>/dev/null
    while is_running "$dir"; do sleep 0.01; done
    # Until somebody has waited for it, PostgreSQL takes the dead process for a running server.
    rm -f "$dir/data/postmaster.pid" "$dir"/.s.PGSQL.*.lock
    ;;
*)
    die "unknown verb $1"
    ;;
esac
