"""Runs every `openstack messaging` command of python-openstackclient: openstack_messaging.py URL POOL KEYSTONE PROJECT

The server has keys for pre-signed URLs, and its admin mode; URL is in the catalogue of KEYSTONE, the root of an Identity API. POOL is the
URI of a Redis of its own. Commands that list say what they printed as JSON.
"""

import contextlib
import importlib.metadata
import io
import json
import sys
import uuid

from openstackclient import shell
from openstackclient.common import clientmanager
from osc_lib import clientmanager as cache

from identity import Keystone
from steps import equal, step

URL, POOL, *rest = sys.argv[1:]
KEYSTONE = Keystone(*rest)
CLIENT = str(uuid.uuid4())
SUBSCRIBER = "http://127.0.0.1:9/"
# The client's own faults, which a server cannot help.
LEFT_OUT = {}
run_commands = set()


def forget_clients():
    """The program keeps its first client for as long as it runs, whatever user asks then: it is made for one command."""
    for kind in clientmanager.ClientManager.__mro__:
        for thing in vars(kind).values():
            if isinstance(thing, cache.ClientCache):
                thing._handle = None


def run(*words, user="member", status=0):
    """Runs a command in this process, and gives what it printed."""
    forget_clients()
    named = [f"--os-{name.replace('_', '-')}={value}" for name, value in KEYSTONE.credentials(user).items()]
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        found = shell.OpenStackShell().run([*named, "messaging", *words])
    assert found == status, f"{words}: {found}\n{output.getvalue()}\n{errors.getvalue()}"
    command = [word for word in words if not word.startswith("-")]
    run_commands.update(" ".join(command[:count]) for count in (1, 2, 3))
    return output.getvalue()


def read(*words, user="member"):
    """The same, as a document."""
    return json.loads(run(*words, "-f", "json", user=user))


with step("ping and the home document find the endpoint in the catalogue"):
    equal(read("ping"), {"Pingable": True})
    assert "rel/queues" in run("homedoc")

with step("queues"):
    equal(read("queue", "create", "jobs")["Name"], "jobs")
    equal([row["Name"] for row in read("queue", "list")], ["jobs"])
    run("queue", "set", "metadata", "jobs", '{"a": 1}')
    assert "'a': 1" in str(read("queue", "get", "metadata", "jobs")["Metadata"])
    assert "total" in str(read("queue", "stats", "jobs"))
    signed = read("queue", "signed", "url", "jobs", "--methods", "GET", "--ttl-seconds", "600")
    equal(signed["Project ID"], KEYSTONE.project)

with step("messages and claims"):
    run("message", "post", "jobs", '[{"body": {"n": 1}, "ttl": 300}, {"body": {"n": 2}, "ttl": 300}]', "--client-id", CLIENT)
    listed = read("message", "list", "jobs", "--echo", "--client-id", CLIENT)
    equal([row["Body"] for row in listed], [{"n": 1}, {"n": 2}])
    claimed = read("claim", "create", "jobs", "--ttl", "300", "--grace", "60", "--limit", "1")
    claim = claimed[0]["Claim_ID"]
    equal(len(read("claim", "query", "jobs", claim)), 1)
    equal(len(read("claim", "renew", "jobs", claim, "--ttl", "100")), 1)
    run("claim", "release", "jobs", claim)

with step("subscriptions"):
    made = read("subscription", "create", "jobs", SUBSCRIBER, "600")
    shown = read("subscription", "show", "jobs", made["ID"])
    equal((shown["Subscriber"], shown["TTL"]), (SUBSCRIBER, 600))
    # It prints empty columns: it reads the properties of a dictionary.
    run("subscription", "update", "jobs", made["ID"], "--ttl", "700")
    equal(read("subscription", "show", "jobs", made["ID"])["TTL"], 700)
    equal([row["ID"] for row in read("subscription", "list", "jobs")], [made["ID"]])
    run("subscription", "delete", "jobs", made["ID"])
    equal(read("subscription", "list", "jobs"), [])

with step("pools and flavors are an administrator's"):
    equal(read("pool", "create", "one", POOL, "1", user="boss")["Name"], "one")
    equal(read("pool", "show", "one", user="boss")["URI"], POOL)
    equal(read("pool", "update", "one", "--pool_weight", "2", user="boss")["Weight"], 2)
    equal([row["Name"] for row in read("pool", "list", user="boss")], ["one"])
    equal(read("flavor", "create", "tasty", "--pool_list", "one", user="boss")["Name"], "tasty")
    equal(read("flavor", "show", "tasty", user="boss")["Name"], "tasty")
    equal(read("flavor", "update", "tasty", "--pool_list", "one", user="boss")["Name"], "tasty")
    equal([row["Name"] for row in read("flavor", "list", user="boss")], ["tasty"])
    assert "storage_reachable" in run("health", user="boss")
    for words in [("health",), ("pool", "list"), ("pool", "delete", "one"), ("flavor", "delete", "tasty")]:
        run(*words, status=1)
    run("flavor", "delete", "tasty", user="boss")
    run("pool", "delete", "one", user="boss")
    equal(read("pool", "list", user="boss"), [])

with step("what a project has, another does not see, and ends"):
    run("queue", "purge", "jobs", "--resource_types", "messages")
    run("queue", "delete", "jobs")
    equal(read("queue", "list"), [])

with step("every command was run"):
    commands = importlib.metadata.entry_points(group="openstack.messaging.v2")
    names = {entry.name.removeprefix("messaging_").replace("_", " ") for entry in commands}
    missing = names - run_commands - LEFT_OUT.keys()
    assert names and not missing, f"never run: {', '.join(sorted(missing))}"
    print(f"{len(names)} commands run", flush=True)
