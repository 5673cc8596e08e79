"""A million deliveries that wait for their time: none early, how late, and what waiting costs."""
import time

import deployment
import kit

SUBSCRIPTIONS, MESSAGES, WATCHED, IDLE = 1_000, 1_000, 30, 10

# The messages are fanned out to paused subscriptions, so every delivery waits as the notifier wrote it. A script then gives
# each the time that a failed attempt and its policy would have given it: of message n for all, n seconds after the start.
SCHEDULE = """
local waiting = redis.call('ZRANGE', KEYS[1], 0, -1)
for index, member in ipairs(waiting) do redis.call('ZADD', KEYS[1], 'XX', ARGV[1] + (index - 1) * 1000, member) end
return #waiting
"""


def measure():
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(hosts=64)
        ids = []
        for number in range(SUBSCRIPTIONS):
            ids.append(built.subscribe("later", sink.url(f"/{number}", number)))
            built.call("POST", f"/v2/queues/later/subscriptions/{ids[-1]}/pause")
        begun = time.monotonic()
        start = int(time.time()) + 120
        for first in range(0, MESSAGES, 100):
            built.post("later", [{"t": (start + number) * 1_000_000_000} for number in range(first, first + 100)])
        sink.wait(lambda: not any(built.redis("KEYS", "*:events:*")))
        keys = built.redis("KEYS", "*:due:*")
        filled = time.monotonic() - begun
        waiting = sum(int(built.redis("EVAL", SCHEDULE, "1", key, str(start * 1000))[0]) for key in keys)
        for subscription in ids:
            built.call("POST", f"/v2/queues/later/subscriptions/{subscription}/resume")
        sink.reset()
        time.sleep(2)
        idle = load(built, notifier, IDLE)
        if time.time() > start - 1:
            raise SystemExit("this machine is too slow for the head start of two minutes")
        early = sink.figures()["requests"]
        time.sleep(start - time.time())
        busy = load(built, notifier, WATCHED)
        figures = sink.figures()
        rss, memory = notifier.rss_mb, int(built.redis_info("memory")["used_memory"]) / 1e6
    table = kit.Table(f"{waiting:,} deliveries that wait, {SUBSCRIPTIONS:,} due in each second from a moment on", ["figure", "value"])
    table.add("fanned out to paused subscriptions, s", f"{filled:.0f}")
    table.add(f"notifier CPU while none is due, {IDLE} s, %", f"{idle[0]:.1f}")
    table.add("Redis CPU meanwhile, %", f"{idle[1]:.1f}")
    table.add(f"arrived in the {WATCHED} s watched", figures["requests"])
    table.add("earliest behind its time, ms", f"{figures['min_us'] / 1000:.2f}")
    table.add("late p50, ms", f"{figures['p50_us'] / 1000:.1f}")
    table.add("late p99, ms", f"{figures['p99_us'] / 1000:.1f}")
    table.add("notifier CPU meanwhile, %", f"{busy[0]:.0f}")
    table.add("Redis CPU meanwhile, %", f"{busy[1]:.0f}")
    table.add("notifier RSS, MB", f"{rss:.0f}")
    table.add("Redis memory, MB", f"{memory:.0f}")
    table.promise("none early", early == 0 and figures["min_us"] >= 0)
    table.promise("all that was due arrived", figures["requests"] >= (WATCHED - 1) * SUBSCRIPTIONS)
    return table


def load(built, notifier, seconds):
    """Percent of a core: the notifier, and Redis."""
    before, redis = notifier.cpu_seconds, built.redis_cpu_seconds
    time.sleep(seconds)
    return (notifier.cpu_seconds - before) / seconds * 100, (built.redis_cpu_seconds - redis) / seconds * 100
