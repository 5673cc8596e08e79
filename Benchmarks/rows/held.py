"""A wide queue has more posted to it than can be fanned out: what quiet queues of the same shard notice.

HERALD_BENCH_SHARE scales the numbers of subscriptions and of posts.
"""
import os
import threading
import time

import crowd
import deployment
import kit
import quiet

SHARE = float(os.environ.get("HERALD_BENCH_SHARE", 1))
SECONDS = int(os.environ.get("HERALD_BENCH_SECONDS", 15))
HOSTS = 64
# Posts, and the subscriptions of the queue they go to.
CROWDS = [(120, 2_000), (1_000, 10_000)]
PROMISE_ARRIVAL_MS = 50


def measure():
    table = kit.Table(f"{quiet.PROJECTS} quiet projects posting {quiet.PER_SECOND} messages/s together on the one shard of a wide "
                      f"queue, for {SECONDS} s from its first post on",
                      ["posts to the wide queue", "its subscriptions", "post p99 ms", "arrival p50 ms", "p99 ms", "slowest ms",
                       "the wide queue's deliveries/s"])
    for posts, subscriptions in CROWDS:
        posts, subscriptions = int(posts * SHARE), int(subscriptions * SHARE)
        traffic, delivered = beside(posts, subscriptions)
        table.add(posts, subscriptions, f"{traffic.post_p99_ms:.1f}", f"{traffic.arrival_p50_ms:.1f}",
                  f"{traffic.arrival_p99_ms:.1f}", f"{traffic.arrival_max_ms:.1f}", delivered / SECONDS)
        table.promise(f"{posts:,} posts to {subscriptions:,}: arrival p99 within {PROMISE_ARRIVAL_MS} ms "
                      f"({traffic.arrival_p99_ms:.0f})", traffic.arrival_p99_ms <= PROMISE_ARRIVAL_MS)
    return table


def beside(posts, subscriptions):
    with deployment.deployment() as built:
        built.environment["HERALD_SHARDS"] = "1"
        built.start_api()
        built.start_notifier()
        sink = built.start_sink(hosts=HOSTS)
        calm = quiet.Quiet(built)
        built.subscribe_all("wide", (sink.url(f"/{number}", number) for number in range(subscriptions)))
        sink.reset()
        body = deployment.Deployment.text({"messages": [{"body": {"pad": "x" * 188}}]})
        crowds = threading.Thread(target=crowd.post, args=(built.api.ready["listen"], "/v2/queues/wide/messages",
                                                           deployment.headers_of(None), [body] * posts))
        with calm.traffic() as traffic:
            crowds.start()
            time.sleep(SECONDS)
        delivered = sink.figures()["requests"]
        crowds.join()
    return traffic, delivered
