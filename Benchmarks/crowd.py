"""Very many requests that differ only in their bodies: some dozen connections, a request on each, then its answer."""
import socket

CONNECTIONS = 32


def post(listen, path, headers, bodies):
    """Sends every body; raises when one is not answered with 2xx."""
    host, port = listen.rsplit(":", 1)
    fields = "".join(f"{name}: {value}\r\n" for name, value in {"Host": listen, **headers}.items())
    connections = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
    bodies = iter(bodies)
    try:
        while True:
            asked = []
            for connection, body in zip(connections, bodies):
                connection.sendall(f"POST {path} HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                asked.append(connection)
            if not asked:
                return
            for connection in asked:
                read(connection)
    finally:
        for connection in connections:
            connection.close()


def read(connection):
    """One whole answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise SystemExit(f"answered {head[:200]!r} {body!r}")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += more(connection)


def more(connection):
    part = connection.recv(65536)
    if not part:
        raise SystemExit("the API closed a connection")
    return part
