#!/usr/bin/env bash
# Start an environment review at the command line, wait for it, and act on its outcome.
#
# Usage: start_and_wait.sh ENVIRONMENT IDEMPOTENCY_KEY
# Environment: OPERATIONRUN_DATABASE_URL, OPERATIONRUN_TEMPORAL_ADDRESS; `operationrun` on the PATH.
set -uo pipefail

operationrun start environment.review.compose --environment "$1" --idempotency-key "$2" --wait-at-most 600
code=$?
case $code in
    0) echo "The review is ready." ;;
    10) echo "Done, but for what the run names." ;;
    11) echo "Something prevents it; nothing was changed." ;;
    12) echo "A person has to look at it." ;;
    13 | 14) echo "It failed, or was cancelled." ;;
    15) echo "It still goes on: operationrun show RUN says how it is." ;;
    *) echo "It was not started, or the waiting was interrupted." ;;
esac >&2
exit $code
