"""What each script of a queue costs Redis, at three depths, and what a stored message weighs."""
import contextlib
import socket

import kit

SCRIPTS = kit.repository / "Sources" / "shared" / "Store" / "Scripts"
LIBRARIES = {"message_post": "lib_append"}
DEPTHS = [100, 10_000, 1_000_000]
PARTS = ["meta", "log", "expiries", "claimed", "freed", "delayed", "states", "claims", "claim-expiries", "aliases",
         "alias-expiries", "client-runs"]
SHARD = "herald:{s00}:"
QUEUE = "1:p:q"
KEYS = [f"{SHARD}queue:{QUEUE}:{part}" for part in PARTS]
POST_KEYS = [*KEYS[:3], SHARD + "last-position", f"{SHARD}events:{QUEUE}", SHARD + "wakeup",
             f"{SHARD}subscription-order:{QUEUE}", SHARD + "queue-sweeps", KEYS[5], KEYS[11], SHARD + "fanout-projects",
             SHARD + "fanout-queues:p"]
BODY = b'"' + b"x" * 198 + b'"'
ROUNDS = 400
BYTES_MAX = 400
RATIO_MAX = 2.0


class Redis:
    """As much of the protocol as it takes to call scripts, many in one write."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.replies, self.hashes = self.socket.makefile("rb"), {}

    def close(self):
        self.socket.close()

    def send(self, *commands):
        encoded = []
        for command in commands:
            encoded.append(b"*%d\r\n" % len(command))
            for word in command:
                word = word if isinstance(word, bytes) else str(word).encode()
                encoded.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(encoded))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.replies.readline()
        kind, text = line[:1], line[1:-2]
        if kind == b"-":
            raise SystemExit(text.decode())
        if kind == b"$":
            return None if int(text) < 0 else self.replies.read(int(text) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(text))]
        return int(text) if kind == b":" else text

    def script(self, name, arguments, keys=KEYS):
        if name not in self.hashes:
            files = ["lib_common", "lib_record", LIBRARIES.get(name, "lib_queue"), name]
            source = b"".join((SCRIPTS / f"{file}.lua").read_bytes() for file in files)
            self.hashes[name] = self.send(["SCRIPT", "LOAD", source])[0]
        return ["EVALSHA", self.hashes[name], len(keys), *keys, "", *arguments]

    def cpu(self):
        """Microseconds of processor the main thread has used, protocol and socket included."""
        lines = self.send(["INFO", "cpu"])[0].decode().splitlines()
        return sum(float(line.split(":")[1]) for line in lines if "_main_thread:" in line) * 1e6

    def bytes(self):
        return int(next(line for line in self.send(["INFO", "memory"])[0].decode().splitlines()
                        if line.startswith("used_memory:")).split(":")[1])


def post(redis, count):
    message = ["", "", "", BODY]
    return redis.script("message_post", [0, QUEUE, 1, 100, 1_209_600, b"client00", *(message * count)], POST_KEYS)


def claim(redis, name, limit=10):
    return redis.script("claim_create", [limit, name, 600, 60, QUEUE], [*KEYS, SHARD + "moves", SHARD + "queue-sweeps"])


def fill(redis, depth):
    size = min(depth, 100)
    left = depth // size
    while left > 0:
        redis.send(*[post(redis, size) for _ in range(min(left, 100))])
        left -= 100


def head(redis, count):
    """Positions of the oldest messages."""
    return [entry[0][:-2] for entry in redis.send(["XRANGE", KEYS[1], "-", "+", "COUNT", count])[0]]


def names(positions):
    return [part for position in positions for part in (position, "")]


class Meter:
    """Sums up what operations cost; processor time, so that neighbours on the machine do not count."""

    def __init__(self, redis):
        self.redis, self.spent = redis, {}

    def measure(self, label, commands):
        before = self.redis.cpu()
        replies = self.redis.send(*commands)
        micros, calls = self.spent.get(label, (0, 0))
        self.spent[label] = (micros + self.redis.cpu() - before, calls + len(commands))
        return replies

    @property
    def costs(self):
        return {label: micros / calls for label, (micros, calls) in self.spent.items()}


def operations(redis, meter, rounds):
    """Every operation, `rounds` times, of which each may take ten messages: half of the shallowest queue."""
    meter.measure("a script that does nothing", [["EVAL", "return 1", 0] for _ in range(rounds)])
    meter.measure("post 1", [post(redis, 1) for _ in range(rounds)])
    meter.measure("post 10", [post(redis, 10) for _ in range(rounds)])
    redis.send(*[redis.script("message_pop", [11]) for _ in range(rounds)])
    meter.measure("get 1", [redis.script("message_get", names(head(redis, 1))) for _ in range(rounds)])
    meter.measure("list 10", [redis.script("message_list", ["", "", 10, 0, 0, ""]) for _ in range(rounds)])
    meter.measure("list 10, echo filter", [redis.script("message_list", ["", "", 10, 0, 0, b"client00"]) for _ in range(rounds)])
    meter.measure("list 10, claimed too", [redis.script("message_list", ["", "", 10, 1, 0, ""]) for _ in range(rounds)])
    meter.measure("stats", [redis.script("queue_stats_get", []) for _ in range(rounds)])
    claims = [f"c{number:025}" for number in range(rounds)]
    held = meter.measure("claim 10", [claim(redis, name) for name in claims])
    meter.measure("list 10, all of that claimed", [redis.script("message_list", ["", "", 10, 0, 0, ""]) for _ in range(rounds)])
    meter.measure("query 10", [redis.script("claim_get", [name]) for name in claims])
    meter.measure("update 10", [redis.script("claim_update", [name, 600, 60]) for name in claims])
    half = rounds // 2
    meter.measure("release 10", [redis.script("claim_release", [name]) for name in claims[:half]])
    ones = [(reply[4], name) for reply, name in zip(held[half:], claims[half:])]
    meter.measure("delete 1 with its claim", [redis.script("message_delete", [1, 1, position, "", name])
                                              for position, name in ones])
    meter.measure("delete 9 in bulk", [redis.script("message_delete", [0, 9, *names(reply[7::3])]) for reply in held[half:]])
    redis.send(*[post(redis, 10) for _ in range(rounds)])
    meter.measure("pop 10", [redis.script("message_pop", [10]) for _ in range(half)])


def weight(redis):
    """Bytes a message takes, free and claimed, a hundred thousand of them deep."""
    redis.send(["FLUSHALL"])
    empty, depth = redis.bytes(), 100_000
    fill(redis, depth)
    free = (redis.bytes() - empty) / depth
    for first in range(0, depth // 20, 100):
        redis.send(*[claim(redis, f"c{number:025}", 20) for number in range(first, first + 100)])
    return free, (redis.bytes() - empty) / depth


def measure():
    costs = []
    with kit.redis_server() as port, contextlib.closing(Redis(port)) as redis:
        for depth in DEPTHS:
            meter, rounds = Meter(redis), min(ROUNDS, depth // 20)
            for _ in range(ROUNDS // rounds):
                redis.send(["FLUSHALL"])
                fill(redis, depth)
                operations(redis, meter, rounds)
            costs.append(meter.costs)
        free, claimed = weight(redis)
    table = kit.Table(
        "Scripts, µs of Redis per call, bodies of 200 bytes",
        ["operation", *[f"{depth:,} deep" for depth in DEPTHS], "deepest : shallowest"])
    slow = []
    for label in costs[0]:
        row = [cost[label] for cost in costs]
        table.add(label, *[f"{cost:.1f}" for cost in row], f"{row[-1] / row[0]:.2f}")
        slow = slow + [label] * (row[-1] > RATIO_MAX * row[0])
    table.add("bytes of a message, free", "", f"{free:.0f}", "", "")
    table.add("bytes of a message, claimed", "", f"{claimed:.0f}", "", "")
    table.promise(f"a million deep no script takes over {RATIO_MAX} times what it takes a hundred deep"
                  + "".join(f"; {label} does" for label in slow), not slow)
    table.promise(f"a stored message takes at most {BYTES_MAX} bytes", free <= BYTES_MAX)
    return table
