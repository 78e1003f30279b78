#!/bin/bash
# `make stop`: end what `make run` started in this folder. Nothing else is touched.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=config/dev/lib.sh
. config/dev/lib.sh
if pid=$(live_pid var/run/run.pid config/dev/run.sh); then
    end_process "$pid" 20
fi
stop_all
