# A channel's life: created, listed, renamed, deleted, gone.
# Run it by: chatkitty-mock exec --openapi examples/channels.yaml -- sh examples/channels.sh
set -eu
channels=$CHATKITTY_BASE_URL/channels
curl -s "$channels" -H 'Content-Type: application/json' -d '{"type": "PUBLIC", "name": "general"}'; echo
curl -s "$channels?type=PUBLIC&size=10"; echo
curl -s "$channels/1" -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"name": "lobby"}'; echo
curl -s "$channels/1" -X DELETE -w '%{http_code}\n'
curl -s "$channels/1" -w ' %{http_code}\n'
