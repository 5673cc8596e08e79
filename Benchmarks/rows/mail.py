"""Mail: a backlog and one message to many addresses beside a bare loop over libesmtp, and webhooks beside a slow relay.

The relay is Postfix's `smtp-sink`, which takes everything and keeps nothing.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import deployment
import kit

ROUNDS, BACKLOG, SUBSCRIBERS, SESSIONS, OF_A_SESSION, SECONDS, BYTES = 5, 3_000, 10_000, 4, 20, 3, 1_500
WEBHOOKS, SLOW_MAILS, SLOW_S = 300, 400, 2
PROMISE_RATIO, PROMISE_P99_RATIO = 0.6, 1.2


class Relay:
    """A sink of mails on a port of loopback; it counts what it took."""

    def __init__(self, folder, delay=0):
        self.port = kit.free_port()
        self.counts = pathlib.Path(folder) / f"relay-{self.port}"
        program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
        options = ["-W", f"DATA:{delay}"] if delay else []
        # It does not run as root.
        options += ["-u", "daemon"] if os.geteuid() == 0 else []
        with self.counts.open("w") as counts:
            self.process = subprocess.Popen([program, "-c", "-m", "512", *options, f"127.0.0.1:{self.port}", "1024"], stdout=counts,
                                            stderr=subprocess.DEVNULL)
        kit.wait_for(self.port)

    @property
    def mails(self):
        found = re.findall(r"mesg=(\d+)", self.counts.read_text()[-200:])
        return int(found[-1]) if found else 0

    def wait_for(self, mails, limit=300):
        end = time.monotonic() + limit
        while self.mails < mails:
            if time.monotonic() > end:
                raise SystemExit(f"{self.mails} of {mails} mails came")
            time.sleep(0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def relayed(delay=0):
    """A deployment, and the relay its notifiers send to."""
    with deployment.deployment() as built:
        relay = Relay(built.folder, delay)
        built.environment.update(HERALD_EMAIL_RELAY=f"smtp://127.0.0.1:{relay.port}", HERALD_EMAIL_FROM="bench@example.com",
                                 HERALD_EMAIL_TLS="off", HERALD_EMAIL_CONFIRMATION="false")
        try:
            yield built, relay
        finally:
            relay.stop()


def bare_program(folder):
    program = pathlib.Path(folder) / "bare_mail"
    flags = kit.output(["pkg-config", "--cflags", "--libs", "libesmtp-1.0"]).split()
    source = pathlib.Path(__file__).parent.parent / "bare_mail.c"
    subprocess.run(["clang", "-O2", "-o", str(program), str(source), *flags, "-lpthread"], check=True)
    return program


def measure():
    bare, ours, ratios, costs, many = [], [], [], [], []
    with tempfile.TemporaryDirectory(prefix="herald-bench-") as folder, relayed() as (built, relay):
        program = bare_program(folder)
        built.start_api()
        notifier = built.start_notifier()
        one = f"/v2/queues/one/subscriptions/{built.subscribe('one', 'mailto:reader@example.com')}"
        for _ in range(ROUNDS):
            words = [relay.port, SESSIONS, OF_A_SESSION, SECONDS, BYTES]
            bare.append(float(kit.output([str(program), *map(str, words)])))
            built.call("POST", one + "/pause")
            for _ in range(BACKLOG // 500):
                built.post("one", [{"pad": "x" * 188}] * 500)
            time.sleep(0.5)
            before, begun, spent = relay.mails, time.monotonic(), notifier.cpu_seconds
            built.call("POST", one + "/resume")
            relay.wait_for(before + BACKLOG)
            ours.append(BACKLOG / (time.monotonic() - begun))
            costs.append((notifier.cpu_seconds - spent) / BACKLOG * 1e6)
            ratios.append(ours[-1] / bare[-1])
        built.subscribe_all("many", (f"mailto:reader{number}@example.com" for number in range(SUBSCRIBERS)))
        rss = notifier.rss_mb
        for _ in range(ROUNDS):
            before, begun = relay.mails, time.monotonic()
            built.post("many", [{"pad": "x" * 188}])
            relay.wait_for(before + SUBSCRIBERS)
            many.append(SUBSCRIBERS / (time.monotonic() - begun))
        time.sleep(2)
        extra, peak = relay.mails - before - SUBSCRIBERS, notifier.rss_mb
    quiet, beside = slow_relay()
    table = kit.Table(f"mail to one relay, {SESSIONS} sessions, medians of {ROUNDS} rounds", ["work", "mails/s", "ratio"])
    table.add("a bare loop over libesmtp", kit.median(bare), "1.00")
    table.add("one address, a backlog", kit.median(ours), f"{kit.median(ratios):.2f}")
    table.add(f"one message to {SUBSCRIBERS:,} addresses", kit.median(many), f"{kit.median(many) / kit.median(bare):.2f}")
    table.promise(f"a backlog at {PROMISE_RATIO} of the bare loop", kit.median(ratios) >= PROMISE_RATIO)
    table.promise("no mail came twice", extra == 0)
    pairs = [after / before for before, after in zip(quiet, beside)]
    table.promise(f"webhooks' p99 beside a relay that takes {SLOW_S} s a mail at most {PROMISE_P99_RATIO} of without",
                  kit.median(pairs) <= PROMISE_P99_RATIO)
    table.note(f"a mail of the backlog cost {kit.median(costs):.0f} µs of the notifier's CPU; its RSS was {rss:.0f} MB before the"
               f" {SUBSCRIBERS:,} addresses and {peak:.0f} MB after them")
    table.note(f"webhooks' p99 was {kit.median(quiet):,.0f} µs, {kit.median(beside):,.0f} µs beside the slow relay"
               f" (ratio of the pairs {kit.median(pairs):.2f})")
    return table


def slow_relay():
    """The p99 of webhooks, µs, a round without and a round with mails that wait for a slow relay."""
    quiet, beside = [], []
    with relayed(SLOW_S) as (built, _):
        built.start_api()
        built.start_notifier()
        sink = built.start_sink()
        built.subscribe("hooks", sink.url("/hook"))
        slow = f"/v2/queues/slow/subscriptions/{built.subscribe('slow', 'mailto:reader@example.com')}"
        for _ in range(ROUNDS):
            built.call("POST", slow + "/pause")
            quiet.append(webhooks(built, sink))
            built.post("slow", [{"pad": "x" * 188}] * SLOW_MAILS)
            built.call("POST", slow + "/resume")
            beside.append(webhooks(built, sink))
            built.call("POST", "/v2/queues/slow/purge", {"resource_types": ["messages"]})
    return quiet, beside


def webhooks(built, sink):
    sink.reset()
    for _ in range(WEBHOOKS):
        built.post("hooks", [{"t": time.time_ns()}])
        time.sleep(0.01)
    return sink.wait_for(WEBHOOKS)["p99_us"]
