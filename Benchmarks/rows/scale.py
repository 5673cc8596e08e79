"""How deliveries per second grow with notifiers, at endpoints that take 50 ms."""
import deployment
import kit

SUBSCRIPTIONS, HOSTS, MESSAGES, DELAY_MS, SMALL = 400, 64, 50, 50, 64


def measure():
    table = kit.Table(f"{SUBSCRIPTIONS} endpoints on {HOSTS} hosts that take {DELAY_MS} ms",
                      ["attempts at once", "notifiers", "deliveries/s", "of one", "in flight at most"])
    growth = []
    for concurrency in [SMALL, 8192]:
        first = None
        for count in [1, 2, 4]:
            rate, under_way = rate_of(count, concurrency)
            first = first or rate
            if concurrency == SMALL:
                growth.append(rate / first)
            table.add(f"{concurrency:,} each", str(count), rate, f"{rate / first:.2f}", under_way)
    table.promise(f"two small notifiers do 1.6 of one ({growth[1]:.2f})", growth[1] >= 1.6)
    return table


def rate_of(count, concurrency):
    with deployment.deployment() as built:
        built.environment["HERALD_NOTIFIER_CONCURRENCY"] = str(concurrency)
        built.start_api()
        sink = built.start_sink(delay_ms=DELAY_MS, hosts=HOSTS)
        for number in range(SUBSCRIPTIONS):
            built.subscribe("scale", sink.url(f"/slow/{number}", number))
        for _ in range(count):
            built.start_notifier()
        sink.reset()
        built.post("scale", [{"pad": "x" * 188}] * MESSAGES)
        figures = sink.wait_for(SUBSCRIPTIONS * MESSAGES)
        return figures["requests"] / figures["seconds"], figures["under_way_max"]
