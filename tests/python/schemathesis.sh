#!/usr/bin/env bash
# Schemathesis, with every check on, against the server at $CHATKITTY_BASE_URL; its exit code is Schemathesis's.
# `tests/run` installs it. Run it against `serve`: under `exec`, the bad requests that it sends fail the verdict.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
: "${CHATKITTY_BASE_URL:?}" "${CHATKITTY_TOKEN_URL:?}" "${CHATKITTY_CLIENT_ID:?}" "${CHATKITTY_CLIENT_SECRET:?}"

token=$(curl -sS --fail-with-body -u "$CHATKITTY_CLIENT_ID:$CHATKITTY_CLIENT_SECRET" \
  -F grant_type=client_credentials "$CHATKITTY_TOKEN_URL" |
  "$here/.venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

# A folder of its own: no schemathesis.toml, no hooks and no remembered examples take part.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
env -u SCHEMATHESIS_HOOKS "$here/.venv/bin/schemathesis" run "$here/../../openapi/chatkitty.yaml" \
  --url "$CHATKITTY_BASE_URL" --header "Authorization: Bearer $token" \
  --checks all --mode all --phases examples,coverage,fuzzing,stateful \
  --max-examples 50 --seed 1 --generation-database none \
  --continue-on-failure --request-timeout 10 --no-color "$@"
