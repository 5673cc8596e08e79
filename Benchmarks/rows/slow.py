"""Many endpoints that take a second each, all in flight at once."""
import deployment
import kit

ENDPOINTS, HOSTS, PROMISE_MB = 5_000, 64, 200


def measure():
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(delay_ms=1000, hosts=HOSTS)
        before = notifier.rss_mb
        for number in range(ENDPOINTS):
            built.subscribe("slow", sink.url(f"/slow/{number}", number))
        peak = 0.0
        sink.reset()
        built.post("slow", [{"pad": "x" * 188}])

        def arrived():
            nonlocal peak
            peak = max(peak, notifier.rss_mb)
            return sink.figures()["requests"] >= ENDPOINTS

        sink.wait(arrived)
        figures = sink.figures()
    table = kit.Table(f"{ENDPOINTS:,} endpoints on {HOSTS} hosts that take 1 s each", ["figure", "value"])
    table.add("in flight at once, at most", figures["under_way_max"])
    table.add("last request behind the first, s", f"{figures['seconds']:.2f}")
    table.add("notifier RSS before, MB", f"{before:.0f}")
    table.add("notifier RSS at its highest, MB", f"{peak:.0f}")
    table.promise("all in flight at once", figures["under_way_max"] >= 0.99 * ENDPOINTS)
    table.promise(f"at most {PROMISE_MB} MB", peak <= PROMISE_MB)
    return table
