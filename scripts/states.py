"""The states of deployments that alerts are about, one function each.

It starts processes, yields where all is well, and goes on to bring the state about. What comes behind a further yield is done when half a
second has passed and an alert is still missing.
"""
import contextlib
import http.client
import http.server
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time

from deployment import HEADERS, Processes, ask, ready_file, until

LEASE_S = 5
ALL = []


def raises(*alerts):
    def row(state):
        state.alerts = alerts
        ALL.append(state)
        return state
    return row


class World(Processes):
    """A Redis, and what a state starts beside it."""

    def __init__(self, executables):
        super().__init__()
        self.executables, self.targets, self.redis_processes = executables, [], {}
        self.prometheus, self.arrivals, self.on_kill = None, 0, None
        self.start_redis("redis")
        world = self

        class Endpoint(http.server.BaseHTTPRequestHandler):
            """Answers the status that its path names, after the seconds behind that, or has the sender killed."""
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                world.arrivals += 1
                status, *seconds = self.path.strip("/").split("/")
                if status == "kill":
                    world.on_kill()
                    return
                with contextlib.suppress(OSError):
                    time.sleep(float(seconds[0]) if seconds else 0)
                    self.send_response(int(status))
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass

        self.endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self.endpoint.daemon_threads, self.endpoint.block_on_close = True, False
        threading.Thread(target=self.endpoint.serve_forever, daemon=True).start()

    def __exit__(self, *what):
        self.endpoint.shutdown()
        super().__exit__(*what)

    # Processes

    def start_redis(self, name):
        socket_file = self.folder / f"{name}.sock"
        self.redis_processes[name] = self.start(
            "redis-server", "--port", "0", "--unixsocket", socket_file, "--dir", self.folder, "--save", "", "--maxmemory-policy",
            "noeviction", log=f"{name}.log")
        until("Redis", socket_file.exists)

    def redis(self, *words):
        return subprocess.run(
            ["redis-cli", "-s", self.folder / "redis.sock", *words], check=True, capture_output=True, text=True).stdout.split("\n")

    @property
    def shared(self):
        """The settings of all processes."""
        return {"HERALD_REDIS_URL": f"unix://{self.folder}/redis.sock", "HERALD_MASTER_KEY": "0a" * 32}

    def accept(self, **settings):
        """Makes these settings those that all processes must have."""
        command = self.start(
            self.executables / "herald", "settings", "accept", "--yes", log="accept.log", settings=self.shared | settings)
        if command.wait():
            raise AssertionError((self.folder / "accept.log").read_text())

    def run(self, program, settings, log=None):
        """The process and its addresses, once it is ready."""
        name = f"{program.replace('/', '-')}-{len(self.started)}"
        process = self.start(self.executables / program, log=log or f"{name}.log", settings=self.shared | {
            "HERALD_READY_FILE": str(self.folder / f"{name}.json")} | settings)
        ready = ready_file(self.folder / f"{name}.json")
        if ready["admin"] not in self.targets:
            self.targets.append(ready["admin"])
        if self.prometheus:
            self.prometheus.set_targets(self.targets)
        return process, ready

    def start_api(self, admin="127.0.0.1:0", log=None, **settings):
        process, ready = self.run("herald-api", {
            "HERALD_API_LISTEN": "127.0.0.1:0", "HERALD_API_ADMIN_LISTEN": admin, "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0",
            "HERALD_API_ADMIN_MODE": "true"} | settings, log)
        self.api = ready["listen"]
        return process

    def start_notifier(self, admin="127.0.0.1:0", program="herald-notifier", **settings):
        return self.run(program, {
            "HERALD_NOTIFIER_ADMIN_LISTEN": admin, "HERALD_EGRESS_ALLOW": "127.0.0.0/8", "HERALD_NOTIFIER_LEASE": str(LEASE_S)}
            | settings)[0]

    # Requests

    def status(self, method, path, body=None, **headers):
        """Of an answer, whatever it is."""
        connection = http.client.HTTPConnection(self.api, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body), HEADERS | headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def subscribe(self, queue, path, options=None):
        """The id of a subscription of the endpoint."""
        subscriber = f"http://127.0.0.1:{self.endpoint.server_address[1]}/{path}"
        return self.subscribe_address(queue, subscriber, options)

    def subscribe_address(self, queue, subscriber, options=None):
        made = ask(self.api, "POST", f"/v2/queues/{queue}/subscriptions", {
            "subscriber": subscriber, "ttl": 3600, "options": options or {}})
        return json.loads(made)["subscription_id"]

    def post(self, queue, count=1, ttl=300):
        for begin in range(0, count, 10):
            messages = [{"body": number, "ttl": ttl} for number in range(begin, min(count, begin + 10))]
            ask(self.api, "POST", f"/v2/queues/{queue}/messages", {"messages": messages})

    def deliver_one(self):
        """One delivery that is accepted."""
        before = self.arrivals
        self.subscribe("well", "204")
        self.post("well")
        until("a delivery", lambda: self.arrivals > before)

    def arrive(self, count):
        before = self.arrivals
        until(f"{count} requests", lambda: self.arrivals >= before + count)


def end(process, number=signal.SIGKILL):
    process.send_signal(number)
    process.wait()


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % listener.getsockname()[1]


@raises("HeraldDown", "HeraldNoNotifier", "HeraldEventsLate")
def no_notifier(world):
    """The only notifier is killed, and a message comes."""
    world.start_api()
    notifier = world.start_notifier()
    world.deliver_one()
    yield
    end(notifier)
    world.post("well")


@raises("HeraldNoFigures", "HeraldErrors")
def redis_away(world):
    """Redis is killed, and callers go on."""
    world.start_api()
    world.start_notifier()
    world.deliver_one()
    yield
    end(world.redis_processes["redis"])
    while True:
        world.status("GET", "/v2/queues/well/messages")
        yield


@raises("HeraldVersionsDiffer")
def two_versions(world):
    """A notifier of another build is started beside the one that runs."""
    world.start_api()
    world.start_notifier()
    yield
    world.start_notifier(program="next/herald-notifier")


@raises("HeraldPostsSlow")
def redis_slow(world):
    """Redis stands still for some seconds while posts wait for it."""
    world.start_api()
    world.start_notifier()
    world.deliver_one()
    yield
    redis = world.redis_processes["redis"]
    redis.send_signal(signal.SIGSTOP)
    threads = [threading.Thread(target=world.post, args=("well",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    redis.send_signal(signal.SIGCONT)
    for thread in threads:
        thread.join()


@raises("HeraldKeystoneUnavailable")
def keystone_away(world):
    """Nothing listens where Keystone should, and a caller comes with a token."""
    world.start_api(
        HERALD_API_AUTH="keystone", HERALD_API_KEYSTONE_URL=f"http://{free_address()}/v3", HERALD_API_KEYSTONE_USER="herald",
        HERALD_API_KEYSTONE_PASSWORD="secret", HERALD_API_KEYSTONE_TIMEOUT="1", HERALD_API_KEYSTONE_RETRIES="0")
    yield
    world.status("GET", "/v2/queues", **{"X-Auth-Token": "token"})


def certificate(folder, days):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", "/CN=api",
         "-keyout", folder / "next.key", "-out", folder / "next.crt"], check=True, capture_output=True)
    for name in ("key", "crt"):
        (folder / f"next.{name}").rename(folder / f"api.{name}")


@raises("HeraldPolicyBroken", "HeraldCertificatesBroken", "HeraldCertificateExpires")
def files_broken(world):
    """The policy and a certificate are replaced by files that cannot be used, the second after one that soon expires."""
    policy = world.folder / "policy.yaml"
    policy.write_text('"queues:delete": "role:admin"\n')
    certificate(world.folder, 90)
    world.start_api(
        HERALD_API_POLICY_FILE=str(policy), HERALD_API_TLS_CERTIFICATE_FILE=f"{world.folder}/api.crt",
        HERALD_API_TLS_KEY_FILE=f"{world.folder}/api.key")
    yield
    policy.write_text('"queues:delete": [\n')
    certificate(world.folder, 7)
    expiry = "herald_tls_certificate_expiry_timestamp_seconds - time() < 14 * 86400"
    until("the certificate of a week", lambda: world.prometheus.figures(expiry))
    (world.folder / "api.crt").write_text("no certificate")


@raises("HeraldRedisUnreachable", "HeraldRedisFull", "HeraldClockAhead")
def stores_in_trouble(world):
    """The Redis of a pool is killed; that of the default store is full, and was written with a clock that was an hour ahead."""
    world.start_redis("second")
    world.start_api()
    world.start_notifier()
    world.deliver_one()
    ask(world.api, "PUT", "/v2/pools/second", {"uri": f"unix://{world.folder}/second.sock", "weight": 1})
    yield
    end(world.redis_processes["second"])
    for key in filter(None, world.redis("KEYS", "herald:{s*}:last-position")):
        # 2,048 positions a millisecond.
        world.redis("SET", key, str(int(world.redis("GET", key)[0]) + 3_600_000 * 2048))
    world.redis("CONFIG", "SET", "maxmemory", "1")


@raises("HeraldSlotsTaken", "HeraldDeliveriesLate")
def slots_taken(world):
    """The only slot of the only notifier is with an endpoint that does not answer, and another delivery is due."""
    world.start_api()
    world.start_notifier(HERALD_NOTIFIER_CONCURRENCY="1", HERALD_WEBHOOK_TIMEOUT="300")
    world.deliver_one()
    world.subscribe("hanging", "204/300")
    yield
    world.post("hanging")
    world.arrive(1)
    world.post("well")


@raises("HeraldAttemptsFail", "HeraldEndpointsFail", "HeraldDeadLetters")
def endpoints_fail(world):
    """Most endpoints fail, and a third of them refuse what they get for good."""
    world.start_api()
    world.start_notifier()
    world.deliver_one()
    for number in range(60):
        world.subscribe("refused", f"{503 if number % 3 else 410}/0/{number}")
    yield
    world.post("refused", 30)


@raises("HeraldNoChannel")
def mail_without_relay(world):
    """An API takes subscriptions of mail, and the notifier has no relay."""
    world.start_api(HERALD_API_SUBSCRIBER_TYPES="http,https,mailto", HERALD_EMAIL_CONFIRMATION="false")
    world.start_notifier(HERALD_EMAIL_CONFIRMATION="false")
    world.deliver_one()
    yield
    world.subscribe_address("mail", "mailto:alerts@example.com")
    world.post("mail")


@raises("HeraldBodiesSealed")
def key_missing(world):
    """A key of bodies was given up, with `herald settings accept`, while a message that it sealed waits."""
    given_up, kept = ({"HERALD_MESSAGE_ENCRYPTION_KEYS": key * 32} for key in ("1b", "2c"))
    api = world.start_api(**given_up)
    ask(world.api, "PUT", "/v2/queues/sealed", {"_enable_encrypt_messages": True})
    subscription = f"/v2/queues/sealed/subscriptions/{world.subscribe('sealed', '204')}"
    ask(world.api, "POST", subscription + "/pause")
    world.post("sealed")
    end(api, signal.SIGTERM)
    world.targets.clear()
    world.accept(**kept)
    world.start_api(**kept)
    world.start_notifier(**kept)
    world.deliver_one()
    yield
    ask(world.api, "POST", subscription + "/resume")


@raises("HeraldOutcomesLost")
def notifier_stalls(world):
    """A notifier stands still with attempts under way, until another one has made them again."""
    world.start_api()
    notifier = world.start_notifier()
    world.deliver_one()
    for number in range(30):
        world.subscribe("slow", f"204/2/{number}")
    yield
    world.post("slow")
    world.arrive(30)
    notifier.send_signal(signal.SIGSTOP)
    world.start_notifier()
    world.arrive(30)
    time.sleep(3)
    notifier.send_signal(signal.SIGCONT)


@raises("HeraldDeliveriesOverflow", "HeraldDeliveriesExpire", "HeraldDeadLettersDropped")
def bounds_reached(world):
    """More waits for a paused subscription than may, and outlives its messages; another one refuses more than its queue keeps."""
    bounds = {"HERALD_LIMITS_WAITING_SUBSCRIPTION": "2", "HERALD_LIMITS_DEAD_LETTERS_QUEUE_COUNT": "1"}
    world.start_api(**bounds)
    world.start_notifier(**bounds)
    world.deliver_one()
    paused = world.subscribe("paused", "204")
    ask(world.api, "POST", f"/v2/queues/paused/subscriptions/{paused}/pause")
    world.subscribe("refused", "410")
    yield
    world.post("paused", 5, ttl=60)
    world.post("refused", 2)


@raises("HeraldQuarantined")
def poison(world):
    """Every notifier that attempts one delivery is killed."""
    admin = free_address()
    world.start_api()
    current = [world.start_notifier(admin)]
    world.deliver_one()
    world.subscribe("poison", "kill")
    killed = threading.Event()

    def kill():
        end(current[0])
        killed.set()
    world.on_kill = kill
    yield
    world.post("poison")
    while True:
        if killed.is_set():
            killed.clear()
            current[0] = world.start_notifier(admin)
        yield


@raises("HeraldUnreadable")
def newer_record(world):
    """A message has a kind that this version does not know."""
    world.start_api()
    world.start_notifier()
    world.deliver_one()
    paused = world.subscribe("later", "204")
    ask(world.api, "POST", f"/v2/queues/later/subscriptions/{paused}/pause")
    world.post("later")
    keys = until("its record", lambda: list(filter(None, world.redis("KEYS", "herald:{s*}:payloads"))))
    yield
    for position in filter(None, world.redis("HKEYS", keys[0])):
        world.redis("HSET", keys[0], position, "\x7f" * 16)
    ask(world.api, "POST", f"/v2/queues/later/subscriptions/{paused}/resume")


@raises("HeraldStartsAgain", "HeraldFilesNearlyUsedUp", "HeraldAuditLinesMissing")
def api_restarts(world):
    """An API is started again and again; the last one has a full disk for its audit log, and may open few files more."""
    admin, settings = free_address(), {"HERALD_API_AUDIT_LOG": "/dev/full"}
    api = world.start_api(admin, **settings)
    yield
    starts = "changes(process_start_time_seconds[1h])"
    for changes in (1, 2, 3):
        end(api)
        api = world.start_api(admin, **settings)
        until("a scrape of the new one", lambda: world.prometheus.figures(f"{starts} == {changes}"))
    world.status("PUT", "/v2/queues/q", {})
    files = len(os.listdir(f"/proc/{api.pid}/fd"))
    resource.prlimit(api.pid, resource.RLIMIT_NOFILE, (files + 3, files + 3))


@raises("HeraldLogLinesMissing")
def log_not_read(world):
    """Nothing reads what an API logs."""
    pipe = world.folder / "unread"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    world.start_api(log=pipe.name, HERALD_LOG_REQUESTS="all")
    yield
    try:
        while True:
            for _ in range(300):
                world.status("GET", "/v2/queues/none/messages")
            yield
    finally:
        os.close(held)
