#!/usr/bin/env bash
# Schemathesis, with every check on, against the server at $CHATKITTY_BASE_URL; its exit code is Schemathesis's.
# Usage: schemathesis.sh CONTRACT, a file of openapi/
# `tests/run` installs it. Run it against `serve`: under `exec`, the bad requests that it sends fail the verdict.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
contract=$here/../../openapi/${1:?which contract?}
: "${CHATKITTY_BASE_URL:?}" "${CHATKITTY_TOKEN_URL:?}" "${CHATKITTY_CLIENT_ID:?}" "${CHATKITTY_CLIENT_SECRET:?}"

# A folder of its own: no schemathesis.toml, no hooks and no remembered examples take part.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset SCHEMATHESIS_HOOKS

token=$(curl -sS --fail-with-body -u "$CHATKITTY_CLIENT_ID:$CHATKITTY_CLIENT_SECRET" \
  -F grant_type=client_credentials "$CHATKITTY_TOKEN_URL" |
  "$here/.venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

# Schemathesis tries to do without credentials, or with wrong ones, for apiKey and http schemes only. The second run
# has ChatKitty's oauth2 scheme spelled as http bearer; otherwise a server that ignores tokens would pass.
"$here/.venv/bin/python" - "$contract" >bearer.json <<'PYTHON'
import json, sys, yaml
document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
schemes = document["components"]["securitySchemes"]
assert {scheme["type"] for scheme in schemes.values()} == {"oauth2"}, "nothing to respell"
schemes.update({name: {"type": "http", "scheme": "bearer"} for name in schemes})
json.dump(document, sys.stdout)
PYTHON

code=0
for document in "$contract" bearer.json; do
  "$here/.venv/bin/schemathesis" run "$document" \
    --url "$CHATKITTY_BASE_URL" --header "Authorization: Bearer $token" \
    --checks all --mode all --phases examples,coverage,fuzzing,stateful \
    --max-examples 50 --seed 1 --generation-database none \
    --continue-on-failure --request-timeout 10 --no-color || code=$?
done
exit "$code"
