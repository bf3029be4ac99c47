#!/usr/bin/env bash
# Start an environment review with curl, and wait until it is completed.
#
# Usage: start_with_curl.sh ENVIRONMENT_ID IDEMPOTENCY_KEY
# Environment: WEB_URL, API_TOKEN.
# Prints the run's id and outcome; exit code 0 for succeeded, 1 for any other, 2 for a request that was refused.
set -euo pipefail

call() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $API_TOKEN" "$@"; }

field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

refused() {
    echo "$run" >&2
    exit 2
}

run=$(call --header "Content-Type: application/json" --header "Idempotency-Key: $2" \
    --data "{\"type\": \"environment.review.compose\", \"environment_id\": \"$1\", \"input\": {}}" \
    "$WEB_URL/api/v1/operations") || refused
id=$(field id <<<"$run")

# Each request waits up to 20 seconds, and no longer than the run takes; where too many wait already it is
# answered at once, hence the pause.
until [[ $(field status <<<"$run") == completed ]]; do
    sleep 1
    run=$(call --retry 5 "$WEB_URL/api/v1/operations/$id?wait=20") || refused
done

echo "$id $(field outcome <<<"$run")"
[[ $(field outcome <<<"$run") == succeeded ]]
