"""Two applications over every operation of ChatKitty's published document: neither sees nor changes what is the other's.

Usage: published_isolation.py DOCUMENT BINARY
"""

import base64
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

document, binary = sys.argv[1:3]
contract = json.load(open(document, encoding="utf-8"))
METHODS = ["get", "head", "post", "put", "patch", "delete"]
OPERATIONS = [(path, method, item[method]) for path, item in contract["paths"].items() for method in METHODS if method in item]


def resolved(schema):
    while "$ref" in schema:
        found = contract
        for name in schema["$ref"].split("/")[1:]:
            found = found[name.replace("~1", "/").replace("~0", "~")]
        schema = found
    return schema


def instance(schema, mark, depth=0):
    """What a client might send: each text that can be anything is the mark."""
    schema = resolved(schema)
    for part in ("oneOf", "anyOf"):
        if part in schema:
            return instance(schema[part][0], mark, depth)
    if "allOf" in schema:
        parts = [instance(part, mark, depth) for part in schema["allOf"]]
        return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        members = schema.get("properties", {}) if depth < 4 else {}
        return {name: instance(member, mark, depth + 1) for name, member in members.items() if not resolved(member).get("readOnly")}
    if kind == "array":
        return [instance(schema.get("items", {}), mark, depth + 1)] if depth < 4 else []
    if kind == "string":
        return "2020-10-02T20:29:25.316Z" if schema.get("format") == "date-time" else mark
    return {"integer": 1, "number": 1, "boolean": True}.get(kind)


def body_of(operation, mark):
    content = operation.get("requestBody", {}).get("content", {})
    for media, declared in content.items():
        if "json" in media:
            return media, json.dumps(instance(declared.get("schema", {}), mark)).encode()
        if media == "multipart/form-data":
            fields = instance(declared.get("schema", {}), mark)
            parts = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()]
            return "multipart/form-data; boundary=x", ("".join(parts) + "--x--\r\n").encode()
    return None, None


server = subprocess.Popen(
    [binary, "serve", "-q", "--port", "0", "--discriminator", "select", "--openapi", document],
    stdout=subprocess.PIPE,
    text=True,
)
base = json.loads(server.stdout.readline())["url"]


def send(method, path, headers=(), body=None):
    request = urllib.request.Request(base + path, method=method.upper(), headers=dict(headers), data=body)
    try:
        reply = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        reply = error
    return reply.status, reply.read().decode("utf-8", "replace")


def control(method, path, body=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    status, text = send(method, "/_mock/api" + path, headers, None if body is None else json.dumps(body).encode())
    assert status < 300, f"{method} {path}: {status} {text}"
    return json.loads(text) if text else None


class Application:
    def __init__(self, name):
        made = control("POST", "/applications", {"name": name})
        self.name, self.id, self.secret = name, made["client_id"], made["client_secret"]
        self.mark = f"marked-by-{name}"
        self.basic = {"Authorization": "Basic " + base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()}
        self.token = json.loads(send("POST", "/oauth/token", self.basic, b"grant_type=client_credentials")[1])["access_token"]

    def held(self):
        """State and journal, as the control plane tells them."""
        newest = control("GET", f"/exchanges?application={self.id}&order=newest&limit=1&view=summary")["exchanges"]
        return control("GET", f"/state?application={self.id}"), newest

    def ask(self, path, method, operation, other):
        """Asks with the own token, and says by every other means that the other one is meant."""
        media, body = body_of(operation, self.mark)
        headers = {
            "Authorization": f"Bearer {self.token}",
            "X-Mock-Application": other.id,
            "Host": f"{other.name}.localhost",
            "Prefer": "handling=lenient",
        } | ({"Content-Type": media} if media else {})
        return send(method, path, headers, body)


def concrete(path, ids):
    return re.sub(r"{[^}]*}", lambda _: str(ids), path)


def everything(application, other, ids, deletes):
    """All operations; what is told is never the other's, and what is the other's stays."""
    before = other.held()
    asked = 0
    for path, method, operation in sorted(OPERATIONS, key=lambda one: (METHODS.index(one[1]), -one[0].count("/"))):
        if method == "delete" and not deletes:
            continue
        for at in ids:
            status, text = application.ask(concrete(path, at), method, operation, other)
            assert status not in (401, 403) and status < 500, f"{method} {path}: {status} {text[:300]}"
            assert other.mark not in text and other.id not in text, f"{method} {path} shows what is {other.name}'s: {text[:500]}"
            asked += 1
        assert other.held() == before, f"{method} {path} by {application.name} changed what is {other.name}'s"
    return asked


try:
    one, two = Application("one"), Application("two")
    # Each fills its own with marks first; then each asks for everything, the other's ids included.
    asked = everything(one, two, [1], deletes=False) + everything(two, one, [1, 2], deletes=False)
    for application in (one, two):
        marks = json.dumps(application.held()[0]).count(application.mark)
        assert marks >= 5, f"only {marks} marks in what {application.name} holds"
    asked += everything(one, two, [1, 2, 3], deletes=True)
    assert two.mark in json.dumps(two.held()[0]), "the marks are still there"
    asked += everything(two, one, [1, 2, 3], deletes=True)
    form = urllib.parse.urlencode({"token": two.token}).encode()
    assert json.loads(send("POST", "/oauth/introspect", one.basic, form)[1]) == {"active": False}
    assert json.loads(send("POST", "/oauth/revoke", one.basic, form)[1])["error"] == "invalid_grant"
    assert json.loads(send("POST", "/oauth/introspect", two.basic, form)[1])["active"] is True
finally:
    server.terminate()
    assert server.wait(10) == 0
assert len(OPERATIONS) == 67
print(f"{asked} requests over {len(OPERATIONS)} operations, and neither application saw or changed what is the other's")
