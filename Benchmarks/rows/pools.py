"""POST and GET on a queue of a pool beside the same in a deployment without pools."""
import http.client
import json

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 5, 2, 64
PAD = "x" * 188


def register(address, name, port):
    connection = http.client.HTTPConnection(address)
    connection.request("PUT", f"/v2/pools/{name}", json.dumps({"uri": f"redis://127.0.0.1:{port}", "weight": 1}),
                       {**deployment.HEADERS, "X-Roles": "admin"})
    answer = connection.getresponse()
    if answer.status != 201:
        raise SystemExit(f"the pool was not registered: {answer.status} {answer.read()!r}")


def measure():
    body = json.dumps({"messages": [{"body": {"pad": PAD}}]})
    works = [("POST of 1 message", "/v2/queues/bench/messages", "POST", body),
             ("GET of 10 messages", "/v2/queues/read/messages?limit=10&echo=true", "GET", None)]
    rates, failed = {work[0]: [] for work in works}, 0
    with deployment.deployment() as plain, deployment.deployment() as pooled, kit.redis_server() as port:
        pooled.environment["HERALD_API_ADMIN_MODE"] = "true"
        addresses = [each.start_api().ready["listen"] for each in (plain, pooled)]
        register(addresses[1], "pool", port)
        for each in (plain, pooled):
            each.post("read", [{"pad": PAD}] * 100)
        for _ in range(ROUNDS):
            for name, path, method, text in works:
                pair = []
                for address in addresses:
                    rate, bad = deployment.wrk(f"http://{address}{path}", CONNECTIONS, SECONDS, text, method)
                    pair.append(rate)
                    failed += bad
                rates[name].append(pair)
    table = kit.Table(f"with and without pools, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s",
                      ["work", "without", "on a pool", "ratio"])
    for name, pairs in rates.items():
        ratio = kit.median([pooled / plain for plain, pooled in pairs])
        table.add(name, kit.median([pair[0] for pair in pairs]), kit.median([pair[1] for pair in pairs]), f"{ratio:.2f}")
        table.promise(f"{name} at 0.9 of what it is without pools", ratio >= 0.9)
    table.promise("no request failed", failed == 0)
    return table
