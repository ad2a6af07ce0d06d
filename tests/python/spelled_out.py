"""An OpenAPI document as Schemathesis can hold a server to all of it, on stdout: `spelled_out.py DOCUMENT`.

Schemathesis tries to do without credentials, or with wrong ones, for apiKey and http schemes only, so ChatKitty's
oauth2 scheme becomes http bearer; otherwise a server that ignores tokens would pass. And a discriminator says which
branch of a `oneOf` is meant without being part of what is checked; here each branch asks for the values that lead to
it, so that generated branches that overlap no longer do.
"""

import json
import sys

import yaml


def decided(schema):
    if isinstance(schema, list):
        return [decided(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: decided(value) for name, value in schema.items()}
    if "discriminator" in schema and "oneOf" in schema:
        discriminator = schema.pop("discriminator")
        schema["oneOf"] = [branch(discriminator, reference) for reference in schema["oneOf"]]
    return schema


def branch(discriminator, reference):
    name = discriminator["propertyName"]
    values = [value for value, target in discriminator["mapping"].items() if target == reference["$ref"]]
    values = {"type": "object", "required": [name], "properties": {name: {"type": "string", "enum": values}}}
    return {"allOf": [reference, values]}


document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
schemes = document["components"]["securitySchemes"]
assert {scheme["type"] for scheme in schemes.values()} == {"oauth2"}, "nothing to respell"
schemes.update({name: {"type": "http", "scheme": "bearer"} for name in schemes})
json.dump(decided(document), sys.stdout)
