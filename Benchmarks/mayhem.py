"""A deployment in which something breaks every few seconds, chosen by a seed, and what came of it."""
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

import deployment
import kit
import proxy
import trial
from endpoint import Endpoint

LEASE, CALLERS, POSTS_PER_S, TTL = 5, 4, 10, 900
PATHS = ["/first", "/second"]
# Retries go on for longer than anything stays broken.
POLICY = {"retries_with_no_delay": 0, "minimum_delay_retries": 100, "minimum_delay": 1, "maximum_delay": 11,
          "maximum_delay_retries": 100}

Line = collections.namedtuple("Line", ["first", "last", "hourly"])


def slope(samples):
    """The first and the last of (seconds, value), and the slope of a line through all by least squares, an hour."""
    if len(samples) < 2:
        raise SystemExit("too short a time for two samples")
    mean_t = sum(at for at, _ in samples) / len(samples)
    mean_v = sum(value for _, value in samples) / len(samples)
    above = sum((at - mean_t) * (value - mean_v) for at, value in samples)
    return Line(samples[0][1], samples[-1][1], 3600 * above / sum((at - mean_t) ** 2 for at, _ in samples))


class Mayhem:
    def __init__(self, folder, seed):
        self.dice = random.Random(seed)
        (folder / "redis").mkdir()
        self.redis = trial.Redis(folder / "redis", "always")
        self.policy = folder / "policy.yaml"
        self.write_policy(closed=False)
        self.deployment = deployment.Deployment(self.redis.port, folder)
        self.deployment.environment |= {
            "HERALD_NOTIFIER_LEASE": str(LEASE), "HERALD_LOG_LEVEL": "critical", "HERALD_WEBHOOK_TIMEOUT": "10",
            "HERALD_API_DRAIN": "5", "HERALD_API_POLICY_FILE": str(self.policy)}
        self.ways = []
        # The first of each is never ended, and has a way to Redis on which answers get lost.
        self.apis = [self.start_api(place) for place in range(2)]
        self.notifiers = [self.start_notifier(place) for place in range(3)]
        self.endpoint = Endpoint()
        self.accepted, self.sent, self.refused, self.unknown = set(), set(), 0, 0
        self.lock, self.stopping, self.callers = threading.Lock(), threading.Event(), []
        self.samples = {"API": ([], []), "notifier": ([], [])}
        self.surprises, self.counts = [], collections.Counter()
        self.call("PUT", "/v2/queues/jobs", {"_retry_policy": POLICY})
        for path in PATHS:
            self.call("POST", "/v2/queues/jobs/subscriptions", {"subscriber": self.endpoint.url(path), "ttl": 86400})

    # Processes

    def way_to_redis(self, place):
        if place > 0:
            return {}
        self.ways.append(proxy.Proxy(self.redis.port))
        return {"HERALD_REDIS_URL": f"redis://127.0.0.1:{self.ways[-1].port}/0"}

    def start_api(self, place, listen=None):
        return self.deployment.start("herald-api", {
            "HERALD_API_LISTEN": listen or f"127.0.0.1:{kit.free_port()}", "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0",
            "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0", **self.way_to_redis(place)})

    def start_notifier(self, place):
        return self.deployment.start_notifier(self.way_to_redis(place))

    def end(self, process, number):
        process.process.send_signal(number)
        process.process.wait()
        self.deployment.processes.remove(process)
        if process.process.returncode != (0 if number == signal.SIGTERM else -number):
            self.surprise(process)

    def surprise(self, process):
        self.surprises.append(f"{pathlib.Path(process.process.args[0]).name} ended with {process.process.returncode}")

    def replace_api(self, number):
        listen = self.apis[1].ready["listen"]
        self.end(self.apis[1], number)
        time.sleep(self.dice.uniform(0, 2))
        self.apis[1] = self.start_api(1, listen)

    def replace_notifier(self, number):
        place = self.dice.choice([1, 2])
        self.end(self.notifiers[place], number)
        time.sleep(self.dice.uniform(0, 2))
        self.notifiers[place] = self.start_notifier(place)

    # Faults

    def api_killed(self):
        self.replace_api(signal.SIGKILL)

    def api_terminated(self):
        self.replace_api(signal.SIGTERM)

    def notifier_killed(self):
        self.replace_notifier(signal.SIGKILL)

    def notifier_terminated(self):
        self.replace_notifier(signal.SIGTERM)

    def redis_killed(self):
        self.replace_redis(signal.SIGKILL)

    def redis_terminated(self):
        self.replace_redis(signal.SIGTERM)

    def replace_redis(self, number):
        self.redis.kill(number)
        time.sleep(self.dice.uniform(0, 3))
        self.redis.start()

    def redis_paused(self):
        self.pause(self.redis.process, self.dice.uniform(1, 6))

    def process_paused(self):
        self.pause(self.dice.choice([*self.apis, *self.notifiers]).process, self.dice.uniform(1, 2 * LEASE))

    def pause(self, process, seconds):
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def answers_lost(self):
        self.dice.choice(self.ways).lose_answers(self.dice, self.dice.uniform(0, 3))
        time.sleep(1)

    def clients_killed(self):
        self.redis.call("CLIENT", "KILL", "TYPE", "normal")

    def scripts_flushed(self):
        self.redis.call("SCRIPT", "FLUSH")

    def file_rewritten(self):
        self.redis.call("BGREWRITEAOF")

    def redis_full(self):
        self.redis.call("CONFIG", "SET", "maxmemory", "1")
        time.sleep(self.dice.uniform(0.5, 3))
        self.redis.call("CONFIG", "SET", "maxmemory", "0")

    def policy_changed(self):
        """No caller may delete a queue any more, and then every one again; each change is seen to be in force."""
        for closed in (True, False):
            self.write_policy(closed)
            for api in self.apis:
                api.process.send_signal(signal.SIGHUP)
            end, wanted = time.monotonic() + 20, 403 if closed else 204
            while (found := self.status("DELETE", "/v2/queues/none")) != wanted:
                if time.monotonic() > end:
                    self.surprises.append(f"a policy is not in force: {found}")
                    break
                time.sleep(0.05)

    def endpoint_fails(self):
        """Goes on beside the next faults."""
        self.endpoint.fail(self.dice.choice(PATHS), self.dice.choice(Endpoint.FAULTS), self.dice.uniform(2, 12))

    FAULTS = [api_killed, api_terminated, notifier_killed, notifier_terminated, redis_killed, redis_terminated, redis_paused,
              process_paused, answers_lost, clients_killed, scripts_flushed, file_rewritten, redis_full, policy_changed,
              endpoint_fails, endpoint_fails, endpoint_fails]

    def write_policy(self, closed):
        following = self.policy.with_suffix(".next")
        following.write_text('"queues:delete": "%s"\n' % ("!" if closed else "@"))
        following.rename(self.policy)

    def look(self):
        """Whether a process ended by itself."""
        for process in list(self.deployment.processes):
            if process.process.poll() is not None:
                self.surprise(process)
                self.deployment.processes.remove(process)

    # Load

    def status(self, method, path):
        """Of the API that is never ended; nothing while it cannot answer."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(self.apis[0].ready["listen"], timeout=10)
            connection.request(method, path, None, deployment.HEADERS)
            return connection.getresponse().status

    def call(self, method, path, body):
        connection = http.client.HTTPConnection(self.apis[0].ready["listen"], timeout=10)
        connection.request(method, path, json.dumps(body), deployment.HEADERS)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text!r}")

    def post(self, caller):
        """A caller has one of the two APIs, and numbers of its own."""
        listen, connection, number, dice = self.apis[caller % 2].ready["listen"], None, caller, random.Random(caller)
        while not self.stopping.is_set():
            text = json.dumps({"messages": [{"body": {"n": number}, "ttl": TTL}]})
            self.sent.add(number)
            try:
                connection = connection or http.client.HTTPConnection(listen, timeout=10)
                connection.request("POST", "/v2/queues/jobs/messages", text, deployment.HEADERS)
                answer = connection.getresponse()
                answer.read()
                with self.lock:
                    if answer.status == 201:
                        self.accepted.add(number)
                    else:
                        self.refused += 1
            except (OSError, http.client.HTTPException):
                connection = None
                with self.lock:
                    self.unknown += 1
            number += CALLERS
            time.sleep(dice.uniform(0.5, 1.5) / POSTS_PER_S)

    def sample(self):
        begun = time.monotonic()
        while not self.stopping.wait(1):
            for name, process in (("API", self.apis[0]), ("notifier", self.notifiers[0])):
                memory, files = self.samples[name]
                with contextlib.suppress(OSError):
                    at = time.monotonic() - begun
                    status = pathlib.Path(f"/proc/{process.process.pid}/status").read_text()
                    memory.append((at, next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))))
                    files.append((at, len(os.listdir(f"/proc/{process.process.pid}/fd"))))

    def begin(self):
        self.callers = [threading.Thread(target=self.post, args=(caller,), daemon=True) for caller in range(CALLERS)]
        for thread in [*self.callers, threading.Thread(target=self.sample, daemon=True)]:
            thread.start()

    def break_for(self, seconds):
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            fault = self.dice.choice(self.FAULTS)
            grown = ", ".join(f"{name} {memory[-1][1]} KB {files[-1][1]}" for name, (memory, files) in self.samples.items() if files)
            print(f"{time.monotonic() - begun:6.0f} s  {fault.__name__}; answered 201 {len(self.accepted):,}; {grown}",
                  file=sys.stderr, flush=True)
            fault(self)
            self.counts[fault.__name__] += 1
            self.look()
            time.sleep(self.dice.uniform(0.5, 4))

    # What came of it

    def missing(self):
        return [(path, number) for path in PATHS for number in list(self.accepted) if (path, number) not in self.endpoint.taken]

    def audit(self):
        self.endpoint.mend()
        self.stopping.set()
        for thread in self.callers:
            thread.join()
        end = time.monotonic() + 180
        while self.missing() and time.monotonic() < end:
            time.sleep(1)
        self.look()
        arrived = self.endpoint.ids
        invented = [entry for entry in arrived if entry[1] not in self.sent]
        # Each number was posted once, so that it has one id at each endpoint, and one message.
        invented += [entry for entry, ids in arrived.items() if len(ids) > 1]
        # Before that a process grows until each of its threads has done everything once: allocators keep what one has used.
        warm = {name: [samples[len(samples) // 2:] for samples in both] for name, both in self.samples.items()}
        return {
            "answered": len(self.accepted), "refused": self.refused, "unknown": self.unknown, "faults": self.counts,
            "deliveries": len(arrived), "repeated": sum(count > 1 for count in self.endpoint.taken.values()),
            "lost": self.missing(), "invented": invented, "surprises": self.surprises,
            "grown": {name: {"memory": slope(memory), "files": slope(files)} for name, (memory, files) in warm.items()}}

    def close(self):
        self.stopping.set()
        for process in self.deployment.processes:
            process.process.kill()
            process.process.wait()
        self.redis.kill()


def soak(folder, seconds, seed):
    mayhem = Mayhem(folder, seed)
    try:
        mayhem.begin()
        mayhem.break_for(seconds)
        return mayhem.audit()
    finally:
        mayhem.close()
