#!/bin/sh
# The core may call itself, words of base, and what the compiler puts in: no system call, no allocation.
allowed='^(orchestrate_|attempt_|plan_|ruling_|payment_ruling_)|^(outcome_is_final|payment_status_is_final|operation_is_follow_up|fail|check_failed)$'
compiler='^(__stack_chk_fail|memset|memcpy|memmove|_GLOBAL_OFFSET_TABLE_)$'
strange=$(nm -u "$@" | sed -n 's/^ *U //p' | sort -u | grep -Ev "$allowed" | grep -Ev "$compiler")
if [ -n "$strange" ]; then
    echo "sim: the core is not pure, it calls:" $strange
    exit 1
fi
if nm "$@" | grep -q orchestrate_bug; then
    echo "sim: a production object of the core holds seeded bugs"
    exit 1
fi
echo "sim: the core calls nothing but itself and base"
