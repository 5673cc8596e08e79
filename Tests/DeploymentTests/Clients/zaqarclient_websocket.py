"""Drives the WebSocket transport of python-zaqarclient: zaqarclient_websocket.py URL [KEYSTONE PROJECT]

Without KEYSTONE, the root of an Identity API, the server needs no authentication: the transport sends a token, and any is fine there.
"""

import json
import sys
import uuid

from zaqarclient.transport import errors, get_transport_for, request

from identity import Keystone
from steps import equal, raises, step

URL, *rest = sys.argv[1:]
KEYSTONE = Keystone(*rest) if rest else None
PROJECT = KEYSTONE.project if KEYSTONE else f"zaqarclient-{uuid.uuid4()}"
TOKEN = KEYSTONE.session().get_token() if KEYSTONE else "any"


def options(token):
    return {"auth_opts": {"backend": "keystone", "options": {"os_auth_token": token, "os_project_id": PROJECT}}}


if KEYSTONE:
    with step("a token that nothing vouches for is refused"), raises(Exception):
        with get_transport_for(URL, options=options("bad")) as refused:
            refused.send(request.Request(URL, "queue_list"))

with get_transport_for(URL, options=options(TOKEN)) as transport:

    def call(action, **body):
        """The status and the body of an answer; the client raises for what it knows as an error."""
        content = json.dumps(body) if body else None
        answer = transport.send(request.Request(URL, action, content=content))
        return answer.status_code, answer.deserialized_content

    with step("the first call authenticates, and its own answer comes behind that"):
        equal(call("queue_list"), (200, {"queues": []}))
    with step("a queue is created, and created again"):
        equal(call("queue_create", queue_name="q", metadata={"a": 1})[0], 201)
        equal(call("queue_create", queue_name="q")[0], 204)
        equal(call("queue_get", queue_name="q"), (200, {"a": 1}))
    with step("messages are posted, listed and read"):
        status, body = call("message_post", queue_name="q", messages=[{"body": {"n": n}, "ttl": 300} for n in range(3)])
        equal(status, 201)
        ids = body["message_ids"]
        listed = call("message_list", queue_name="q", echo=True)[1]["messages"]
        equal([message["id"] for message in listed], ids)
        equal(call("message_get", queue_name="q", message_id=ids[1])[1]["messages"]["body"], {"n": 1})
    with step("a claim is made, renewed and released"):
        status, claim = call("claim_create", queue_name="q", ttl=100, grace=60, limit=2)
        equal((status, len(claim["messages"])), (201, 2))
        equal(call("claim_update", queue_name="q", claim_id=claim["claim_id"], ttl=60)[0], 204)
        with raises(errors.ForbiddenError):
            call("message_delete", queue_name="q", message_id=ids[0])
        equal(call("claim_delete", queue_name="q", claim_id=claim["claim_id"])[0], 204)
    with step("messages are popped as os-collect-config does"):
        equal(call("message_delete_many", queue_name="q", pop=1)[1]["messages"][0]["body"], {"n": 0})
    with step("a subscriber is subscribed, shown and removed"):
        status, made = call("subscription_create", queue_name="q", subscriber="http://127.0.0.1:9/", ttl=600)
        equal(status, 201)
        equal(call("subscription_get", queue_name="q", subscription_id=made["subscription_id"])[1]["ttl"], 600)
        equal(call("subscription_delete", queue_name="q", subscription_id=made["subscription_id"])[0], 204)
    with step("errors are the client's own, and the connection goes on"):
        with raises(errors.ResourceNotFound):
            call("message_get", queue_name="q", message_id="none")
        with raises(errors.MalformedRequest):
            call("queue_create", queue_name="m@rs")
        with raises(errors.MalformedRequest):
            call("queue_glorify")
        equal(call("queue_get_stats", queue_name="q")[0], 200)
    with step("a queue is removed"):
        equal(call("queue_delete", queue_name="q")[0], 204)
