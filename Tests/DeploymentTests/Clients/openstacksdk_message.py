"""Drives the message resources of openstacksdk through every call of their proxy: openstacksdk_message.py URL [KEYSTONE PROJECT]

Without KEYSTONE, the root of an Identity API, the server needs no authentication; with it the endpoint is that of the catalogue.
"""

import sys
import uuid

import openstack
from keystoneauth1 import noauth, session
from openstack import exceptions
from openstack.message.v2 import _proxy
from openstack.message.v2.claim import Claim

from identity import Keystone
from steps import Calls, equal, raises, step

URL, *rest = sys.argv[1:]
KEYSTONE = Keystone(*rest) if rest else None
PROJECT = KEYSTONE.project if KEYSTONE else f"openstacksdk-{uuid.uuid4()}"
SUBSCRIBER = "http://127.0.0.1:9/"
LEFT_OUT = {
    "Proxy.wait_for_status": "nothing of the messaging API has a status to wait for",
}

calls = Calls()
calls.watch(_proxy.Proxy)


class NoAuth(noauth.NoAuth):
    """`auth_type=none` with a project: the SDK sends the project of its credentials, and these have none otherwise."""

    def get_project_id(self, session, **named):
        return PROJECT


def connect():
    if KEYSTONE:
        return openstack.connection.Connection(auth=KEYSTONE.credentials(), message_api_version="2").message
    return openstack.connection.Connection(
        session=session.Session(auth=NoAuth(endpoint=URL)), message_api_version="2", message_endpoint_override=URL
    ).message


def create_claim(**terms):
    """What the proxy's call comes to, on a resource that knows no Connection: see the step that tells why."""
    return Claim.new(queue_name="jobs", **terms).create(proxy)


def bodies(listing):
    return [item.body for item in listing]


with step("the version is discovered from the root"):
    proxy = connect()
    assert isinstance(proxy, _proxy.Proxy), proxy
    equal((proxy.endpoint_override or proxy.get_endpoint()).rstrip("/"), f"{URL}/v2")

# Queues.

with step("create_queue, with metadata"):
    queue = proxy.create_queue(name="jobs", description="to do", default_message_ttl=7200,
                               max_messages_post_size=1000)
    equal((queue.name, queue.id), ("jobs", "jobs"))
with step("create_queue for one that is there"):
    proxy.create_queue(name="jobs")
with step("get_queue by name and by object"):
    for found in (proxy.get_queue("jobs"), proxy.get_queue(queue)):
        equal((found.description, found.default_message_ttl, found.max_messages_post_size), ("to do", 7200, 1000))
with step("queues are walked to the end, in order, none twice"):
    wanted = [f"queue-{number:02}" for number in range(25)]
    for name in wanted:
        proxy.create_queue(name=name)
    equal([found.name for found in proxy.queues()], ["jobs", *wanted])
    equal([found.name for found in proxy.queues(limit=7)], ["jobs", *wanted])
    equal([found.name for found in proxy.queues(marker="queue-20")], wanted[21:])
with step("delete_queue, also of one that is gone"):
    for name in wanted:
        proxy.delete_queue(name)
    proxy.delete_queue(wanted[0], ignore_missing=False)
    equal([found.name for found in proxy.queues()], ["jobs"])
with step("wait_for_delete, of what can be missing"):
    proxy.post_message("jobs", [{"body": "soon gone"}])
    gone = next(proxy.messages("jobs"))
    gone.queue_name = "jobs"
    proxy.delete_message("jobs", gone)
    proxy.wait_for_delete(gone, interval=0, wait=10)
with step("a name of 65 characters is refused"), raises(exceptions.BadRequestException):
    proxy.create_queue(name="q" * 65)

# Messages.

with step("post_message"):
    posted = proxy.post_message("jobs", [{"body": {"number": number}, "ttl": 600} for number in range(3)])
    equal(len(posted), 3)
    ids = [href.rpartition("/")[2] for href in posted]
with step("get_message"):
    found = proxy.get_message("jobs", ids[1])
    equal((found.body, found.ttl, found.href), ({"number": 1}, 600, posted[1]))
with step("get_message of none"), raises(exceptions.NotFoundException):
    proxy.get_message("jobs", "nothing")
with step("messages are walked to the end, in order, none twice"):
    wanted = [{"number": number} for number in range(3)]
    equal(bodies(proxy.messages("jobs")), wanted)
    equal(bodies(proxy.messages("jobs", limit=1)), wanted)
    equal([item.id for item in proxy.messages("jobs", marker=ids[0])], ids[1:])
with step("messages of a client of one's own, with and without an echo"):
    mine = str(uuid.uuid4())
    equal(bodies(proxy.messages("jobs", client_id=mine, echo=True, include_claimed=False)), wanted)
with step("delete_message"):
    proxy.delete_message("jobs", ids[1], ignore_missing=False)
    equal([item.id for item in proxy.messages("jobs")], [ids[0], ids[2]])

# Claims.

# The proxy ties the claim to the Connection, and a tied resource overwrites its Location before the claim reads its id
# from it. No answer of a server but "nothing to claim" gets past that.
with step("create_claim of the proxy makes a claim, and then trips over the SDK itself"):
    proxy.post_message("tripping", [{"body": "held"}])
    with raises(AttributeError):
        proxy.create_claim("tripping", ttl=600, grace=120)
    equal(bodies(proxy.messages("tripping")), [])
    equal(bodies(proxy.messages("tripping", include_claimed=True)), ["held"])
with step("create_claim, with its limit in the body"):
    claim = create_claim(ttl=600, grace=120, limit=1)
    equal([item["body"] for item in claim.messages], [{"number": 0}])
    assert claim.id, claim
with step("create_claim takes what is left, and then nothing"):
    rest = create_claim(ttl=600, grace=120)
    equal([item["body"] for item in rest.messages], [{"number": 2}])
    equal(create_claim(ttl=600, grace=120).messages, None)
with step("get_claim by id and by object"):
    for found in (proxy.get_claim("jobs", claim.id), proxy.get_claim("jobs", claim)):
        equal((found.ttl, len(found.messages)), (600, 1))
        assert found.age >= 0
with step("update_claim by id and by object"):
    proxy.update_claim("jobs", claim.id, ttl=900, grace=60)
    equal(proxy.get_claim("jobs", claim.id).ttl, 900)
    proxy.update_claim("jobs", claim, ttl=800, grace=60, limit=3)
    equal(proxy.get_claim("jobs", claim.id).ttl, 800)
with step("messages under a claim are listed on request only"):
    equal(bodies(proxy.messages("jobs")), [])
    equal(len(list(proxy.messages("jobs", include_claimed=True))), 2)
with step("delete_message under a claim, with the claim and not without"):
    with raises(exceptions.ForbiddenException):
        proxy.delete_message("jobs", ids[0])
    proxy.delete_message("jobs", ids[0], claim=claim.id, ignore_missing=False)
    proxy.delete_message("jobs", ids[2], claim=rest, ignore_missing=False)
with step("delete_claim, and the claim is gone"):
    proxy.delete_claim("jobs", claim)
    with raises(exceptions.NotFoundException):
        proxy.get_claim("jobs", claim.id)

# Subscriptions.

with step("create_subscription"):
    made = proxy.create_subscription("jobs", subscriber=SUBSCRIBER, ttl=600, options={"color": "red"})
    assert made.subscription_id and made.id == made.subscription_id, made
with step("get_subscription by id and by object"):
    for found in (proxy.get_subscription("jobs", made.id), proxy.get_subscription("jobs", made)):
        equal((found.source, found.subscriber, found.ttl, found.options),
              ("jobs", SUBSCRIBER, 600, {"color": "red"}))
        assert found.age >= 0
with step("subscriptions are walked to the end, in order, none twice"):
    wanted = [SUBSCRIBER, *(f"{SUBSCRIBER}{number}" for number in range(12))]
    for subscriber in wanted[1:]:
        proxy.create_subscription("jobs", subscriber=subscriber)
    equal([found.subscriber for found in proxy.subscriptions("jobs")], wanted)
    equal([found.subscriber for found in proxy.subscriptions("jobs", limit=5)], wanted)
    equal([found.subscriber for found in proxy.subscriptions("jobs", marker=made.id)], wanted[1:])
with step("delete_subscription, by object and by id"):
    proxy.delete_subscription("jobs", made)
    proxy.delete_subscription("jobs", made.id, ignore_missing=False)
    with raises(exceptions.NotFoundException):
        proxy.get_subscription("jobs", made.id)
with step("a scheme without a channel is refused"), raises(exceptions.BadRequestException):
    proxy.create_subscription("jobs", subscriber="gopher://x")

with step("every call was made"):
    calls.check(LEFT_OUT)
