"""Very many subscribers refuse one large message: what their dead letters take of Redis.

HERALD_BENCH_SUBSCRIBERS says how many.
"""
import os

import deployment
import kit

SUBSCRIBERS, BYTES = int(os.environ.get("HERALD_BENCH_SUBSCRIBERS", 500)), 260_000
# One attempt and one more.
POLICY = {"_retry_policy": {"retries_with_no_delay": 1, "minimum_delay_retries": 0, "minimum_delay": 1, "maximum_delay": 11,
                            "maximum_delay_retries": 0}}
PROMISE_BYTES_EACH = 2_000


def measure():
    with deployment.deployment() as built:
        built.start_api()
        built.start_notifier()
        sink = built.start_sink(hosts=16)
        built.subscribe_all("refused", (sink.url(f"/busy/{number}", number) for number in range(SUBSCRIBERS)), POLICY)
        before = memory(built)
        built.post("refused", [{"pad": "x" * BYTES}])
        sink.wait_for(2 * SUBSCRIBERS)
        sink.holds(lambda: count(built) == SUBSCRIBERS, limit=30)
        dead_letters, grown = count(built), memory(built) - before
    table = kit.Table(f"One message of {BYTES:,} bytes, refused by {SUBSCRIBERS:,} subscribers", ["figure", "value"])
    table.add("dead letters", dead_letters)
    table.add("Redis grew by, kB", grown / 1000)
    promised = BYTES + SUBSCRIBERS * PROMISE_BYTES_EACH
    table.promise(f"a dead letter each ({dead_letters:,})", dead_letters == SUBSCRIBERS)
    # Twice: the message itself lives for an hour yet.
    table.promise(f"the payload is kept once: at most {(BYTES + promised) / 1000:,.0f} kB", grown <= BYTES + promised)
    return table


def memory(built):
    return int(built.redis_info("memory")["used_memory"])


def count(built):
    found, path = 0, "/v2/queues/refused/dead_letters?limit=20"
    while path:
        page = built.call("GET", path)
        found += len(page["dead_letters"])
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), None) if page["dead_letters"] else None
    return found
