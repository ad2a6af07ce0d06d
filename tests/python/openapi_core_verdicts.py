"""What openapi-core says of requests: the topics of `tests/conformance` as JSON on stdin, a verdict a case on stdout.

It sees each request as a WSGI server hands it on. Told to it in the spelling that it documents are label and matrix
templates, and media types that are JSON, XML or text by their name; servers lose their host, as the stand-in
answers at its own address.
"""

import base64
import io
import json
import re
import signal
import socket
import sys
import warnings
from urllib.parse import unquote_to_bytes, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.contrib.werkzeug import WerkzeugOpenAPIRequest
from openapi_core.deserializing.media_types.util import json_loads, plain_loads, xml_loads
from openapi_core.templating.datatypes import TemplateResult
from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.validation.request.exceptions import SecurityValidationError
from werkzeug.wrappers import Request

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
# Python's regular expressions can take exponential time.
SECONDS_MAX = 2


class MediaTypes(dict):
    """Media types by suffix and tree; openapi-core itself knows few, and those by their whole name."""

    def __contains__(self, name):
        return bool(re.search(r"\+(json|xml)$|^text/(?!html$)", name))

    def __getitem__(self, name):
        return json_loads if name.endswith("json") else xml_loads if name.endswith("xml") else plain_loads


def resolved(self):
    """Its own spelling of labels, `{.name}`, is an attribute to the `str.format` that it uses."""
    return re.sub(r"{([^}]*)}", lambda found: (self.variables or {}).get(found[1], found[0]), self.pattern)


def respelled(document):
    paths = {}
    for path, item in (document.get("paths") or {}).items():
        for holder in [item, *(item[method] for method in METHODS if method in item)]:
            for parameter in holder.get("parameters", []):
                sign = {"label": ".", "matrix": ";"}.get(parameter.get("style"))
                if sign and parameter["in"] == "path":
                    star = "*" if parameter.get("explode") else ""
                    path = path.replace("{%s}" % parameter["name"], "{%s%s%s}" % (sign, parameter["name"], star))
            without_hosts(holder)
        paths[path] = item
    without_hosts(document)
    return document | ({"paths": paths} if "paths" in document else {})


def without_hosts(holder):
    for server in holder.get("servers", []):
        server["url"] = re.sub(r"^[^/]*//[^/]*", "", server["url"]) or "/"


def environ(request):
    target = request["target"]
    if not target.startswith("/"):
        target = urlsplit(target)._replace(scheme="", netloc="").geturl()
    path, _, query = target.partition("?")
    body = base64.b64decode(request["body"])
    fields = {}
    for name, value in request["headers"]:
        name = name.upper().replace("-", "_")
        name = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        separator = "; " if name == "HTTP_COOKIE" else ","
        fields[name] = fields[name] + separator + value if name in fields else value
    return fields | {
        "REQUEST_METHOD": request["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }


def kind(error):
    if isinstance(error, PathError):
        return "route"
    if isinstance(error, SecurityValidationError):
        return "security"
    return "media type" if isinstance(error.__cause__, MediaTypeNotFound) else "value"


def told(error):
    try:
        message = f"{type(error).__name__}: {error}"
    except Exception:  # Some of its errors cannot be printed.
        message = type(error).__name__
    message = message.encode("utf-8", "replace").decode()[:300]
    return message if error.__cause__ is None else f"{message} <- {told(error.__cause__)}"


def verdict(api, request):
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        errors = list(api.iter_apicall_request_errors(WerkzeugOpenAPIRequest(Request(environ(request)))))
    except Exception as error:  # No finding, so no verdict.
        return {"verdict": "none", "kinds": [], "messages": [told(error)]}
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    kinds = sorted({kind(error) for error in errors})
    return {"verdict": "refused" if errors else "accepted", "kinds": kinds, "messages": list(map(told, errors))}


def expired(*_):
    raise TimeoutError(f"no verdict within {SECONDS_MAX} s of the processor")


def unreachable(*_, **__):
    raise OSError("nothing is fetched")


signal.signal(signal.SIGVTALRM, expired)
socket.getaddrinfo = unreachable
warnings.simplefilter("ignore")
TemplateResult.resolved = property(resolved)
config = Config(spec_validator_cls=None, extra_media_type_deserializers=MediaTypes())
answers = []
for topic in json.load(sys.stdin):
    apis = {
        name: OpenAPI.from_dict(respelled(document), config=config) for name, document in topic["documents"].items()
    }
    for case in topic["cases"]:
        answers.append({"name": case["name"]} | verdict(apis[case["document"]], case["request"]))
json.dump(answers, sys.stdout)
