"""A server on a loopback port, in a thread and a loop of its own."""
import asyncio
import json
import threading


class Server:
    """Calls `accept` of the class that inherits it for each connection; the port is known once this has returned."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()
        self.listening.wait()

    def run(self):
        async def serve():
            server = await asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            self.listening.set()
            await server.serve_forever()
        self.loop.run_until_complete(serve())


async def webhook(reader):
    """The path, the headers by names in lower case, and the body of the message that a webhook carries."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    return head[0].split(" ")[1], headers, json.loads(await reader.readexactly(int(headers["content-length"])))["body"]
