"""Webhooks: one subscriber at full speed beside the bare webhook channel, and one message to many subscribers.

The backlog of the one subscriber is posted while it is paused: what is measured is how fast it drains.
"""
import json
import subprocess
import time

import deployment
import kit

ROUNDS, BACKLOG, BARE_REQUESTS, UNLOADED, SUBSCRIBERS, HOSTS = 5, 20_000, 50_000, 300, 10_000, 64
PROMISE_RATIO, PROMISE_P50_US, PROMISE_FANOUT = 0.5, 5_000, 10_000


def measure():
    bare, ours, ratios, costs, fanout, crowd = [], [], [], [], [], []
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(hosts=HOSTS)

        def spent():
            return notifier.cpu_seconds, built.redis_cpu_seconds, sink.process.cpu_seconds

        one = f"/v2/queues/one/subscriptions/{built.subscribe('one', sink.url('/one'))}"
        for _ in range(ROUNDS):
            ran = subprocess.run([kit.program("peers"), "bare-hooks", "--url", sink.url("/bare"), "--requests",
                                  str(BARE_REQUESTS)], capture_output=True, text=True, check=True)
            bare.append(json.loads(ran.stdout)["per_second"])
            sink.reset()
            built.call("POST", one + "/pause")
            for _ in range(BACKLOG // 500):
                built.post("one", [{"pad": "x" * 188}] * 500)
            time.sleep(1)
            before = spent()
            built.call("POST", one + "/resume")
            figures = sink.wait_for(BACKLOG)
            costs.append([(after - start) / BACKLOG * 1e6 for start, after in zip(before, spent())])
            ours.append(figures["requests"] / figures["seconds"])
            ratios.append(ours[-1] / bare[-1])
        sink.reset()
        for _ in range(UNLOADED):
            built.post("one", [{"t": time.time_ns()}])
            time.sleep(0.01)
        unloaded = sink.wait_for(UNLOADED)
        for name, hosts, rates in [("many", HOSTS, fanout), ("crowd", 1, crowd)]:
            for number in range(SUBSCRIBERS):
                built.subscribe(name, sink.url(f"/{name}/{number}", number % hosts))
            for _ in range(ROUNDS):
                sink.reset()
                built.post(name, [{"t": time.time_ns()}])
                figures = sink.wait_for(SUBSCRIBERS)
                rates.append(figures["requests"] / figures["seconds"])
    table = kit.Table(f"webhooks to one sink, medians of {ROUNDS} rounds", ["work", "deliveries/s", "ratio", "p50 µs", "p99 µs"])
    table.add("the webhook channel alone, 64 in flight", kit.median(bare), "1.00", "-", "-")
    table.add("one subscriber, a backlog", kit.median(ours), f"{kit.median(ratios):.2f}", "-", "-")
    table.add("one subscriber, one message at a time, post to arrival", "-", "-", unloaded["p50_us"], unloaded["p99_us"])
    table.add(f"one message to {SUBSCRIBERS:,} subscribers on {HOSTS} hosts", kit.median(fanout), "-", "-", "-")
    table.add(f"one message to {SUBSCRIBERS:,} subscribers on one host", kit.median(crowd), "-", "-", "-")
    table.promise(f"one subscriber at {PROMISE_RATIO} of the bare channel", kit.median(ratios) >= PROMISE_RATIO)
    table.promise(f"post to arrival p50 within {PROMISE_P50_US / 1000:g} ms", unloaded["p50_us"] <= PROMISE_P50_US)
    table.promise(f"fan-out to {HOSTS} hosts at {PROMISE_FANOUT:,} deliveries/s", kit.median(fanout) >= PROMISE_FANOUT)
    each = [kit.median(cost) for cost in zip(*costs)]
    table.note("a delivery of the backlog cost {:.0f} µs of the notifier's CPU, {:.0f} µs of Redis', {:.0f} µs of the sink's".format(*each))
    return table
