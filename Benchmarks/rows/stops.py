"""How long the API takes to end while callers keep connections in every state: SIGTERM to the end of the process.

A connection on which requests wait that are no longer answered is closed for writing and given two seconds, so that its caller gets the answer
before it (RFC 9112, section 9.6).
"""
import signal
import socket
import time

import deployment
import kit

ROUNDS, CONNECTIONS = 40, 50
PROMISE_MS = 2_500


def measure():
    took = []
    with deployment.deployment() as built:
        for _ in range(ROUNDS):
            api = built.start_api()
            kept = connections(api.ready["listen"])
            start = time.monotonic()
            api.process.send_signal(signal.SIGTERM)
            api.process.wait()
            took.append((time.monotonic() - start) * 1000)
            built.processes.remove(api)
            for connection in kept:
                connection.close()
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    table = kit.Table(f"the API ends beside {4 * CONNECTIONS} connections: a quarter silent, a quarter kept after a request, a quarter with "
                      "three requests at once, a quarter half open", ["stops", "p50 ms", "p99 ms", "most ms"])
    table.add(ROUNDS, p50, p99, took[-1])
    table.promise(f"p99 within {PROMISE_MS} ms", p99 <= PROMISE_MS)
    return table


def connections(listen):
    host, port = listen.rsplit(":", 1)
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"Host": listen, **deployment.headers_of(None)}.items())
    request = f"GET /v2/queues HTTP/1.1\r\n{fields}\r\n".encode()
    kept = [socket.create_connection((host, int(port))) for _ in range(4 * CONNECTIONS)]
    for number, connection in enumerate(kept):
        if number % 4 == 1:
            connection.sendall(request)
            connection.recv(65536)
        if number % 4 == 2:
            connection.sendall(request * 3)
        if number % 4 == 3:
            connection.sendall(request[:40])
            connection.shutdown(socket.SHUT_WR)
    return kept
