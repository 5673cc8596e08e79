"""One message to very many subscriptions with filter policies, beside the same without, and what policies refuse."""
import time

import deployment
import kit

ROUNDS, SUBSCRIBERS, HOSTS, REFUSED = 5, 10_000, 64, 20
PROMISE_RATIO = 0.5
BODY = {"event": "created", "order": {"total": 120, "currency": "EUR"}, "pad": "x" * 100}
MATCHING = {"event": ["created", "deleted"], "order": {"total": [{"numeric": [">=", 100]}]}}
REFUSING = {"event": ["created", "deleted"], "order": {"total": [{"numeric": [">=", 1000]}]}}


def measure():
    rates, refused = {"plain": [], "matching": []}, []
    with deployment.deployment() as built:
        built.start_api()
        notifier = built.start_notifier()
        sink = built.start_sink(hosts=HOSTS)
        for queue, options in [("plain", {}), ("matching", {"_filter": MATCHING}), ("refusing", {"_filter": REFUSING})]:
            built.subscribe_all(queue, [sink.url(f"/{queue}/{number}", number) for number in range(SUBSCRIBERS)], options)
        for _ in range(ROUNDS):
            for queue in rates:
                sink.reset()
                built.post(queue, [BODY])
                figures = sink.wait_for(SUBSCRIBERS)
                rates[queue].append(figures["requests"] / figures["seconds"])
            before, start = notifier.cpu_seconds, time.monotonic()
            built.post("refusing", [BODY] * REFUSED)
            built.wait_until_fanned_out()
            refused.append(((time.monotonic() - start) / REFUSED / SUBSCRIBERS * 1e6,
                            (notifier.cpu_seconds - before) / REFUSED / SUBSCRIBERS * 1e6))
    ratio = kit.median([ours / theirs for ours, theirs in zip(rates["matching"], rates["plain"])])
    table = kit.Table(f"one message to {SUBSCRIBERS:,} subscriptions on {HOSTS} hosts, medians of {ROUNDS} rounds",
                      ["work", "deliveries/s", "ratio", "µs each", "notifier CPU µs each"])
    table.add("without policies", kit.median(rates["plain"]), "1.00", "-", "-")
    table.add("each with a policy of two keys, which matches", kit.median(rates["matching"]), f"{ratio:.2f}", "-", "-")
    real, cpu = (kit.median(column) for column in zip(*refused))
    table.add("each with one that refuses", "-", "-", f"{real:.2f}", f"{cpu:.2f}")
    table.promise(f"{SUBSCRIBERS:,} filtered subscriptions at {PROMISE_RATIO} of unfiltered", ratio >= PROMISE_RATIO)
    return table
