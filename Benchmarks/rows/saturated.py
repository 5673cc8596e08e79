"""Everything of a project is due on one host that is at its limit: what the waiting costs Redis, and what quiet ones notice.

HERALD_BENCH_SUBSCRIBERS says how many subscriptions the host has.
"""
import os
import time

import deployment
import kit
import quiet

SUBSCRIBERS, MESSAGES = int(os.environ.get("HERALD_BENCH_SUBSCRIBERS", 10_000)), 4
SECONDS = int(os.environ.get("HERALD_BENCH_SECONDS", 10))
HOST_CONCURRENCY, DELAY_S = 64, 25
PROMISE_CPU_PERCENT, PROMISE_RATIO = 5, 1.5


def measure():
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier({"HERALD_NOTIFIER_HOST_CONCURRENCY": str(HOST_CONCURRENCY)})
        sink = built.start_sink(delay_ms=DELAY_S * 1000)
        built.subscribe_all("due", (sink.url(f"/slow/{number}") for number in range(SUBSCRIBERS)))
        calm = quiet.Quiet(built)
        with calm.traffic() as before:
            quiet_cpu = spent(built, notifier)
        for _ in range(MESSAGES):
            built.post("due", [{"pad": "x" * 188}])
        # Until all is fanned out and whatever is done about a full host is done.
        time.sleep(5)
        alone_cpu = spent(built, notifier)
        with calm.traffic() as beside:
            spent(built, notifier)
        in_flight = sink.figures()["under_way_max"]
    table = kit.Table(f"{SUBSCRIBERS * MESSAGES:,} deliveries due on a host at its limit of {HOST_CONCURRENCY}, over {SECONDS} s",
                      ["", "notifier CPU %", "Redis CPU %", "arrival p50 ms", "arrival p99 ms"])
    table.add("ten quiet projects alone", *percents(quiet_cpu), f"{before.arrival_p50_ms:.1f}", f"{before.arrival_p99_ms:.1f}")
    table.add("the due ones alone", *percents(alone_cpu), "-", "-")
    table.add("the quiet beside the due ones", "-", "-", f"{beside.arrival_p50_ms:.1f}", f"{beside.arrival_p99_ms:.1f}")
    ratio = beside.arrival_p99_ms / before.arrival_p99_ms
    table.promise(f"waiting costs at most {PROMISE_CPU_PERCENT} % of a core in either process", max(alone_cpu) <= PROMISE_CPU_PERCENT)
    table.promise(f"the host's limit holds ({in_flight})", in_flight <= HOST_CONCURRENCY)
    table.promise(f"arrival p99 within {PROMISE_RATIO} of before (ratio {ratio:.2f})", ratio <= PROMISE_RATIO)
    return table


def spent(built, notifier):
    """CPU of notifier and Redis, in percent of a core."""
    before = notifier.cpu_seconds, built.redis_cpu_seconds
    time.sleep(SECONDS)
    return [(after - earlier) / SECONDS * 100
            for earlier, after in zip(before, (notifier.cpu_seconds, built.redis_cpu_seconds))]


def percents(values):
    return [f"{value:.1f}" for value in values]
