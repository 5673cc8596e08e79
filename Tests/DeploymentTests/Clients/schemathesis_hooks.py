"""What schemathesis has to know about Herald that an OpenAPI document cannot say."""

import json
import os
import zlib

import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

# A project, a queue, and things in it that are there, as fuzz.py made them.
PREPARED = json.loads(os.environ["HERALD_PREPARED"])


@schemathesis.serializer("application/openstack-messaging-v2.0-json-patch")
def patch(context, value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.deserializer("application/json-home")
def home_document(context, response):
    return json.loads(response.content)


@schemathesis.hook
def map_case(context, case):
    """Leads good requests to one project, and half of those that name a thing to one that is there.

    Names made up at random would meet nothing but 404.
    """
    if is_good(case, ParameterLocation.HEADER) and "X-Project-Id" in (case.headers or {}):
        case.headers["X-Project-Id"] = PREPARED["project"]
    # A request that waits is answered in its time, which none of these has.
    wait = (case.query or {}).get("wait")
    if str(wait[-1] if isinstance(wait, list) and wait else wait).lstrip("+ ").isdigit():
        case.query["wait"] = 0
    if case.method.upper() in ("GET", "PATCH") and is_good(case, ParameterLocation.PATH):
        names = set(case.path_parameters or {})
        if names > {"queue"} and zlib.crc32(repr(case.path_parameters).encode()) % 2:
            case.path_parameters.update({name: PREPARED[name] for name in names if name in PREPARED})
    return case


def is_good(case, location):
    part = case.meta.components.get(location) if case.meta else None
    return part is not None and part.mode is GenerationMode.POSITIVE
