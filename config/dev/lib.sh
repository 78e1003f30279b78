# lib.sh - what the development scripts share. Sourced from the project's top folder.

say() {
    printf '%s %s\n' '--' "$*"
}

die() { # all to stderr: it may be said inside of a pipe
    echo "turnpike: $*" >&2
    stop_started >&2
    exit 1
}

stop_started() { # run.sh sets STARTED once servers may run
    [ -z "${STARTED:-}" ] || stop_all
}

write_file() { # path text; whole or not at all
    printf '%s\n' "$2" >"$1.new" 2>/dev/null && mv "$1.new" "$1" ||
        die "cannot write $1: is the disk full?"
}

# ---- database ----------------------------------------------------------------------------------

conninfo() { # role password-file database
    echo "host=$(config/dev/pg.sh host "$PWD/var/pg") port=$(cat var/pg/port) dbname=${3:-turnpike} user=$1 password=$(cat "var/secrets/$2")"
}

conninfo_owner() { # database
    echo "host=$(config/dev/pg.sh host "$PWD/var/pg") port=$(cat var/pg/port) dbname=$1 user=postgres password=$(cat var/pg/superuser)"
}

psql_owner() { # database options...
    local database=$1
    shift
    psql -X -d "$(conninfo_owner "$database")" "$@"
}

# ---- processes ---------------------------------------------------------------------------------

# The pid in a file, if that process is still the one of ours (a pid may be used again).
live_pid() { # file word-of-its-command
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] &&
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -- "$2" && echo "$pid"
}

end_process() { # pid seconds: TERM, then KILL
    local pid=$1 until=$((SECONDS + $2))
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        [ "$SECONDS" -lt "$until" ] || { kill -KILL "$pid" 2>/dev/null; break; }
        read -rt 0.05 <> <(:) || :
    done
}

stop_servers() {
    local pid
    pid=$(live_pid var/run/gateway.pid 'turnpike serve') && end_process "$pid" 12
    pid=$(live_pid var/run/sandbox.pid 'turnpike sandbox') && end_process "$pid" 5
    rm -f var/run/gateway.pid var/run/sandbox.pid var/ready.json var/env
}

stop_all() {
    trap '' INT TERM HUP
    say "stopping"
    stop_servers
    [ ! -d var/pg/data ] || config/dev/pg.sh stop "$PWD/var/pg"
    rm -f var/run/run.pid
}

take_lock() { # one `make run` per folder
    local pid
    mkdir -p var/run
    if pid=$(live_pid var/run/run.pid config/dev/run.sh) && [ "$pid" != $$ ]; then
        die "already running here (pid $pid); make stop ends it"
    fi
    write_file var/run/run.pid $$
    STARTED=1
}

wait_for() { # pid log command...: until the command succeeds; the process must live
    local pid=$1 log=$2 until=$((SECONDS + 30))
    shift 2
    until "$@" >/dev/null 2>&1; do
        kill -0 "$pid" 2>/dev/null || die "it did not start: $(tail -1 "$log")"
        [ "$SECONDS" -lt "$until" ] || die "it does not answer after 30 s: $(tail -1 "$log")"
        read -rt 0.05 <> <(:) || :
    done
}
