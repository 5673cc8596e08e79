"""A whole deployment for one fault: Redis, API, notifiers, load and a sink that remembers, and what came of it."""
import asyncio
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import deployment
import kit
import loopback
import proxy

LEASE, WAIT = 5, 1.0
PATHS = ["/steady", "/failing"]
TRAPS = {-signal.SIGILL, -signal.SIGTRAP, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGSEGV, -signal.SIGFPE}
POLICY = {"retries_with_no_delay": 0, "minimum_delay_retries": 20, "minimum_delay": int(WAIT), "maximum_delay": 11,
          "maximum_delay_retries": 1}


class Redis:
    """A private server that can be killed, and comes back on its port with its data."""

    def __init__(self, folder, appendfsync):
        self.folder, self.appendfsync, self.port = folder, appendfsync, kit.free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", self.appendfsync], stdout=subprocess.DEVNULL)
        kit.wait_for(self.port)
        while b"LOADING" in self.call("PING"):
            time.sleep(0.005)

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    def call(self, *words):
        """What it answers, raw; nothing while it is not there."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            text = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in (str(word).encode() for word in words))
            connection.sendall(b"*%d\r\n%s" % (len(words), text))
            return connection.recv(1 << 20)
        return b""


class Sink(loopback.Server):
    """Answers webhooks and remembers each: when it came, when it was answered, and how."""

    def __init__(self, seed, answer_s):
        self.answer_s = answer_s
        self.seed, self.arrivals, self.poisoned, self.on_poison = seed, [], [], None
        super().__init__()

    def failures(self, number):
        """How often the failing endpoint refuses a message: a third of them, once to three times."""
        return max(0, random.Random(f"{self.seed} {number}").randint(-5, 3))

    async def accept(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                path, headers, body = await loopback.webhook(reader)
                came = time.monotonic()
                if body.get("poison"):
                    self.poisoned.append(came)
                    self.on_poison(writer.get_extra_info("peername")[1])
                    await asyncio.sleep(60)
                    return
                entry = {"path": path, "n": body["n"], "attempt": int(headers["herald-attempt"]), "came": came,
                         "off": abs(time.time() - int(headers["webhook-timestamp"])), "answered": None, "status": None}
                refused = sum(1 for other in self.arrivals
                              if other["n"] == body["n"] and other["path"] == path and other["status"] == 503)
                self.arrivals.append(entry)
                await asyncio.sleep(random.uniform(*self.answer_s))
                status = 503 if path == "/failing" and refused < self.failures(body["n"]) else 200
                # Before it is sent: the notifier may have read it before this thread runs again.
                entry["status"], entry["answered"] = status, time.monotonic()
                writer.write(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
                await writer.drain()
        writer.close()


class Trial:
    def __init__(self, seed, folder, notifiers=3, appendfsync="always", environment=None, proxied=False,
                 answer_s=(0.002, 0.02)):
        self.dice, self.seed = random.Random(seed), seed
        (folder / "redis").mkdir()
        self.redis = Redis(folder / "redis", appendfsync)
        self.deployment = deployment.Deployment(self.redis.port, folder)
        self.deployment.environment |= {"HERALD_NOTIFIER_LEASE": str(LEASE), "HERALD_API_LISTEN": f"127.0.0.1:{kit.free_port()}",
                                   "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0", "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0", "HERALD_LOG_LEVEL": "critical"}
        self.notifier_environment = environment or {}
        # Each notifier has its own way to Redis, where there is one between them.
        self.is_proxied, self.proxies = proxied, []
        self.sink = Sink(seed, answer_s)
        self.accepted, self.unknown, self.refused = {}, 0, 0
        self.stopping, self.threads = threading.Event(), []
        self.start_api()
        self.notifiers = [self.start_notifier() for _ in range(notifiers)]
        self.call("PUT", "/v2/queues/jobs", {"_retry_policy": POLICY})
        for path in PATHS:
            self.call("POST", "/v2/queues/jobs/subscriptions",
                      {"subscriber": f"http://127.0.0.1:{self.sink.port}{path}", "ttl": 86400})

    def start_api(self):
        self.api = self.deployment.start("herald-api", {})
        self.listen = self.api.ready["listen"]

    def start_notifier(self):
        environment = {"HERALD_NOTIFIER_ADMIN_LISTEN": "127.0.0.1:0", "HERALD_EGRESS_ALLOW": "127.0.0.0/8",
                       **self.notifier_environment}
        if self.is_proxied:
            self.proxies.append(proxy.Proxy(self.redis.port))
            environment["HERALD_REDIS_URL"] = f"redis://127.0.0.1:{self.proxies[-1].port}/0"
        return self.deployment.start("herald-notifier", environment)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.listen, timeout=10)
        connection.request(method, path, deployment.Deployment.text(body), deployment.HEADERS)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    # Load

    def post(self, start, step, per_second):
        connection, number = None, start
        while not self.stopping.is_set():
            text = json.dumps({"messages": [{"body": {"n": number}}]})
            try:
                connection = connection or http.client.HTTPConnection(self.listen, timeout=10)
                connection.request("POST", "/v2/queues/jobs/messages", text, deployment.HEADERS)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    self.accepted[number] = time.monotonic()
                else:
                    self.refused += 1
            except (OSError, http.client.HTTPException):
                connection, self.unknown = None, self.unknown + 1
                time.sleep(0.02)
            number += step
            time.sleep(self.dice.uniform(0.5, 1.5) / per_second)

    def load(self, callers=4, per_second=20):
        for caller in range(callers):
            thread = threading.Thread(target=self.post, args=(caller, callers, per_second), daemon=True)
            thread.start()
            self.threads.append(thread)

    def end_load(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    # What came of it

    def missing(self):
        arrived = {(entry["path"], entry["n"]) for entry in list(self.sink.arrivals) if entry["status"] == 200}
        return [(path, number) for path in PATHS for number in self.accepted if (path, number) not in arrived]

    def audit(self, whole_at, within=90, bound=15):
        """Waits for the deliveries that are due. `whole_at` is when everything was back; what came later than that and `bound` is late."""
        end = time.monotonic() + within
        while self.missing() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(2)
        duplicated, early, late, slowest, strange = 0, 0, 0, 0.0, []
        deliveries = {}
        for entry in self.sink.arrivals:
            deliveries.setdefault((entry["path"], entry["n"]), []).append(entry)
            early += entry["off"] > 60
        for (_, number), entries in deliveries.items():
            done = None
            for before, entry in zip([None, *entries], entries):
                if done is not None and entry["came"] > done or before and entry["attempt"] <= before["attempt"]:
                    duplicated += 1
                # The attempt after one that was refused comes when its wait is over, whichever notifier makes it.
                elif before and before["status"] == 503 and entry["came"] < before["answered"] + WAIT:
                    early += 1
                    strange.append((before, entry))
                if entry["status"] == 200 and done is None:
                    done = entry["answered"]
                    if number in self.accepted:
                        took = entry["came"] - max(self.accepted[number], whole_at)
                        slowest, late = max(slowest, took), late + (took > bound)
        # Only a trap of its own ends a process by one of these.
        trapped = [process.process.returncode for process in self.deployment.processes
                   if process.process.poll() in TRAPS]
        return {"trapped": len(trapped), "answered": len(self.accepted), "unknown": self.unknown, "refused": self.refused,
                "lost": len(self.missing()), "duplicated": duplicated, "early": early, "late": late,
                "slowest": slowest, "deliveries": len(deliveries), "strange": strange}

    def close(self):
        self.stopping.set()
        for process in reversed(self.deployment.processes):
            if process.process.poll() is None:
                process.process.kill()
                process.process.wait()
        if self.redis.process.poll() is None:
            self.redis.kill()


@contextlib.contextmanager
def trial(seed, **options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="herald-fault-"))
    begun = Trial(seed, folder, **options)
    try:
        yield begun
    finally:
        begun.close()
        shutil.rmtree(folder, ignore_errors=True)


def owner_of(port, processes):
    """Which of the processes holds the connection that comes from a loopback port."""
    sought = f"0100007F:{port:04X}"
    inodes = {line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
              if line.split()[1] == sought}
    for process in processes:
        with contextlib.suppress(OSError):
            for link in pathlib.Path(f"/proc/{process.process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(link)[8:-1] in inodes:
                        return process
    return None
