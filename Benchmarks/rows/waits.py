"""Requests that wait for messages: what they cost while nothing comes, and how soon a post answers one.

Every one waits on a connection of its own for a claim of its own queue; then some do for one queue.
"""
import resource
import socket
import time

import deployment
import kit

CROWD = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 500)
PROJECTS, POSTS, IDLE_S, HERD = 10, 500, 6, 1_000
PROMISE_P99_MS, PROMISE_CPU_PERCENT, PROMISE_CALLS = 50, 5, 12


def measure():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with deployment.deployment() as built:
        api = built.start_api()
        built.post("warm", [{}])
        threads, rss = api.threads, api.rss_mb
        kept = waiting(built, [(f"q{number}", f"p{number % PROJECTS}") for number in range(CROWD)])
        grown = api.rss_mb - rss
        cpu, calls = api.cpu_seconds, commands(built)
        time.sleep(IDLE_S)
        percent, idle_calls = (api.cpu_seconds - cpu) / IDLE_S * 100, commands(built) - calls
        more = api.threads - threads
        took = sorted(answered_ms(built, connection, f"q{number}", f"p{number % PROJECTS}")
                      for number, connection in enumerate(kept[:POSTS]))
        for connection in kept:
            connection.close()
        time.sleep(1)
        herd = waiting(built, [("one", "herd")] * HERD)
        calls = commands(built)
        first = answered_ms(built, None, "one", "herd", herd)
        herd_calls = commands(built) - calls
        for connection in herd:
            connection.close()
    table = kit.Table(f"{CROWD:,} claims that wait, each for its own queue, and posts to {POSTS} of them",
                      ["waiting", "kB each", "threads more", "API CPU %", "scripts/s", "post to answer p50 ms", "p99 ms"])
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    table.add(f"{CROWD:,}", f"{grown * 1000 / CROWD:.1f}", more, f"{percent:.1f}", f"{idle_calls / IDLE_S:.0f}", f"{p50:.1f}", f"{p99:.1f}")
    table.promise(f"p99 from post to answer within {PROMISE_P99_MS} ms", p99 <= PROMISE_P99_MS)
    table.promise(f"less than {PROMISE_CPU_PERCENT} % of a core while they wait", percent < PROMISE_CPU_PERCENT)
    table.promise("no thread more", more <= 0)
    table.promise(f"a post for which {HERD:,} claims wait answers one, after {first:.1f} ms, with {herd_calls} calls of scripts, at most "
                  f"{PROMISE_CALLS}", herd_calls <= PROMISE_CALLS)
    return table


def waiting(built, queues):
    """Connections that wait, all of them known to Redis."""
    host, port = built.api.ready["listen"].rsplit(":", 1)
    kept = []
    for queue, project in queues:
        connection = socket.create_connection((host, int(port)))
        fields = "".join(f"{name}: {value}\r\n" for name, value in {"Host": host, **deployment.headers_of(project)}.items())
        connection.sendall(f"POST /v2/queues/{queue}/claims?limit=1&wait=20 HTTP/1.1\r\n{fields}Content-Length: 0\r\n\r\n".encode())
        kept.append(connection)
    before = -1
    while commands(built) - before > 10:
        before = commands(built)
        time.sleep(0.2)
    return kept


def commands(built):
    """Calls of scripts so far: what they do inside counts as commands, too."""
    return int(built.redis_info("commandstats")["cmdstat_evalsha"].split(",")[0].removeprefix("calls="))


def answered_ms(built, connection, queue, project, any_of=()):
    """Posts a message, and returns how long a claim took to get it."""
    start = time.monotonic()
    built.call("POST", f"/v2/queues/{queue}/messages", {"messages": [{"body": 1}]}, project)
    if connection:
        answer = connection.recv(65536)
    else:
        answer = b""
        while not answer:
            for waiter in any_of:
                waiter.setblocking(False)
                try:
                    answer = waiter.recv(65536)
                    break
                except BlockingIOError:
                    pass
    if b" 201 " not in answer.split(b"\r\n", 1)[0]:
        raise SystemExit(f"a claim was answered {answer[:100]!r}")
    return (time.monotonic() - start) * 1000
