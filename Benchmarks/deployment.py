"""A deployment in release mode on loopback: a private Redis, the API, notifiers, and programs that take what they send."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import crowd
import kit

HEADERS = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c", "X-Project-Id": "bench",
           "Content-Type": "application/json"}

# Less than the API keeps a connection that says nothing.
KEPT_S = 20


def headers_of(project):
    return {**HEADERS, "X-Project-Id": project} if project else HEADERS


class Process:
    """One process of the deployment, and what /proc says of it."""

    def __init__(self, command, environment=None, ready_file=None):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, env={"PATH": os.environ["PATH"], **(environment or {})}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.ready = {}
        if ready_file:
            while not ready_file.exists():
                if self.process.poll() is not None:
                    raise SystemExit(f"{command[0]} ended with {self.process.returncode}")
                time.sleep(0.001)
            self.ready_ms = (time.monotonic() - self.started) * 1000
            self.ready = json.loads(ready_file.read_text())

    @property
    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mb(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    @property
    def pss_mb(self):
        """Of pages that several processes have, each counts its part."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024 / 1e6

    @property
    def threads(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()))

    @property
    def own_mb(self):
        """Of that what is no page of a file: pages of programs and libraries are shared, and Linux may take them back."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")) * 1024 / 1e6

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


class Deployment:
    def __init__(self, redis_port, folder, programs=None):
        self.folder = pathlib.Path(folder)
        self.programs = programs
        self.redis_port = redis_port
        self.environment = {"HERALD_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "HERALD_MASTER_KEY": "ab" * 32,
                            "HERALD_LOG_LEVEL": "warning", "HERALD_NOTIFIER_DRAIN": "1"}
        self.processes = []
        self.api = None

    def start_api(self, environment=None):
        self.api = self.start("herald-api", {"HERALD_API_LISTEN": "127.0.0.1:0", "HERALD_API_WEBSOCKET_LISTEN": "127.0.0.1:0",
                                             "HERALD_API_ADMIN_LISTEN": "127.0.0.1:0", **(environment or {})})
        return self.api

    def start_notifier(self, environment=None):
        return self.start("herald-notifier", {"HERALD_NOTIFIER_ADMIN_LISTEN": "127.0.0.1:0",
                                              "HERALD_EGRESS_ALLOW": "127.0.0.0/8", **(environment or {})})

    def start_sink(self, delay_ms=1000, hosts=1, wait_s=0):
        port = kit.free_port()
        sink = Process([kit.program("peers"), "sink", "--port", str(port), "--delay", str(delay_ms), "--hosts", str(hosts),
                        "--wait", str(wait_s)])
        self.processes.append(sink)
        return Sink(sink, port, hosts)

    def start_sessions(self, address, count=1, queue=None, stuck=False):
        """WebSocket connections of one program, all of them ready; without a queue they have subscribed nothing."""
        port = kit.free_port()
        process = Process([kit.program("peers"), "sessions", "--address", address, "--port", str(port), "--count", str(count),
                           *(["--queue", queue] if queue else []), *(["--stuck"] if stuck else [])])
        self.processes.append(process)
        sessions = Peer(process, port)
        sessions.wait(lambda: sessions.figures()["ready"] == count)
        return sessions

    def start(self, product, environment):
        ready_file = self.folder / f"{product}-{len(self.processes)}.json"
        program = str(self.programs / product) if self.programs else kit.program(product)
        process = Process([program], {**self.environment, **environment,
                                                 "HERALD_READY_FILE": str(ready_file)}, ready_file)
        self.processes.append(process)
        return process

    @property
    def redis_cpu_seconds(self):
        figures = self.redis_info("cpu")
        return float(figures["used_cpu_sys"]) + float(figures["used_cpu_user"])

    def redis_info(self, section):
        """What Redis says of itself."""
        return dict(line.split(":", 1) for line in self.redis("INFO", section) if ":" in line)

    def redis(self, *words):
        """The lines of Redis' answer to a command."""
        return kit.output(["redis-cli", "-p", str(self.redis_port), "--raw", *words]).splitlines()

    def call(self, method, path, body=None, project=None):
        """One request on a connection that is kept, as long as the API keeps it; raises unless it is answered well."""
        connection = getattr(self, "connection", None)
        if connection is None or time.monotonic() - self.called > KEPT_S:
            connection = self.connection = http.client.HTTPConnection(self.api.ready["listen"])
        self.called = time.monotonic()
        connection.request(method, path, self.text(body), headers_of(project))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text!r}")
        return json.loads(text) if text else None

    @staticmethod
    def text(body):
        return None if body is None else json.dumps(body, separators=(",", ":"))

    def subscribe(self, queue, url, options=None, project=None):
        """One subscription; returns its id."""
        return self.call("POST", f"/v2/queues/{queue}/subscriptions",
                         {"subscriber": url, "ttl": 86400, "options": options or {}}, project)["subscription_id"]

    def subscribe_all(self, queue, urls, options=None):
        """The same for very many subscribers, some dozen at a time."""
        bodies = (self.text({"subscriber": url, "ttl": 86400, "options": options or {}}) for url in urls)
        crowd.post(self.api.ready["listen"], f"/v2/queues/{queue}/subscriptions", headers_of(None), bodies)

    def wait_until_fanned_out(self, limit=120):
        """Until no event of any queue waits."""
        end = time.monotonic() + limit
        while any(self.redis("KEYS", "herald:*:events:*")):
            if time.monotonic() > end:
                raise SystemExit("it takes too long")
            time.sleep(0.01)

    def post(self, queue, bodies, ttl=3600):
        self.call("POST", f"/v2/queues/{queue}/messages", {"messages": [{"body": body, "ttl": ttl} for body in bodies]})


class Peer:
    """A program that counts what comes, and answers figures."""

    def __init__(self, process, port):
        self.process, self.port = process, port
        self.wait(lambda: self.figures() is not None)

    def figures(self):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", "/figures")
            return json.loads(connection.getresponse().read())
        return None

    def reset(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", "/reset")
        connection.getresponse().read()

    def holds(self, condition, limit=120):
        """Whether a condition becomes true within some seconds."""
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def wait(self, condition, limit=120):
        if not self.holds(condition, limit):
            raise SystemExit("it takes too long")

    def wait_for_calm(self):
        """Until nothing came for half a second."""
        before, now = -1, self.figures()["requests"]
        while before < now:
            time.sleep(0.5)
            before, now = now, self.figures()["requests"]

    def wait_for(self, requests):
        self.wait(lambda: self.figures()["requests"] >= requests)
        return self.figures()


class Sink(Peer):
    def __init__(self, process, port, hosts):
        super().__init__(process, port)
        self.hosts = hosts

    def url(self, path="/", number=0):
        """An endpoint; those of different numbers are spread over the sink's hosts."""
        return f"http://127.0.0.{number % self.hosts + 1}:{self.port}{path}"


@contextlib.contextmanager
def deployment(*redis_arguments, programs=None):
    """A deployment of the executables in `programs`, or of those of this build."""
    with kit.redis_server(*redis_arguments) as port, tempfile.TemporaryDirectory(prefix="herald-bench-") as folder:
        built = Deployment(port, folder, programs)
        try:
            yield built
        finally:
            for process in reversed(built.processes):
                process.stop()


def wrk(url, connections, seconds, body=None, method="POST", project=None, more=()):
    """Requests per second of one wrk thread, and the answers that were not 2xx.

    more: headers beside the usual ones.
    """
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in [*headers_of(project).items(), *more])
    script = f'wrk.method = "{method}"\n{headers}'
    if body is not None:
        script += f"wrk.body = {json.dumps(body)}\n"
    script += ('function done(summary) io.write(string.format("FIGURES %d %d %d\\n", summary.requests, '
               "summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read)) end\n")
    return wrk_script(url, connections, seconds, script)


def wrk_script(url, connections, seconds, text):
    """The same by a script of wrk, whose end writes a line FIGURES with requests, microseconds and failures."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(text)
        script.flush()
        ran = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script.name, url],
                             capture_output=True, text=True, check=True)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("FIGURES"))
    requests, microseconds, failed = (int(word) for word in line.split()[1:])
    return requests / (microseconds / 1e6), failed
