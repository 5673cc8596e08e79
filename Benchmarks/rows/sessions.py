"""Connections of the WebSocket protocol: what they cost idle, and notifications beside a bare listener that writes the same frames.

The work of one session is a backlog that was posted while its subscription was paused; to many sessions messages go out as they
are posted. A round of the bare listener stands before each round of ours, to as many connections of the same load program.
"""
import http.client
import resource
import time

import deployment
import kit

ROUNDS, UNLOADED, IDLE_S = 3, 300, 40
# A process has a descriptor for each connection, and the API as many for its other listener.
CROWD = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 500)
# Sessions, and messages to each.
WORK = [(1, 20_000), (100, 500), (CROWD, 5)]
READERS, STUCK_PAD, STUCK_MESSAGES = 10, "x" * 16_384, 1_500
PROMISE_KB, PROMISE_CPU_PERCENT, PROMISE_RATIO, PROMISE_P50_US, PROMISE_P99_US = 12, 1, 0.6, 1_500, 5_000


def measure():
    idle, subscribed = idle_costs(None), idle_costs("idle")
    with deployment.deployment() as built:
        api = built.start_api()
        notifier = built.start_notifier()
        address = api.ready["websocket"]
        one = built.start_sessions(address, queue="unloaded")
        unloaded = post_slowly(built, one, "unloaded")
        end(built, one.process)
        least = bare_latencies(built)
        rates = [rates_of(built, api, notifier, address, count, messages) for count, messages in WORK]
    alone, beside, grown, left = stuck_reader()
    table = kit.Table(f"WebSocket connections, medians of {ROUNDS} rounds",
                      ["work", "frames/s", "bare frames/s", "ratio", "bare µs a frame", "API µs", "notifier µs", "Redis µs"])
    for (count, messages), (ours, bare, ratio, *costs) in zip(WORK, rates):
        table.add(f"{messages:,} messages to {count:,} session{'s' if count > 1 else ''}", ours, bare, f"{ratio:.2f}",
                  *(f"{cost:.0f}" for cost in costs))
    for (count, _), (_, _, ratio, *_) in zip(WORK, rates):
        table.promise(f"{PROMISE_RATIO} of the bare listener at {count:,}", ratio >= PROMISE_RATIO)
    for name, (kb, cpu) in [("idle", idle), ("subscribed and idle", subscribed)]:
        table.promise(f"{kb:.1f} kB of the API for each of {CROWD:,} connections that are {name}: at most {PROMISE_KB}",
                      kb <= PROMISE_KB)
        table.promise(f"{cpu:.2f} % of a core for {CROWD:,} that are {name}, over {IDLE_S} s: less than {PROMISE_CPU_PERCENT}",
                      cpu < PROMISE_CPU_PERCENT)
    for name, limit in [("p50", PROMISE_P50_US), ("p99", PROMISE_P99_US)]:
        figure = unloaded[f"{name}_us"]
        table.promise(f"post to frame unloaded, {name} {figure:,} µs: at most {limit:,}", figure <= limit)
    table.note(f"write to frame of the bare listener unloaded: p50 {least['p50_us']:,} µs, p99 {least['p99_us']:,} µs")
    table.note(f"{READERS} sessions, messages of {len(STUCK_PAD):,} bytes: p99 {alone:,} µs; beside one that does not read, until it was "
               f"closed, {beside:,} µs, and at most {grown:.1f} MB more of the API")
    table.promise("the one that does not read was closed, and no other", left == READERS)
    return table


def idle_costs(queue):
    """kB of the API for each connection, and its processor time while nothing is sent, in percent of a core."""
    # A process of its own: memory that others have freed is not counted again.
    with deployment.deployment() as built:
        api = built.start_api()
        built.start_notifier()
        built.post("warm", [{}])
        before = api.rss_mb
        sessions = built.start_sessions(api.ready["websocket"], CROWD, queue)
        grown = api.rss_mb - before
        cpu = api.cpu_seconds
        time.sleep(IDLE_S)
        percent = (api.cpu_seconds - cpu) / IDLE_S * 100
        if sessions.figures()["ended"]:
            raise SystemExit("connections ended while they were idle")
    return grown * 1000 / CROWD, percent


def end(built, *processes):
    for process in processes:
        process.stop()
        built.processes.remove(process)


def post_slowly(built, sessions, queue, pad="", messages=UNLOADED, watch=lambda: None):
    """Figures of one message at a time."""
    sessions.reset()
    expected = messages * sessions.figures()["ready"]
    for _ in range(messages):
        built.post(queue, [{"t": time.time_ns(), "pad": pad}])
        watch()
        time.sleep(0.01)
    return sessions.wait_for(expected)


class Bare:
    """The bare listener, and connections to it."""

    def __init__(self, built, count):
        self.port = kit.free_port()
        self.process = deployment.Process([kit.program("peers"), "bare-frames", "--port", str(self.port)])
        built.processes.append(self.process)
        kit.wait_for(self.port)
        self.sessions = built.start_sessions(f"127.0.0.1:{self.port}", count)

    def write(self, frames):
        connection = http.client.HTTPConnection(f"127.0.0.1:{self.port}")
        connection.request("GET", f"/write?count={frames}")
        connection.getresponse()
        connection.close()

    def end(self, built):
        end(built, self.sessions.process, self.process)


def bare_latencies(built):
    """Figures of one frame at a time, from its write."""
    bare = Bare(built, 1)
    for _ in range(UNLOADED):
        bare.write(1)
        time.sleep(0.01)
    figures = bare.sessions.wait_for(UNLOADED)
    bare.end(built)
    return figures


def rates_of(built, api, notifier, address, count, messages):
    """Frames a second of ours and of the bare listener, their ratio, and processor time of a frame, µs: of the bare listener, and
    of ours in the API, the notifier and Redis.
    """
    queue, frames = f"work-{count}", count * messages
    bare, ours = Bare(built, count), built.start_sessions(address, count, queue)

    def spent():
        return bare.process.cpu_seconds, api.cpu_seconds, notifier.cpu_seconds, built.redis_cpu_seconds

    rounds = []
    for _ in range(ROUNDS):
        before = spent()
        bare.sessions.reset()
        bare.write(messages)
        ceiling = rate(bare.sessions.wait_for(frames))
        ours.reset()
        if count == 1:
            drain(built, queue, messages)
        else:
            post(built, queue, messages)
        reached = rate(ours.wait_for(frames))
        rounds.append([reached, ceiling, reached / ceiling,
                       *((after - start) / frames * 1e6 for start, after in zip(before, spent()))])
    end(built, ours.process)
    bare.end(built)
    return [kit.median(figures) for figures in zip(*rounds)]


def rate(figures):
    return figures["requests"] / figures["seconds"]


def post(built, queue, messages):
    for start in range(0, messages, 500):
        built.post(queue, [{"t": time.time_ns()}] * min(500, messages - start))


def drain(built, queue, messages):
    """Posts while the subscription is paused, and then lets it go on."""
    subscription = built.call("GET", f"/v2/queues/{queue}/subscriptions")["subscriptions"][0]["id"]
    path = f"/v2/queues/{queue}/subscriptions/{subscription}"
    built.call("POST", path + "/pause")
    post(built, queue, messages)
    time.sleep(1)
    built.call("POST", path + "/resume")


def stuck_reader():
    """p99 of some sessions alone, and beside one that does not read; MB that the API grew by; how many were left."""
    with deployment.deployment() as built:
        api = built.start_api()
        built.start_notifier()
        address = api.ready["websocket"]
        readers = built.start_sessions(address, READERS, "crowd")
        alone = post_slowly(built, readers, "crowd", STUCK_PAD)["p99_us"]
        before, sizes = api.rss_mb, []
        built.start_sessions(address, 1, "crowd", stuck=True)
        beside = post_slowly(built, readers, "crowd", STUCK_PAD, STUCK_MESSAGES, lambda: sizes.append(api.rss_mb))["p99_us"]
        listed = built.call("GET", "/v2/queues/crowd/subscriptions?limit=20")["subscriptions"]
    return alone, beside, max(sizes) - before, len(listed)
