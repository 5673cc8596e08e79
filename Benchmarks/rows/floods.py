"""One project's endpoints are slow, large, on many ports or have names without a name server: what ten quiet ones notice.

HERALD_BENCH_FLOODS chooses among them, HERALD_BENCH_SHARE scales them, and the notifier with them, for a small machine.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

import apart
import deployment
import kit
import quiet

SHARE = float(os.environ.get("HERALD_BENCH_SHARE", 1))
SECONDS = int(os.environ.get("HERALD_BENCH_SECONDS", 15))
CONCURRENCY = 8192
PROMISE = 1.5

# Answers come after `delay_s`; `ports` sinks share the subscriptions, whose names are in `domain`, where there is one.
Flood = collections.namedtuple("Flood", "what subscriptions messages bytes delay_s ports domain")
FLOODS = {
    "slow": Flood("one message, answered after 25 s", 1_200, 1, 200, 25, 1, None),
    # What 128 subscriptions have in flight whose windows have grown to 64: a first window is 8.
    "ports": Flood("8 messages, answered after 29 s on 8 ports", 1_024, 8, 200, 29, 8, None),
    "large": Flood("one message of 260 kB, answered after 25 s", 1_200, 1, 260_000, 25, 1, None),
    "names": Flood("one message, to names that their server never answers for", 10_000, 1, 200, 0, 1, "silent"),
}


def measure():
    table = kit.Table(f"{quiet.PROJECTS} quiet projects posting {quiet.PER_SECOND} messages/s together for {SECONDS} s: arrivals in "
                      "ms before a flood of one other project, beside the same flood in another deployment on this machine, and beside "
                      "it in theirs, each from its first post on",
                      ["flood", "subscriptions", "p50 before", "p99", "p50 elsewhere", "p99", "p50 beside", "p99", "slowest",
                       "to before", "to elsewhere", "threads"])
    for name in os.environ.get("HERALD_BENCH_FLOODS", ",".join(FLOODS)).split(","):
        flood = FLOODS[name]
        before, elsewhere, beside, threads = separately(name) if flood.domain else beside_flood(name)
        ratio = beside["p99"] / before["p99"]
        table.add(name, int(flood.subscriptions * SHARE), *(f"{figures[key]:.1f}" for figures in (before, elsewhere, beside)
                                                            for key in ("p50", "p99")),
                  f"{beside['max']:.1f}", f"{ratio:.2f}", f"{beside['p99'] / elsewhere['p99']:.2f}", threads)
        table.promise(f"{name} ({flood.what}): arrival p99 within {PROMISE} of before (ratio {ratio:.2f})", ratio <= PROMISE)
    return table


def beside_flood(name):
    """Figures in ms before a flood, beside it in another deployment, and beside it; and the most threads that the notifier had.

    Load generators, receivers and Redis share the processors: what the flood elsewhere costs is the machine's.
    """
    flood = FLOODS[name]
    with deployment.deployment() as built:
        notifier = start(built)
        calm = quiet.Quiet(built, domain="fine" if flood.domain else None)
        prepare(built, flood)
        with calm.traffic() as before:
            time.sleep(SECONDS)
        with deployment.deployment() as other:
            start(other)
            prepare(other, flood)
            with calm.traffic() as elsewhere:
                post(other, flood)
                time.sleep(SECONDS)
        threads = notifier.threads
        with calm.traffic() as beside:
            post(built, flood)
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                threads = max(threads, notifier.threads)
                time.sleep(0.2)
    return figures(before), figures(elsewhere), figures(beside), threads


def start(built):
    built.start_api()
    return built.start_notifier({"HERALD_NOTIFIER_CONCURRENCY": str(int(CONCURRENCY * SHARE)),
                                 "HERALD_NOTIFIER_HOST_CONCURRENCY": str(int(CONCURRENCY * SHARE / 8))})


def prepare(built, flood):
    # Their own limit is not what holds one host's deliveries back here.
    sinks = [built.start_sink(delay_ms=flood.delay_s * 1000, hosts=1 if flood.ports > 1 else 4) for _ in range(flood.ports)]
    built.subscribe_all("flood", (url(flood, sinks, number) for number in range(int(flood.subscriptions * SHARE))))


def post(built, flood):
    for _ in range(flood.messages):
        built.post("flood", [{"pad": "x" * flood.bytes}])


def url(flood, sinks, number):
    sink = sinks[number % len(sinks)]
    return f"http://{number}.{flood.domain}.test:{sink.port}/" if flood.domain else sink.url(f"/slow/{number}", number)


def figures(traffic):
    return {"p50": traffic.arrival_p50_ms, "p99": traffic.arrival_p99_ms, "max": traffic.arrival_max_ms}


def separately(name):
    """The same in a network of its own, since it takes a name server."""
    ran = subprocess.run(apart.command([sys.executable, "-m", "rows.floods", name, str(kit.release())]),
                         cwd=pathlib.Path(__file__).resolve().parent.parent, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


if __name__ == "__main__":
    kit.release = lambda: pathlib.Path(sys.argv[2])
    with apart.names():
        print(json.dumps(beside_flood(sys.argv[1])))
