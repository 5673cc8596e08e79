"""The Redis module beside redis-benchmark: the same EVALSHA on the same Redis, taking turns."""
import csv
import json
import subprocess

import kit

ROUNDS = 5
SECONDS = 1.5
# Ours at N callers, and the redis-benchmark it is held against: (callers, clients, pipeline).
PAIRS = [(1, 1, 1), (16, 1, 16), (128, 50, 16)]
# redis-benchmark does a fixed number of calls; these take it a second or so.
CALLS = {1: 30_000, 16: 150_000, 128: 200_000}
PROMISE = 0.9

# About the work of a post: a record, an event, 200 bytes of body in each.
POST = """
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[1], 'ttl', ARGV[2]) end
redis.call('HSET', KEYS[2], 'b', ARGV[1], 't', ARGV[2], 'c', ARGV[3])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'q', KEYS[1], 'b', ARGV[1])
return 'posted'
"""
SCRIPTS = {
    "a post": (POST, "3", "{q}:queue", "{q}:message", "{q}:events", "x" * 200, "3600", "client-uuid"),
    "nothing": ("return ARGV[1]", "1", "key", "value"),
}


def measure():
    program = kit.program("redis-rate")
    table = kit.Table(
        f"EVALSHA, calls per second, medians of {ROUNDS} rounds of {SECONDS} s",
        ["script", "callers", "Herald", "CPU µs/call", "p50 µs", "p99 µs", "redis-benchmark", "calls/s", "ratio"])
    failed = 0
    with kit.redis_server() as port:
        for script, work in SCRIPTS.items():
            for callers, clients, pipeline in PAIRS:
                theirs, ours = [], []
                for _ in range(ROUNDS):
                    theirs.append(ceiling(port, work, clients, pipeline, CALLS[callers]))
                    ours.append(rate(program, port, work, callers))
                # The ratio of each round, since both sides of a round saw the same machine.
                ratio = kit.median([one["per_second"] / other for one, other in zip(ours, theirs)])
                def median(key, figures=ours):
                    return kit.median([one[key] for one in figures])
                table.add(
                    script, str(callers), median("per_second"), f"{median('cpu_us'):.1f}", median("p50_us"),
                    median("p99_us"), f"-c {clients} -P {pipeline}", kit.median(theirs), f"{ratio:.2f}")
                failed += sum(one["failed"] for one in ours)
                if script == "a post" and callers == 128:
                    table.promise(f"a post at 128 callers: at least {PROMISE} of redis-benchmark -P 16", ratio >= PROMISE)
    table.promise("no call failed", failed == 0)
    return table


def rate(program, port, work, callers):
    ran = subprocess.run([program, f"redis://127.0.0.1:{port}", str(callers), str(SECONDS), *work],
                         capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def ceiling(port, work, clients, pipeline, calls):
    sha = kit.output(["redis-cli", "-p", str(port), "SCRIPT", "LOAD", work[0]])
    ran = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-c", str(clients), "-P", str(pipeline), "-n", str(calls), "--csv",
         "EVALSHA", sha, *work[1:]], capture_output=True, text=True, check=True)
    return float(list(csv.DictReader(ran.stdout.splitlines()))[0]["rps"])
