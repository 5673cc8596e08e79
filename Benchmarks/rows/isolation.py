"""Half of 200 endpoints hang: what the healthy ones notice."""
import time

import deployment
import kit

ROUNDS, ENDPOINTS, MESSAGES = 3, 200, 100
PROMISE = 1.5


def measure():
    healthy, beside, ratios = [], [], []
    for _ in range(ROUNDS):
        healthy.append(p99(hanging=False))
        beside.append(p99(hanging=True))
        ratios.append(beside[-1] / healthy[-1])
    table = kit.Table(f"p99 from post to arrival at {ENDPOINTS // 2} healthy endpoints, medians of {ROUNDS} rounds",
                      ["the other half", "p99 ms"])
    table.add("healthy", f"{kit.median(healthy) / 1000:.1f}")
    table.add("hanging", f"{kit.median(beside) / 1000:.1f}")
    ratio = kit.median(ratios)
    table.promise(f"within {PROMISE} of the run without hanging ones (ratio {ratio:.2f})", ratio <= PROMISE)
    return table


def p99(hanging):
    """Both halves get every message; only the healthy half's bodies carry a time to measure by."""
    with deployment.deployment() as built:
        built.start_api()
        built.start_notifier()
        sink = built.start_sink()
        # The other half is another sink, which holds every answer for longer than the run.
        other = built.start_sink(delay_ms=120_000)
        for number in range(ENDPOINTS):
            target = sink.url(f"/{number}") if number % 2 == 0 else other.url(f"/{'slow' if hanging else ''}{number}")
            built.subscribe("half", target)
        for _ in range(MESSAGES):
            built.post("half", [{"t": time.time_ns()}])
            time.sleep(0.05)
        return sink.wait_for(MESSAGES * ENDPOINTS // 2)["p99_us"]
