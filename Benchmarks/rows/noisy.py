"""One project posts as fast as it can beside ten quiet ones: what the quiet ones notice."""
import http.client
import threading
import time

import house
import kit

ROUNDS, PROJECTS, SECONDS, PER_SECOND = 2, 10, 8, 5


def measure():
    rows = {"alone": [], "beside it": []}
    noise = []
    for _ in range(ROUNDS):
        rows["alone"].append(quiet(None))
        rows["beside it"].append(quiet(noise))
    table = kit.Table(f"{PROJECTS} projects of {PER_SECOND} posts/s each, medians of {ROUNDS} rounds",
                      ["a noisy project", "post p50 ms", "post p99 ms", "arrival p50 ms", "arrival p99 ms"])
    figures = {}
    for name, runs in rows.items():
        figures[name] = [kit.median(values) for values in zip(*runs)]
        table.add(name, *(f"{value:.1f}" for value in figures[name]))
    ratio = figures["beside it"][3] / figures["alone"][3]
    table.add("ratio", *(f"{noisy / calm:.2f}" for noisy, calm in zip(figures["beside it"], figures["alone"])))
    table.promise(f"the noisy one posted {kit.median(noise):,.0f} messages/s; arrivals p99 within 10 (ratio {ratio:.1f})",
                  ratio <= 10)
    return table


def quiet(noise):
    """Times of the quiet projects: posts p50, p99, arrivals p50, p99, ms."""
    with house.house() as built:
        built.start_api()
        built.start_notifier()
        sink, other = built.start_sink(), built.start_sink()
        built.subscribe("noise", other.url("/noise"))
        for project in range(PROJECTS):
            send(built, project, "subscriptions", {"subscriber": sink.url(f"/{project}"), "ttl": 86400})
        loud = None
        if noise is not None:
            url = f"http://{built.api.ready['listen']}/v2/queues/noise/messages"
            loud = threading.Thread(target=lambda: noise.append(
                house.wrk(url, 16, SECONDS + 2, built.text({"messages": [{"body": "x" * 188}]}))[0]))
            loud.start()
            time.sleep(1)
        times = []
        threads = [threading.Thread(target=post, args=(built, project, times)) for project in range(PROJECTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        figures = sink.wait_for(len(times))
        if loud:
            loud.join()
        times.sort()
        return (times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, figures["p50_us"] / 1000,
                figures["p99_us"] / 1000)


def post(built, project, times):
    connection = http.client.HTTPConnection(built.api.ready["listen"])
    for _ in range(SECONDS * PER_SECOND):
        begun = time.monotonic()
        send(built, project, "messages", {"messages": [{"body": {"t": time.time_ns()}}]}, connection)
        times.append(time.monotonic() - begun)
        time.sleep(1 / PER_SECOND)


def send(built, project, what, body, connection=None):
    connection = connection or http.client.HTTPConnection(built.api.ready["listen"])
    connection.request("POST", f"/v2/queues/quiet/{what}", built.text(body),
                       {**house.HEADERS, "X-Project-Id": f"quiet-{project}"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 201:
        raise SystemExit(f"a quiet project was answered {answer.status}")
