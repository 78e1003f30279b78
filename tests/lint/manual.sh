#!/bin/sh
# The manual pages for scdoc, from the tables of commands and settings: manual.sh 1|5 BUILD
bin=$2/turnpike
case $1 in
1) exec "$bin" help --manual ;;
5)
    cat <<'TEXT'
turnpike.conf(5)

# NAME

turnpike.conf - configuration of the payment orchestration gateway

# DESCRIPTION

A line is _name_ = _value_; what stands behind a # at the beginning of a line is a comment. Names
that are not below are refused, and so is a name that stands twice. *turnpike check* judges a file
without touching anything, *turnpike config --in-force* prints what is in force, *turnpike reload*
loads it into a gateway that runs.

# SETTINGS
TEXT
    "$bin" config | awk '
        function plain(s) { gsub(/[_*\\#~`\[<>|]/, "\\\\&", s); return s }
        /^# [a-z_]+ =/ { line = substr($0, 3); name = line; sub(/ =.*/, "", name); value = line
                         sub(/^[a-z_]+ = ?/, "", value)
                         printf "\n*%s* = %s\n\t%s\n", plain(name), plain(value), plain(help); next }
        /^# / { help = substr($0, 3) }'
    printf '\n# SEE ALSO\n\n*turnpike*(1)\n'
    ;;
esac
