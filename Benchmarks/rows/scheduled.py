"""A million deliveries that wait for their time: none early, how late, and what waiting costs."""
import socket
import time

import house
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
    with house.house() as built:
        redis = built.redis_port
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(hosts=64)
        ids = []
        for number in range(SUBSCRIPTIONS):
            answer = built.call("POST", "/v2/queues/later/subscriptions",
                                {"subscriber": sink.url(f"/{number}", number), "ttl": 86400})
            ids.append(answer["subscription_id"])
            built.call("POST", f"/v2/queues/later/subscriptions/{ids[-1]}/pause")
        begun = time.monotonic()
        start = int(time.time()) + 120
        for first in range(0, MESSAGES, 100):
            built.post("later", [{"t": (start + number) * 1_000_000_000} for number in range(first, first + 100)])
        sink.wait(lambda: not any(int(command(redis, "XLEN", key)[0]) for key in command(redis, "KEYS", "*:ev")))
        keys = command(redis, "KEYS", "*:due:*")
        filled = time.monotonic() - begun
        waiting = sum(int(command(redis, "EVAL", SCHEDULE, "1", key, str(start * 1000))[0]) for key in keys)
        for subscription in ids:
            built.call("POST", f"/v2/queues/later/subscriptions/{subscription}/resume")
        sink.reset()
        time.sleep(2)
        idle = load(notifier, redis, IDLE)
        if time.time() > start - 1:
            raise SystemExit("this machine is too slow for the head start of two minutes")
        early = sink.figures()["requests"]
        time.sleep(start - time.time())
        busy = load(notifier, redis, WATCHED)
        figures = sink.figures()
        rss, memory = notifier.rss_mb, int(info(redis, "used_memory:")) / 1e6
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


def load(notifier, redis, seconds):
    """Percent of a core: the notifier, and Redis."""
    before, cpu = notifier.cpu_seconds, redis_cpu(redis)
    time.sleep(seconds)
    return (notifier.cpu_seconds - before) / seconds * 100, (redis_cpu(redis) - cpu) / seconds * 100


def redis_cpu(port):
    return float(info(port, "used_cpu_sys:")) + float(info(port, "used_cpu_user:"))


def info(port, name):
    return next(line for line in "\n".join(command(port, "INFO")).splitlines() if line.startswith(name))[len(name):].strip()


def command(port, *words):
    """The texts of an answer, whatever its shape."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        text = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (word.encode() for word in words))
        connection.sendall(b"*%d\r\n%s*1\r\n$4\r\nQUIT\r\n" % (len(words), text))
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    lines = answer.decode().removesuffix("+OK\r\n").split("\r\n")
    return [line.lstrip(":") for line in lines if line and line[0] not in "$*"]
