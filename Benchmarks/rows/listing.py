"""GET of 10 messages, at the head of a short queue and of a deep one."""
import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 3, 3, 64
DEPTHS = [100, 1_000_000]
PROMISE = 20_000


def measure():
    rates = {depth: [] for depth in DEPTHS}
    failed = 0
    with deployment.deployment() as built:
        api = built.start_api()
        for depth in DEPTHS:
            for start in range(0, depth, 500):
                built.post(f"q{depth}", [{"pad": "x" * 188}] * min(500, depth - start))
        for _ in range(ROUNDS):
            for depth in DEPTHS:
                rate, bad = deployment.wrk(f"http://{api.ready['listen']}/v2/queues/q{depth}/messages?limit=10&echo=true",
                                      CONNECTIONS, SECONDS, method="GET")
                rates[depth].append(rate)
                failed += bad
    table = kit.Table(f"GET of 10 messages, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s",
                      ["depth of the queue", "requests/s"])
    for depth in DEPTHS:
        table.add(f"{depth:,}", kit.median(rates[depth]))
    table.promise(f"{PROMISE:,} a second", all(kit.median(rates[depth]) >= PROMISE for depth in DEPTHS))
    ratio = kit.median([shallow / deep for shallow, deep in zip(*(rates[depth] for depth in DEPTHS))])
    table.promise(f"the same at any depth (ratio {ratio:.2f}, at most 1.3)", ratio <= 1.3)
    table.promise("no request failed", failed == 0)
    return table
