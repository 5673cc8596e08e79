"""A way to Redis on which answers get lost: the command was carried out, its answer never comes, and the connection ends."""
import asyncio
import contextlib
import time

import loopback


class Proxy(loopback.Server):
    """Listens on loopback for one process, and passes on what it and the Redis on another port say."""

    def __init__(self, redis_port):
        self.redis_port, self.lost, self.away_until = redis_port, 0, 0.0
        self.connections = []
        super().__init__()

    def lose_answers(self, dice, away):
        """The next answer on all connections, or on one, is lost with its connection; new ones end at once for some seconds."""
        def lose():
            open_now = [connection for connection in self.connections if not connection.is_losing]
            for connection in open_now if dice.random() < 0.7 else open_now and [dice.choice(open_now)]:
                connection.is_losing = True
            self.away_until = time.monotonic() + away
        self.loop.call_soon_threadsafe(lose)

    async def accept(self, reader, writer):
        if time.monotonic() < self.away_until:
            return writer.close()
        connection = Connection(self, writer)
        self.connections.append(connection)
        with contextlib.suppress(OSError):
            redis_reader, redis_writer = await asyncio.open_connection("127.0.0.1", self.redis_port)
            connection.redis_writer = redis_writer
            commands = asyncio.ensure_future(connection.pass_commands(reader))
            await connection.pass_answers(redis_reader)
            commands.cancel()
        connection.close()
        self.connections.remove(connection)


class Connection:
    def __init__(self, proxy, writer):
        self.proxy, self.writer, self.redis_writer, self.is_losing = proxy, writer, None, False

    async def pass_commands(self, reader):
        with contextlib.suppress(OSError):
            while part := await reader.read(1 << 16):
                self.redis_writer.write(part)
                await self.redis_writer.drain()
        self.close()

    async def pass_answers(self, reader):
        while part := await reader.read(1 << 16):
            if self.is_losing:
                self.proxy.lost += 1
                return
            self.writer.write(part)
            await self.writer.drain()

    def close(self):
        for writer in (self.writer, self.redis_writer):
            if writer:
                writer.close()
