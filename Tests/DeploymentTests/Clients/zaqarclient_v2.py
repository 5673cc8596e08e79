"""Drives python-zaqarclient, API 2 over HTTP, through every call it has: zaqarclient_v2.py URL POOL [KEYSTONE PROJECT]

The server has keys for pre-signed URLs, and its admin mode; without KEYSTONE, the root of an Identity API, it needs no authentication,
and with it the endpoint is that of the catalogue. POOL is the URI of a Redis of its own.
"""

import sys
import uuid

from zaqarclient.queues import client as clients
from zaqarclient.queues.v2 import claim, core, flavor, iterator, message, pool, queues, subscription
from zaqarclient.queues.v2 import client as v2
from zaqarclient.transport import errors

from identity import Keystone
from steps import Calls, equal, raises, step

URL, POOL, *rest = sys.argv[1:]
KEYSTONE = Keystone(*rest) if rest else None
PROJECT = KEYSTONE.project if KEYSTONE else f"zaqarclient-{uuid.uuid4()}"
SUBSCRIBER = "http://127.0.0.1:9/"
DEFAULTS = {
    "_max_messages_post_size": 262144, "_default_message_ttl": 3600, "_default_message_delay": 0,
    "_dead_letter_queue": None, "_dead_letter_queue_messages_ttl": None, "_max_claim_count": None,
    "_enable_encrypt_messages": False,
}
LEFT_OUT = {
    "core.queue_get_metadata": "the client's own API 2 lacks the operation, a left-over of API 1",
    "core.queue_set_metadata": "the client's own API 2 lacks the operation, a left-over of API 1",
}
calls = Calls()
for place in (
    v2.Client, queues.Queue, message.Message, claim.Claim, subscription.Subscription, iterator._Iterator,
    pool.Pool, flavor.Flavor, core,
):
    calls.watch(place)


def connect(backend=None, user="member", **options):
    """A client of its own, with a Client-ID of its own."""
    known = KEYSTONE if backend is None else None
    backend = backend or ("keystone" if known else "noauth")
    conf = {"auth_opts": {"backend": backend, "options": {"os_project_id": PROJECT, **options}}}
    if known:
        return clients.Client(None, version=2, conf=conf, session=known.session(user))
    return clients.Client(URL, version=2, conf=conf)


def stranger(signature):
    """A client that has nothing but a pre-signed URL."""
    return connect("signed-url", **{name: signature[name] for name in ("paths", "methods", "expires", "signature")})


class Administrator(v2.Client):
    """Without authentication, the proxy in front of Herald says who is an administrator."""

    def _request_and_transport(self):
        request, transport = super()._request_and_transport()
        request.headers["X-Roles"] = "admin"
        return request, transport


def names(listing):
    return [item.name for item in listing]


def bodies(listing):
    return [item.body for item in listing]


def ids(posted):
    return [href.rpartition("/")[2] for href in posted["resources"]]


def is_whole(metadata, **own):
    equal(metadata, DEFAULTS | own)


client = connect()
other = connect()

# The service.

with step("ping"):
    assert client.ping() is True
with step("homedoc"):
    assert "rel/queues" in client.homedoc()["resources"]
with step("transport, for the address alone"):
    # Without an address the client looks for one in a request, and has none.
    assert clients.Client(URL, version=2, conf=client.conf).transport() is not None
with step("health needs the role of an administrator"), raises(errors.ForbiddenError):
    client.health()
with step("health, twice in a row"):
    administrator = connect(user="boss") if KEYSTONE else Administrator(URL, version=2, conf=client.conf)
    for _ in range(2):
        health = administrator.health()
        assert health["storage_reachable"] is True, health
        assert all(status["succeeded"] for status in health["operation_status"].values()), health

# Queues.

with step("a queue object makes no queue"):
    equal(client.queue("idle").name, "idle")
    listing, count = client.queues(with_count=True)
    equal((names(listing), count), ([], 0))
with step("force_create makes one"):
    made = client.queue("made", force_create=True)
    listing, count = client.queues(with_count=True, detailed=True)
    found = list(listing)
    equal((names(found), count), (["made"], 1))
    equal(found[0].href, "/v2/queues/made")
    is_whole(found[0].metadata_dict)
with step("exists is always true, as HEAD is not served"):
    assert made.exists() and client.queue("absent").exists()
with step("metadata of a new queue are the defaults"):
    is_whole(made.metadata())
with step("metadata are set, replaced, removed and cleared"):
    is_whole(made.metadata(new_meta={"team": "imaging", "empty": "", "none": {}}),
             team="imaging", empty="", none={})
    is_whole(made.metadata(new_meta={"team": "billing", "_default_message_ttl": 7200}),
             team="billing", _default_message_ttl=7200)
    equal(made.metadata()["team"], "billing")
    is_whole(made.metadata(new_meta={}))
    is_whole(made.metadata(force_reload=True))
with step("queues of five are walked two at a time, in order, none twice"):
    for number in range(4):
        client.queue(f"queue-{number}", force_create=True)
    wanted = ["made", "queue-0", "queue-1", "queue-2", "queue-3"]
    listing, _ = client.queues(limit=2)
    equal(names(listing.stream()), wanted)
    listing, _ = client.queues(limit=2, marker="queue-0")
    equal(names(listing), wanted[2:4])
with step("core.queue_create with metadata"):
    request, transport = client._request_and_transport()
    core.queue_create(transport, request, "described", metadata={"team": "imaging"})
    equal(client.queue("described").metadata()["team"], "imaging")
with step("delete, also of a queue that is gone"):
    for number in [0, 1, 2, 3, 0]:
        client.queue(f"queue-{number}").delete()
    client.queue("described").delete()
    equal(names(client.queues()[0]), ["made"])
with step("a name of 65 characters is refused with a title the client reads"):
    try:
        client.queue("q" * 65, force_create=True)
        raise AssertionError("accepted")
    except errors.MalformedRequest as error:
        assert "Invalid queue identification" in str(error), error
with step("a limit of 1000 is refused"), raises(errors.MalformedRequest):
    client.queues(limit=1000)

# Messages.

jobs = client.queue("jobs")
with step("messages of a queue that is not there are none"):
    equal(list(jobs.messages(echo=True)), [])
with step("post three, and one alone"):
    posted = jobs.post([{"body": "plain", "ttl": 60}, {"body": {"n": 1}, "ttl": 600}, {"body": [1, 2]}])
    equal(len(posted["resources"]), 3)
    posted["resources"] += jobs.post({"body": "four", "ttl": 60})["resources"]
    wanted = ["plain", {"n": 1}, [1, 2], "four"]
with step("message by id, with the href of the post"):
    one = jobs.message(ids(posted)[0])
    equal((one.body, one.href, one.ttl), ("plain", posted["resources"][0], 60))
    assert one.age >= 0 and one.claim_id is None
with step("messages by ids"):
    equal(bodies(jobs.messages(*ids(posted))), wanted)
with step("messages by ids, none of which is there"), raises(errors.ResourceNotFound):
    jobs.messages("nothing", "nowhere")
with step("a list lacks one's own messages unless one asks"):
    equal(bodies(jobs.messages()), [])
    equal(bodies(jobs.messages(echo=True, include_claimed=False)), wanted)
    equal(bodies(other.queue("jobs").messages()), wanted)
with step("a list is walked one at a time, in the order of the posts"):
    equal(bodies(jobs.messages(echo=True, limit=1).stream()), wanted)
    equal(bodies(jobs.messages(echo=True, marker=ids(posted)[1])), wanted[2:])
with step("a delayed message is listed on request only"):
    later = client.queue("later")
    later.post({"body": "later", "delay": 900})
    equal(bodies(later.messages(echo=True)), [])
    equal(bodies(later.messages(echo=True, include_delayed=True)), ["later"])
with step("stats"):
    equal({name: jobs.stats["messages"][name] for name in ("free", "claimed", "total")},
          {"free": 4, "claimed": 0, "total": 4})
with step("message.delete"):
    one.delete()
    with raises(errors.ResourceNotFound):
        jobs.message(ids(posted)[0])
with step("delete_messages"):
    jobs.delete_messages(*ids(posted)[1:3])
    equal(bodies(jobs.messages(echo=True)), ["four"])
with step("pop"):
    jobs.post([{"body": "five"}, {"body": "six"}])
    equal(bodies(jobs.pop(count=2)), ["four", "five"])
    equal(bodies(jobs.pop()), ["six"])
    equal(bodies(jobs.pop()), [])
with step("a post of 270,000 bytes is refused, and the client can read that"), raises(errors.MalformedRequest):
    jobs.post({"body": "x" * 270_000})
with step("a deleted queue lists nothing"):
    jobs.post({"body": "gone"})
    jobs.delete()
    equal(list(jobs.messages(echo=True)), [])

# Claims.

with step("nothing to claim is a claim without an id"):
    equal(jobs.claim(ttl=120, grace=60).id, None)
with step("claim without terms has the defaults"):
    jobs.post([{"body": number, "ttl": 60} for number in range(4)])
    default = jobs.claim()
    equal((bodies(default), default.ttl), ([0, 1, 2, 3], 300))
    default.delete()
with step("claim holds the oldest, longer than they would have lived"):
    held = jobs.claim(ttl=120, grace=60, limit=2)
    taken = list(held)
    equal(bodies(taken), [0, 1])
    equal([item.claim_id for item in taken], [held.id] * 2)
    assert held.age >= 0
with step("claim by id"):
    again = jobs.claim(id=held.id)
    equal((bodies(again), again.ttl), ([0, 1], 120))
with step("claim.update"):
    held.update(ttl=200, grace=90)
    equal(jobs.claim(id=held.id).ttl, 200)
    held.update()
    equal(jobs.claim(id=held.id).ttl, 300)
with step("claimed messages are listed on request only"):
    equal(bodies(jobs.messages(echo=True)), [2, 3])
    equal(bodies(jobs.messages(echo=True, include_claimed=True)), [0, 1, 2, 3])
    equal(jobs.stats["messages"]["claimed"], 2)
with step("a claimed message is deleted with its claim, and not without"):
    with raises(errors.ForbiddenError):
        request, transport = client._request_and_transport()
        core.message_delete(transport, request, "jobs", taken[0].id)
    taken[0].delete()
    equal(bodies(jobs.claim(id=held.id)), [1])
with step("claim.delete releases, and the claim is gone"):
    held.delete()
    with raises(errors.ResourceNotFound):
        list(jobs.claim(id=held.id))
    equal(bodies(jobs.messages(echo=True)), [1, 2, 3])

# Pre-signed URLs.

with step("signed_url with the server's choices lets a stranger read"):
    signature = jobs.signed_url()
    shared = stranger(signature).queue("jobs")
    equal(bodies(shared.messages()), [1, 2, 3])
    with raises(errors.ResourceNotFound):
        shared.post({"body": "not allowed"})
with step("signed_url with choices of one's own lets a stranger post and claim"):
    signature = jobs.signed_url(paths=["messages", "claims"], ttl_seconds=3600, methods=["GET", "POST"])
    equal((sorted(signature["methods"]), signature["project"]), (["GET", "POST"], PROJECT))
    shared = stranger(signature).queue("jobs")
    shared.post({"body": "allowed"})
    equal(bodies(shared.claim(ttl=60, grace=60)), [1, 2, 3, "allowed"])

# Subscriptions.

with step("subscription, and the same again"):
    sub = client.subscription("jobs", subscriber=SUBSCRIBER, ttl=600, options={"color": "red"})
    equal((sub.subscriber, sub.ttl, sub.options), (SUBSCRIBER, 600, {"color": "red"}))
    assert sub.age >= 0 and isinstance(sub.confirmed, bool)
with step("subscription by id"):
    equal(client.subscription("jobs", id=sub.id).subscriber, SUBSCRIBER)
with step("the client's own default ttl is 60"):
    short = client.subscription("jobs", subscriber=SUBSCRIBER + "short")
    equal(short.ttl, 60)
with step("subscription.update"):
    sub.update({"subscriber": SUBSCRIBER + "moved", "ttl": 1000})
    moved = client.subscription("jobs", id=sub.id)
    equal((moved.subscriber, moved.ttl, moved.options), (SUBSCRIBER + "moved", 1000, {"color": "red"}))
with step("subscriptions of five are walked two at a time, oldest first"):
    for number in range(3):
        client.subscription("jobs", subscriber=f"{SUBSCRIBER}{number}")
    wanted = [SUBSCRIBER + name for name in ("moved", "short", "0", "1", "2")]
    equal([found.subscriber for found in client.subscriptions("jobs", limit=2).stream()], wanted)
    equal([found.subscriber for found in jobs.subscriptions()], wanted)
    equal([found.subscriber for found in jobs.subscriptions(marker=short.id, detailed=True)], wanted[2:])
with step("subscription.delete"):
    short.delete()
    with raises(errors.ResourceNotFound):
        client.subscription("jobs", id=short.id)
with step("a scheme without a channel is refused"), raises(errors.MalformedRequest):
    client.subscription("jobs", subscriber="gopher://x")

# What programs on top of this client are known to send.

with step("the command line's update of a subscription has nulls for what was not given"):
    sub.update({"subscriber": None, "ttl": 90, "options": {}})
    changed = client.subscription("jobs", id=sub.id)
    equal((changed.subscriber, changed.ttl, changed.options), (SUBSCRIBER + "moved", 90, {}))
with step("Heat subscribes for 7,000 years, and polls for signals before there is a queue"):
    forever = client.subscription("jobs", subscriber=SUBSCRIBER + "heat", ttl=220367260800, options=None)
    equal((forever.ttl, forever.options), (220367260800, {}))
    forever.delete()
    signals = client.queue("signals")
    signature = signals.signed_url(paths=["messages"], methods=["GET", "DELETE"])
    shared = stranger(signature).queue("signals")
    equal(bodies(shared.pop()), [])
    signals.post({"body": {"deploy_status_code": 0}, "ttl": 3600})
    equal(bodies(shared.pop()), [{"deploy_status_code": 0}])

# Purge.

with step("purge of messages leaves subscriptions"):
    jobs.purge(resource_types=["messages"])
    equal((jobs.stats["messages"]["total"], len(list(jobs.subscriptions()))), (0, 4))
with step("purge of everything"):
    jobs.post({"body": "last"})
    jobs.purge()
    equal((jobs.stats["messages"]["total"], len(list(jobs.subscriptions()))), (0, 0))

# Pools and flavors, with the role of an administrator. They come last: queues live in pools as soon as there is one.

with step("pools and flavors, of which there are none"):
    equal((names(administrator.pools()), names(administrator.flavors())), ([], []))
with step("pools need the role of an administrator"), raises(errors.ForbiddenError):
    client.pools()
with step("pool, with a label that is no flavor yet"):
    east = administrator.pool("east", weight=10, uri=POOL, flavor="tasty", options={"color": "red"})
    shown = east.get()
    equal((shown["name"], shown["uri"], shown["weight"], shown["flavor"]), ("east", POOL, 10, "tasty"))
    equal(names(administrator.pools(detailed=True)), ["east"])
with step("pool.update"):
    east.update({"weight": 20})
    equal(east.get()["weight"], 20)
with step("flavor over the pool"):
    tasty = administrator.flavor("tasty", pool_list=["east"])
    shown = tasty.get()
    equal((shown["name"], shown["pool_list"]), ("tasty", ["east"]))
    equal(names(administrator.flavors(detailed=True)), ["tasty"])
with step("a queue of the flavor takes and returns messages"):
    request, transport = client._request_and_transport()
    core.queue_create(transport, request, "sweet", metadata={"_flavor": "tasty"})
    sweet = client.queue("sweet")
    sweet.post([{"body": "candy"}, {"body": "honey"}])
    equal(bodies(sweet.messages(echo=True)), ["candy", "honey"])
    equal(bodies(sweet.claim(ttl=60, grace=60)), ["candy", "honey"])
    sweet.delete()
with step("health tells about the pool, twice in a row"):
    for _ in range(2):
        health = administrator.health()
        assert health.pop("catalog_reachable") is True, health
        equal(list(health), ["east"])
        assert health["east"]["storage_reachable"] is True, health
with step("the last pool of a flavor stays"), raises(errors.ForbiddenError):
    east.delete()
with step("flavor.update moves it to another pool"):
    west = administrator.pool("west", weight=1, uri=f"{POOL}?t=2")
    tasty.update({"pool_list": ["west"]})
    equal(tasty.get()["pool_list"], ["west"])
with step("pools are walked one at a time"):
    equal(names(administrator.pools(limit=1).stream()), ["east", "west"])
with step("flavor.delete and pool.delete"):
    tasty.delete()
    with raises(errors.ResourceNotFound):
        tasty.get()
    for pool_made in (east, west):
        pool_made.delete()
    equal(names(administrator.pools()), [])

with step("every call was made"):
    calls.check(LEFT_OUT)
