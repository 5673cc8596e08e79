"""One address's connections do not read their answers, or send their bodies byte by byte: what ten quiet projects notice.

60 connections ask for pages of 5 MB and read nothing; 16,384 announce a body of 1 MB and send ten bytes in a second, as far as the
open files allow. Both are a process of their own, so that this one's threads measure only the quiet projects.
"""
import http.client
import pathlib
import resource
import socket
import subprocess
import sys
import time

import deployment
import kit
import quiet

ROUNDS, SECONDS = 3, 10
UNREAD, DRIPPING = 60, 16_384
PAGE_MESSAGES, MESSAGE_BYTES = 20, 250_000
PROMISE, PROMISE_READY_MS = 1.5, 100
OTHER_FILES = 64


def measure():
    table = kit.Table(f"{quiet.PROJECTS} quiet projects posting {quiet.PER_SECOND} messages/s together, {ROUNDS} rounds of {SECONDS} s, "
                      "before and beside connections of another project",
                      ["connections", "count", "post p50 ms before", "p99", "p50 beside", "p99", "ratio of p99", "API MB before", "most",
                       "slowest /readyz ms"])
    for name, count in [("unread", UNREAD), ("dripping", min(DRIPPING, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - OTHER_FILES))]:
        with deployment.deployment() as built:
            built.start_api()
            built.start_notifier()
            for _ in range(PAGE_MESSAGES):
                built.post("pages", [{"pad": "x" * MESSAGE_BYTES}])
            calm = quiet.Quiet(built)
            rounds = [one(built, calm, name, count) for _ in range(ROUNDS)]
        ratio = kit.median([beside["p99"] / before["p99"] for before, beside in rounds])
        ready = max(beside["ready"] for _, beside in rounds)
        before, beside = ({key: kit.median([figures[side][key] for figures in rounds]) for key in ("p50", "p99", "mb")} for side in (0, 1))
        table.add(name, count, *(f"{figures[key]:.1f}" for figures in (before, beside) for key in ("p50", "p99")), f"{ratio:.2f}",
                  before["mb"], max(figures["mb"] for _, figures in rounds), f"{ready:.1f}")
        table.promise(f"{name}: post p99 within {PROMISE} of before (ratio {ratio:.2f})", ratio <= PROMISE)
        table.promise(f"{name}: /readyz within {PROMISE_READY_MS} ms all the time", ready <= PROMISE_READY_MS)
    return table


def one(built, calm, name, count):
    """Figures before such connections and beside them."""
    with calm.traffic() as traffic:
        time.sleep(SECONDS)
    before = {"p50": p50(traffic), "p99": traffic.post_p99_ms, "mb": built.api.rss_mb}
    others = subprocess.Popen([sys.executable, "-m", "rows.callers", name, str(count), built.api.ready["listen"]],
                              cwd=pathlib.Path(__file__).resolve().parent.parent, stdout=subprocess.PIPE, text=True)
    others.stdout.readline()
    most, slowest = 0, 0
    with calm.traffic() as traffic:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            most, slowest = max(most, built.api.rss_mb), max(slowest, ready_ms(built))
            time.sleep(0.2)
    others.terminate()
    others.wait()
    time.sleep(2)
    return before, {"p50": p50(traffic), "p99": traffic.post_p99_ms, "mb": most, "ready": slowest}


def p50(traffic):
    return kit.median(traffic.took) * 1000


def ready_ms(built):
    start = time.monotonic()
    connection = http.client.HTTPConnection(built.api.ready["admin"], timeout=10)
    connection.request("GET", "/readyz")
    if connection.getresponse().status != 200:
        raise SystemExit("the API is not ready")
    connection.close()
    return (time.monotonic() - start) * 1000


def head(listen, method, path, more=""):
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"Host": listen, **deployment.headers_of("callers")}.items())
    return f"{method} {path} HTTP/1.1\r\n{fields}{more}\r\n".encode()


def unread(listen, count):
    """Connections that ask for a page of the project that posted them, and read nothing."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"Host": listen, **deployment.headers_of(None)}.items())
    request = f"GET /v2/queues/pages/messages?limit={PAGE_MESSAGES}&echo=true HTTP/1.1\r\n{fields}\r\n".encode()
    kept = []
    for _ in range(count):
        connection = connect(listen)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(request)
        kept.append(connection)
    print("there", flush=True)
    while True:
        time.sleep(60)


def dripping(listen, count):
    """Connections that send a body at ten bytes a second, and begin anew when they are closed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    request = head(listen, "POST", "/v2/queues/callers/messages", "Content-Length: 1000000\r\n")
    kept = []
    while len(kept) < count:
        try:
            kept.append(connect(listen))
        except TimeoutError:
            continue  # All connections are taken, and those that arrive slowly make way within a second or two.
    for connection in kept:
        try:
            connection.sendall(request)
        except OSError:
            pass  # It had to make way already, and begins anew below.
        connection.setblocking(False)
    print("there", flush=True)
    while True:
        start = time.monotonic()
        for number, connection in enumerate(kept):
            try:
                connection.send(b"          ")
            except OSError:
                connection.close()
                try:
                    kept[number] = connect(listen)
                    kept[number].sendall(request)
                    kept[number].setblocking(False)
                except OSError:
                    pass
        time.sleep(max(0, start + 1 - time.monotonic()))


def connect(listen):
    host, port = listen.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=1)


if __name__ == "__main__":
    {"unread": unread, "dripping": dripping}[sys.argv[1]](sys.argv[3], int(sys.argv[2]))
