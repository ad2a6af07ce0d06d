#!/usr/bin/env bash
# Schemathesis, with every check on, against the server at $CHATKITTY_BASE_URL; its exit code is Schemathesis's.
# Usage: schemathesis.sh CONTRACT [OPTION…]: a file of openapi/, or elsewhere by its absolute path, and further
# options of Schemathesis's. Where $SCHEMATHESIS_REPORTS is set, that folder gets the events of both runs.
# `tests/run` installs it. Run it against `serve`: under `exec`, the bad requests that it sends fail the verdict.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
contract=${1:?which contract?}
[ "${contract#/}" != "$contract" ] || contract=$here/../../openapi/$contract
shift
: "${CHATKITTY_BASE_URL:?}" "${CHATKITTY_TOKEN_URL:?}" "${CHATKITTY_CLIENT_ID:?}" "${CHATKITTY_CLIENT_SECRET:?}"

# A folder of its own: no schemathesis.toml, no other hooks and no remembered examples take part.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export SCHEMATHESIS_HOOKS=$here/schemathesis_hooks.py
reports=${SCHEMATHESIS_REPORTS:-$folder}

token=$(curl -sS --fail-with-body -u "$CHATKITTY_CLIENT_ID:$CHATKITTY_CLIENT_SECRET" \
  -F grant_type=client_credentials "$CHATKITTY_TOKEN_URL" |
  "$here/.venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

# Once as it is, and once with what Schemathesis cannot read in it spelled out.
"$here/.venv/bin/python" "$here/spelled_out.py" "$contract" >spelled-out.json
code=0
for run in as-it-is spelled-out; do
  document=$contract
  [ "$run" = as-it-is ] || document=spelled-out.json
  "$here/.venv/bin/schemathesis" run "$document" \
    --url "$CHATKITTY_BASE_URL" --header "Authorization: Bearer $token" \
    --checks all --mode all --phases examples,coverage,fuzzing,stateful \
    --max-examples 50 --seed 1 --generation-database none \
    --continue-on-failure --request-timeout 10 --no-color \
    --report ndjson --report-ndjson-path "$reports/$run.ndjson" "$@" || code=$?
done
exit "$code"
