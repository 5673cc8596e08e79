"""An endpoint of webhooks that fails by order, and remembers what it has accepted."""
import asyncio
import collections
import contextlib
import time

import loopback


class Endpoint(loopback.Server):
    FAULTS = ["hangs", "refuses", "slow", "resets"]

    def __init__(self):
        # By path and number: how often it was accepted, and under which ids it came.
        self.taken, self.ids = collections.Counter(), collections.defaultdict(set)
        self.faults = {}
        super().__init__()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def fail(self, path, fault, seconds):
        self.faults[path] = (fault, time.monotonic() + seconds)

    def mend(self):
        self.faults.clear()

    def fault(self, path):
        fault, end = self.faults.get(path, (None, 0))
        return fault if time.monotonic() < end else None

    async def accept(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                path, headers, body = await loopback.webhook(reader)
                entry, fault = (path, body["n"]), self.fault(path)
                self.ids[entry].add(headers["webhook-id"])
                if fault == "resets":
                    writer.transport.abort()
                    return
                if fault == "hangs":
                    while self.fault(path) == "hangs":
                        await asyncio.sleep(0.5)
                if fault == "slow":
                    await asyncio.sleep(1)
                status = 503 if fault == "refuses" else 200
                if status == 200:
                    self.taken[entry] += 1
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        writer.close()
