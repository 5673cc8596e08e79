"""Lets schemathesis make up requests from the OpenAPI document of a running Herald: fuzz.py URL FOLDER SEED

Everything it leaves behind lands in FOLDER.
"""

import json
import os
import sys
import urllib.request
import uuid
from pathlib import Path

# What a schema allows may still be refused: 60.0 is an integer to JSON Schema and none to the messaging API, a number
# may exceed 64 bits, and what a queue takes depends on what was said to it before. And the messaging API shows queues
# that were deleted, as it shows those that were never made.
CHECKS_LEFT_OUT = "positive_data_acceptance,use_after_free"
# Per operation and phase; with 30 operations about 2,000 requests.
EXAMPLES = 20
PROJECT = "schemathesis"
QUEUE = "prepared"

url, folder, seed = sys.argv[1:]


def post(collection, body):
    """Posts as a client of its own, and returns the answer."""
    headers = {"Client-ID": str(uuid.uuid4()), "X-Project-Id": PROJECT, "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{url}/v2/queues/{QUEUE}/{collection}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


post("messages", {"messages": [{"body": {"number": number}} for number in range(4)]})
claimed = post("claims?limit=2", {"ttl": 43200})["messages"][0]
subscription = post("subscriptions", {"subscriber": "http://127.0.0.1:9/"})
os.environ["HERALD_PREPARED"] = json.dumps({
    "project": PROJECT, "queue": QUEUE, "message": claimed["id"], "claim": claimed["href"].split("claim_id=")[1],
    "subscription": subscription["subscription_id"],
})
os.environ["SCHEMATHESIS_HOOKS"] = "schemathesis_hooks"
os.environ["PYTHONPATH"] = str(Path(__file__).parent)
os.chdir(folder)
arguments = [
    "run", f"{url}/v2/openapi.json", "--url", url, "--checks", "all", "--exclude-checks", CHECKS_LEFT_OUT,
    "--seed", seed, "--max-examples", str(EXAMPLES), "--generation-database", "none", "--continue-on-failure",
    "--workers", "1", "--no-color",
    # It has no end.
    "--exclude-operation-id", "streamMessages",
]
os.execv(sys.executable, [sys.executable, "-m", "schemathesis.cli", *arguments])
