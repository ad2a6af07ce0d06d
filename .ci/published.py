"""ChatKitty's published document, kept beside the project: it loads with findings, and every operation answers.

Usage: published.py DOCUMENT BINARY
"""

import base64
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request

document, binary = sys.argv[1:3]
contract = json.load(open(document, encoding="utf-8"))

check = subprocess.run([binary, "check", "--format", "json", document], capture_output=True, text=True)
findings = json.loads(check.stdout)
assert check.returncode == 0, "warnings alone do not fail `check`"
count = lambda code: sum(finding["code"] == code for finding in findings)
print(f"check: {count('CK0711')} examples contradict their schemas, {count('CK0709')} scopes not declared by name, {count('CK0717')} overlaps")
assert count("CK0711") >= 25 and count("CK0709") >= 67 and count("CK0717") >= 1
assert all(re.search(r":\d+:\d+$", finding["file"]) for finding in findings), "every finding has its line and column"

server = subprocess.Popen(
    [binary, "serve", "-q", "--port", "0", "--discriminator", "select", "--openapi", document],
    stdout=subprocess.PIPE,
    text=True,
)
ready = json.loads(server.stdout.readline())
application = ready["applications"][0]
credentials = f"{application['client_id']}:{application['client_secret']}".encode()
request = urllib.request.Request(
    ready["token_url"],
    data=b"grant_type=client_credentials",
    headers={"Authorization": "Basic " + base64.b64encode(credentials).decode()},
)
token = json.load(urllib.request.urlopen(request))["access_token"]

answered = 0
METHODS = ["get", "head", "post", "put", "patch", "delete"]
operations = [
    (path, method, operation)
    for path, item in contract["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]
# What is deleted is gone, with all below it, so deletions come last, and the deepest of them first.
for path, method, operation in sorted(operations, key=lambda asked: (METHODS.index(asked[1]), -asked[0].count("/"))):
    # Lenient: the default answer is asked for, whatever the request lacks.
    request = urllib.request.Request(
        ready["url"] + re.sub(r"{[^}]*}", "1", path),
        method=method.upper(),
        headers={"Authorization": f"Bearer {token}", "Prefer": "handling=lenient"},
    )
    try:
        status = urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        status = error.code
        server.kill()
        sys.exit(f"{method} {path}: {status} {error.read().decode()[:500]}")
    assert str(status) in operation["responses"], f"{method} {path}: {status} is not declared"
    answered += 1
print(f"{answered} operations answer by their own schemas")
assert answered == 67
server.terminate()
assert server.wait(10) == 0
