"""The Redis room beside redis-benchmark: one small EVALSHA, the same Redis, taking turns."""
import csv
import json
import subprocess

import kit

ROUNDS = 5
SECONDS = 2
# Ours at N callers, and the redis-benchmark that has as much in flight: (callers, clients, pipeline).
# At 128 callers the ceiling is what one client that pipelines 16 deep gets out of this machine, whichever is faster.
PAIRS = [(1, 1, 1), (16, 1, 16), (128, 50, 16)]
# redis-benchmark does a fixed number of calls; these take it a second or two.
CALLS = {1: 40_000, 16: 200_000, 128: 400_000}
PROMISE = 0.9


def measure():
    program = kit.build("redis-rate")
    ours, theirs = {}, {}
    with kit.redis_server() as port:
        source = "return ARGV[1]"
        sha = kit.output(["redis-cli", "-p", str(port), "SCRIPT", "LOAD", source])
        for _ in range(ROUNDS):
            for callers, clients, pipeline in PAIRS:
                theirs.setdefault(callers, []).append(ceiling(port, sha, clients, pipeline, CALLS[callers]))
                ours.setdefault(callers, []).append(rate(program, port, callers))
    table = kit.Table(
        f"EVALSHA of `{source}`, calls per second, medians of {ROUNDS} rounds of {SECONDS} s",
        ["callers", "Herald", "CPU µs/call", "p50 µs", "p99 µs", "redis-benchmark", "calls/s", "ratio"])
    for callers, clients, pipeline in PAIRS:
        figures, best = ours[callers], kit.median(theirs[callers])
        rate_median = kit.median([one["per_second"] for one in figures])
        # The ratio of each round, since both sides of a round saw the same machine.
        ratio = kit.median([one["per_second"] / other for one, other in zip(figures, theirs[callers])])
        table.add(
            str(callers), rate_median, f"{kit.median([one['cpu_us'] for one in figures]):.1f}",
            kit.median([one["p50_us"] for one in figures]), kit.median([one["p99_us"] for one in figures]),
            f"-c {clients} -P {pipeline}", best, f"{ratio:.2f}")
        if callers == 128:
            table.promise(f"at 128 callers at least {PROMISE} of redis-benchmark -P 16", ratio >= PROMISE)
    table.promise("no call failed", all(one["failed"] == 0 for figures in ours.values() for one in figures))
    return table


def rate(program, port, callers):
    ran = subprocess.run([program, f"redis://127.0.0.1:{port}", str(callers), str(SECONDS)],
                         capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def ceiling(port, sha, clients, pipeline, calls):
    ran = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-c", str(clients), "-P", str(pipeline), "-n", str(calls), "--csv",
         "EVALSHA", sha, "1", "key", "value"], capture_output=True, text=True, check=True)
    return float(list(csv.DictReader(ran.stdout.splitlines()))[0]["rps"])
