"""Many deliveries wait for their retry: whether others that come due meanwhile are early or late, and what waiting costs.

Those that wait were attempted once, answered 503, and wait an hour by their policy. HERALD_BENCH_RETRIES says how
many. Beside them other deliveries fail once and are retried after a few seconds: their drift is measured before there
is a crowd, and beside it. A retry is due a policy's wait after the answer to the attempt before it was written.
"""
import os
import time

import deployment
import kit

RETRIES = int(os.environ.get("HERALD_BENCH_RETRIES", 100_000))
# Fewer failures in a row than open a breaker, 20, so that every message has had its attempt and no retry waits for a probe.
MESSAGES, HOSTS = 10, 64
PROBES, PROBE_MESSAGES, WAIT, IDLE = 400, 16, 6, 10
PROMISE_P99_MS, PROMISE_CPU_PERCENT = 100, 2


def policy(wait):
    return {"_retry_policy": {"retries_with_no_delay": 0, "minimum_delay_retries": 1, "minimum_delay": wait,
                              "maximum_delay": wait + 10, "maximum_delay_retries": 0}}


def measure():
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        flaky, busy = built.start_sink(hosts=HOSTS, wait_s=WAIT), built.start_sink(hosts=HOSTS)
        built.subscribe_all("probes", (flaky.url(f"/flaky/{number}", number) for number in range(PROBES)), policy(WAIT))
        crowd = RETRIES // MESSAGES
        built.subscribe_all("crowd", (busy.url(f"/busy/{number}", number) for number in range(crowd)), policy(3600))
        rows = [("nothing waits", drift(built, flaky), idle(built, notifier))]
        begin = time.monotonic()
        for _ in range(MESSAGES):
            built.post("crowd", [{"pad": "x" * 188}], ttl=86_400)
        busy.wait(lambda: busy.figures()["requests"] >= crowd * MESSAGES, limit=1_200)
        filled = crowd * MESSAGES / (time.monotonic() - begin)
        time.sleep(2)
        rows.append((f"{crowd * MESSAGES:,} wait", drift(built, flaky), idle(built, notifier)))
        repeated = busy.figures()["requests"] - crowd * MESSAGES
    table = kit.Table(f"{PROBES * PROBE_MESSAGES:,} deliveries that fail once and wait {WAIT} s, beside others that wait an hour; "
                      f"idle over {IDLE} s", ["beside", "early", "drift p50 ms", "p99 ms", "max ms", "notifier CPU % idle",
                                              "Redis CPU % idle", "notifier MB", "Redis MB"])
    for name, figures, costs in rows:
        table.add(name, figures["early"], *(f"{figures[f'drift_{key}_us'] / 1000:.1f}" for key in ("p50", "p99", "max")), *costs)
    table.promise("none early", all(figures["early"] == 0 for _, figures, _ in rows) and repeated == 0)
    p99 = rows[1][1]["drift_p99_us"] / 1000
    table.promise(f"drift p99 within {PROMISE_P99_MS} ms ({p99:.0f})", p99 <= PROMISE_P99_MS)
    cpu = float(rows[1][2][0]), float(rows[1][2][1])
    table.promise(f"waiting costs less than {PROMISE_CPU_PERCENT} % of a core in either process", max(cpu) < PROMISE_CPU_PERCENT)
    table.note(f"the first attempts of those that wait: {filled:,.0f} deliveries/s, all answered 503")
    return table


def drift(built, flaky):
    """Posts at an even pace, so that the retries come due at one, too."""
    flaky.reset()
    for number in range(PROBE_MESSAGES):
        built.post("probes", [{"n": number}])
        time.sleep(0.2)
    flaky.wait(lambda: flaky.figures()["retries"] >= PROBES * PROBE_MESSAGES)
    return flaky.figures()


def idle(built, notifier):
    time.sleep(1)
    before = notifier.cpu_seconds, built.redis_cpu_seconds
    time.sleep(IDLE)
    after = notifier.cpu_seconds, built.redis_cpu_seconds
    return [*(f"{(later - earlier) / IDLE * 100:.1f}" for earlier, later in zip(before, after)), f"{notifier.rss_mb:.0f}",
            f"{int(built.redis_info('memory')['used_memory']) / 1e6:,.0f}"]
