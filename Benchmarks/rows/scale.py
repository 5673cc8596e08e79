"""How deliveries per second grow with notifiers, at endpoints that take 50 ms, and what KEDA sees of it."""
import backlog
import deployment
import kit

SUBSCRIPTIONS, HOSTS, DELAY_MS, SMALL = 400, 64, 50, 64
# Few slots take long, so that the exporter looks at the backlog more than once.
MESSAGES = {SMALL: 150, 8192: 50}


def measure():
    table = kit.Table(f"{SUBSCRIPTIONS} endpoints on {HOSTS} hosts that take {DELAY_MS} ms",
                      ["attempts at once", "notifiers", "deliveries/s", "of one", "in flight at most"])
    growth = []
    for concurrency in [SMALL, 8192]:
        first = None
        for count in [1, 2, 4]:
            rate, under_way, watch = rate_of(count, concurrency)
            first = first or rate
            table.add(f"{concurrency:,} each", str(count), rate, f"{rate / first:.2f}", under_way)
            if concurrency == SMALL:
                growth.append(rate / first)
                table.note(f"backlog with {count} of {SMALL} slots: {watch.text()}")
                table.promise(f"with {count} the backlog was shown, and is 0 at the end",
                              max(figure for _, figure in watch.figures) > 0 and watch.figures[-1][1] == 0)
    table.promise(f"two small notifiers do 1.6 of one ({growth[1]:.2f})", growth[1] >= 1.6)
    table.promise(f"and four 2 ({growth[2]:.2f})", growth[2] >= 2)
    return table


def rate_of(count, concurrency):
    with deployment.deployment() as built:
        built.environment["HERALD_NOTIFIER_CONCURRENCY"] = str(concurrency)
        api = built.start_api()
        sink = built.start_sink(delay_ms=DELAY_MS, hosts=HOSTS)
        for number in range(SUBSCRIPTIONS):
            built.subscribe("scale", sink.url(f"/slow/{number}", number))
        notifiers = [built.start_notifier() for _ in range(count)]
        sink.wait(lambda: backlog.backlog([api, *notifiers]) == 0)
        watch = backlog.Watch([api, *notifiers])
        sink.reset()
        messages = MESSAGES[concurrency]
        built.post("scale", [{"pad": "x" * 188}] * messages)
        figures = sink.wait_for(SUBSCRIPTIONS * messages)
        sink.wait(lambda: backlog.backlog([api, *notifiers]) == 0)
        sink.holds(lambda: watch.figures and watch.figures[-1][1] == 0, limit=10)
        watch.end()
        return figures["requests"] / figures["seconds"], figures["under_way_max"], watch
