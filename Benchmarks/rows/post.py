"""POST through the API beside the same framework doing nothing but one bare script."""
import json

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
PAD = "x" * 188  # {"pad":"…"} of 200 bytes
PROMISE_RATIO, PROMISE_CPU_US, PROMISE_BATCH = 0.8, 40, 100_000


def measure():
    one = json.dumps({"messages": [{"body": {"pad": PAD}}]})
    ten = json.dumps({"messages": [{"body": {"pad": PAD}}] * 10})
    path = "/v2/queues/bench/messages"
    rates, cpu, ratios, failed = {"one": [], "ten": [], "bare": []}, {"one": [], "ten": [], "bare": []}, [], 0
    with deployment.deployment() as built:
        api = built.start_api()
        port = kit.free_port()
        bare = deployment.Process([kit.program("peers"), "bare-route", "--port", str(port), "--redis",
                              built.environment["HERALD_REDIS_URL"]])
        built.processes.append(bare)
        kit.wait_for(port)
        for _ in range(ROUNDS):
            for name, process, address, body in [("bare", bare, f"127.0.0.1:{port}", one),
                                                 ("one", api, api.ready["listen"], one),
                                                 ("ten", api, api.ready["listen"], ten)]:
                before = process.cpu_seconds
                rate, bad = deployment.wrk(f"http://{address}{path}", CONNECTIONS, SECONDS, body)
                rates[name].append(rate)
                cpu[name].append((process.cpu_seconds - before) * 1e6 / (rate * SECONDS))
                failed += bad
            ratios.append(rates["one"][-1] / rates["bare"][-1])
            built.call("DELETE", "/v2/queues/bench")
    table = kit.Table(f"POST of 200-byte messages, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s",
                      ["work", "requests/s", "messages/s", "API CPU µs/request", "ratio to bare"])
    table.add("bare route: read the body, one bare EVALSHA", kit.median(rates["bare"]), "-",
              f"{kit.median(cpu['bare']):.1f}", "1.00")
    table.add("POST of 1 message", kit.median(rates["one"]), kit.median(rates["one"]), f"{kit.median(cpu['one']):.1f}",
              f"{kit.median(ratios):.2f}")
    table.add("POST of 10 messages", kit.median(rates["ten"]), 10 * kit.median(rates["ten"]),
              f"{kit.median(cpu['ten']):.1f}", "-")
    table.promise(f"1 message at {PROMISE_RATIO} of the bare route", kit.median(ratios) >= PROMISE_RATIO)
    table.promise(f"at most {PROMISE_CPU_US} µs of API CPU for 1 message", kit.median(cpu["one"]) <= PROMISE_CPU_US)
    table.promise(f"{PROMISE_BATCH:,} messages/s in posts of 10", 10 * kit.median(rates["ten"]) >= PROMISE_BATCH)
    table.promise("no request failed", failed == 0)
    return table
