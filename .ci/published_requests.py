"""Schemathesis over ChatKitty's published document: what it finds is what is listed here, with the reason.

Usage: published_requests.py DOCUMENT BINARY

It runs twice over a stand-in with `--discriminator select`: over the document as it is, and with the discriminators
spelled out as constraints, which is what the document means. The second run may find what is listed under CHANCE
alone: no server error, no answer against its schema, nothing refused that the document describes, and nothing
accepted that it forbids.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

document, binary = (os.path.abspath(path) for path in sys.argv[1:3])
script = pathlib.Path(__file__).parent.parent / "tests/python/schemathesis.sh"
assert (script.parent / ".venv/bin/schemathesis").exists(), "Schemathesis is not installed; run: bash tests/run"
EXAMPLES_MAX = 5

OVERLAP = (
    "its branches overlap, as none says which `type` it has: strictly, an instance of two is one of none; the"
    " discriminator says which one it is"
)
OVERLAPPING = r"is valid under more than one of the schemas listed in the 'oneOf'.*/(Channel|Message)Resource:"
# Found in the examples of the document or by its systematic requests, whatever the seed.
ALWAYS = {
    ("ST108", operation): (OVERLAPPING, OVERLAP)
    for operation in [
        "DELETE /v1/channels/{id}/members/{user_id}",
        "GET /v1/channels",
        "GET /v1/channels/{id}",
        "GET /v1/messages",
        "GET /v1/threads/{id}/messages",
        "PATCH /v1/channels/{id}",
        "POST /v1/channels",
        "POST /v1/channels/{id}/messages",
        "POST /v1/threads/{id}/messages",
    ]
}
# Found or not, as requests are made up.
CHANCE = {
    ("ST108", operation): (OVERLAPPING, OVERLAP)
    for operation in [
        "DELETE /v1/channels/{id}/moderators/{user_id}",
        "GET /v1/channels/{id}/messages",
        "GET /v1/messages/{id}",
        "GET /v1/users/{id}/channels",
        "GET /v1/users/{id}/messages",
        "PATCH /v1/messages/{id}",
        "POST /v1/channels/{id}/members",
        "POST /v1/channels/{id}/moderators",
    ]
}
CHANCE["ST302", "POST /v1/channels"] = (
    r"Not available with: `POST /v1/channels/{id}/(members|moderators)`$",
    "the channel is there; it is the user to be added to it that there is none of",
)
CHANCE |= {
    ("ST201", operation): (
        r"^multipart/form-data;.*: in body(\s+- violates `type` at /properties/\w+ \(was string, became \w+\))+$",
        "a part of text has no type on the wire: whatever it is made from, it is a string",
    )
    for operation in [
        "POST /v1/channels/{id}/messages",
        "POST /v1/imports/channels",
        "POST /v1/imports/channels/{id}/members",
        "POST /v1/imports/messages",
        "POST /v1/imports/users",
        "POST /v1/threads/{id}/messages",
        "POST /v1/users/{id}/display-picture",
    ]
}


def found(report):
    """The failures of a run, by check and operation: the media type of the request, and what is wrong."""
    failures = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case, checks in recorder.get("checks", {}).items():
            headers = recorder["interactions"][case]["request"]["headers"]
            media_type = headers.get("Content-Type", ["no body"])[0]
            for failure in (check["failure_info"]["failure"] for check in checks if check["status"] != "success"):
                messages = failures.setdefault((failure["code"], failure["operation"]), set())
                messages.add(f"{media_type}: {failure['message']}")
    return failures


def unexplained(failures, listed):
    for key, messages in sorted(failures.items()):
        pattern = listed[key][0] if key in listed else None
        for message in sorted(messages):
            if pattern is None or not re.search(pattern, message, re.DOTALL):
                yield f"{' '.join(key)}: {message[:1500]}"


server = subprocess.Popen(
    [binary, "serve", "-q", "--port", "0", "--discriminator", "select", "--openapi", document],
    stdout=subprocess.PIPE,
    text=True,
)
try:
    ready = json.loads(server.stdout.readline())
    application = ready["applications"][0]
    with tempfile.TemporaryDirectory() as folder:
        reports = pathlib.Path(folder)
        environment = os.environ | {
            "CHATKITTY_BASE_URL": ready["url"],
            "CHATKITTY_TOKEN_URL": ready["token_url"],
            "CHATKITTY_CLIENT_ID": application["client_id"],
            "CHATKITTY_CLIENT_SECRET": application["client_secret"],
            "SCHEMATHESIS_REPORTS": folder,
        }
        arguments = ["bash", script, document, "--max-examples", str(EXAMPLES_MAX)]
        output = subprocess.run(arguments, env=environment, capture_output=True, text=True).stdout
        verdict = subprocess.run([binary, "verify", "--url", ready["url"]], capture_output=True, text=True).stdout
        as_it_is, spelled_out = found(reports / "as-it-is.ndjson"), found(reports / "spelled-out.ndjson")
finally:
    server.terminate()
    assert server.wait(10) == 0

generated = [int(count) for count in re.findall(r"(\d+) generated", output)]
problems = list(unexplained(as_it_is, ALWAYS | CHANCE))
problems += [f"spelled out: {problem}" for problem in unexplained(spelled_out, CHANCE)]
problems += [f"{' '.join(key)} is not found any more; it was: {ALWAYS[key][1]}" for key in ALWAYS if key not in as_it_is]
if not verdict.rstrip().endswith("0 with drift"):
    problems.append(f"an answer of the stand-in broke its contract: {verdict}")
if len(generated) != 2 or output.count("Tested: 67") != 2 or "ERRORS" in output:
    problems.append(f"two runs over 67 operations were to be made:\n{output[-3000:]}")
if problems:
    sys.exit("\n".join(problems))
print(f"Schemathesis: {' and '.join(map(str, generated))} requests, {len(as_it_is)} and {len(spelled_out)} findings, all listed")
