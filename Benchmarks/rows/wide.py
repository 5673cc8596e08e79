"""One message to 100,000 subscriptions beside other traffic: what that notices."""
import concurrent.futures
import http.client
import time

import house
import kit

SUBSCRIPTIONS, HOSTS, SECONDS, PER_SECOND, BESIDE = 100_000, 64, 10, 20, 10


def measure():
    with house.house() as built:
        built.start_api()
        built.start_notifier()
        sink, wide = built.start_sink(), built.start_sink(hosts=HOSTS)
        for number in range(BESIDE):
            built.subscribe("beside", sink.url(f"/{number}"))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda part: subscribe(built, wide, part), range(4)))
        alone = traffic(built, sink)
        wide.reset()
        built.post("wide", [{"pad": "x" * 188}])
        beside = traffic(built, sink)
        during = wide.figures()["requests"]
        figures = wide.wait_for(SUBSCRIPTIONS)
    table = kit.Table(f"{PER_SECOND} posts/s to {BESIDE} subscriptions, post to arrival",
                      ["one message to 100,000 subscriptions", "p50 ms", "p99 ms"])
    table.add("not yet", *(f"{figure / 1000:.1f}" for figure in alone))
    table.add("meanwhile", *(f"{figure / 1000:.1f}" for figure in beside))
    table.add("ratio", *(f"{after / before:.2f}" for before, after in zip(alone, beside)))
    rate = SUBSCRIPTIONS / figures["seconds"]
    table.promise(f"it went out at {rate:,.0f} deliveries/s, {during:,} of them meanwhile; p99 of the others within 200 ms",
                  beside[1] <= 200_000)
    return table


def subscribe(built, wide, part):
    connection = http.client.HTTPConnection(built.api.ready["listen"])
    for number in range(part, SUBSCRIPTIONS, 4):
        connection.request("POST", "/v2/queues/wide/subscriptions",
                           f'{{"subscriber":"{wide.url(f"/{number}", number)}","ttl":86400}}', house.HEADERS)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise SystemExit(f"a subscription was answered {answer.status}")


def traffic(built, sink):
    sink.reset()
    for _ in range(SECONDS * PER_SECOND):
        built.post("beside", [{"t": time.time_ns()}])
        time.sleep(1 / PER_SECOND)
    figures = sink.wait_for(SECONDS * PER_SECOND * BESIDE)
    return figures["p50_us"], figures["p99_us"]
