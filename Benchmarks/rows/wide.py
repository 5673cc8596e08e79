"""One message to very many subscriptions: what other projects notice while it is fanned out."""
import os
import time

import deployment
import kit
import quiet

SUBSCRIBERS, HOSTS, SECONDS = int(os.environ.get("HERALD_BENCH_SUBSCRIBERS", 100_000)), 64, 8
PROMISE_ARRIVAL_MS = 500


def measure():
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(hosts=HOSTS)
        calm = quiet.Quiet(built)
        built.subscribe_all("wide", (sink.url(f"/{number}", number) for number in range(SUBSCRIBERS)))
        with calm.traffic() as before:
            time.sleep(SECONDS)
        sink.reset()
        redis, cpu, peak = built.redis_cpu_seconds, notifier.cpu_seconds, 0.0
        with calm.traffic() as during:
            built.post("wide", [{"pad": "x" * 188}])
            while sink.figures()["requests"] < SUBSCRIBERS:
                peak = max(peak, notifier.rss_mb)
                time.sleep(0.1)
        figures = sink.figures()
        redis, cpu = built.redis_cpu_seconds - redis, notifier.cpu_seconds - cpu
    seconds = figures["seconds"]
    table = kit.Table(f"{quiet.PROJECTS} quiet projects posting {quiet.PER_SECOND} messages/s together, beside one message to "
                      f"{SUBSCRIBERS:,} subscriptions on {HOSTS} hosts",
                      ["", "posts measured", "post p99 ms", "arrival p50 ms", "arrival p99 ms"])
    for name, traffic in [("before it", before), ("while it is fanned out", during)]:
        table.add(name, traffic.posted, f"{traffic.post_p99_ms:.1f}", f"{traffic.arrival_p50_ms:.1f}",
                  f"{traffic.arrival_p99_ms:.1f}")
    ratio = during.arrival_p99_ms / before.arrival_p99_ms
    table.promise(f"arrival p99 within {PROMISE_ARRIVAL_MS} ms (ratio {ratio:.1f})", during.arrival_p99_ms <= PROMISE_ARRIVAL_MS)
    table.note(f"fan-out: {figures['requests'] / seconds:,.0f} deliveries/s in {seconds:.1f} s; each cost "
               f"{cpu / SUBSCRIBERS * 1e6:.0f} µs of the notifier's CPU, {redis / SUBSCRIBERS * 1e6:.0f} µs of Redis'; notifier at "
               f"most {peak:.0f} MB")
    return table
