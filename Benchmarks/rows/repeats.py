"""POST with an Idempotency-Key beside the same without one: each request another key, and all of them one."""
import json

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
PAD = "x" * 188  # {"pad":"…"} of 200 bytes
PROMISE_RATIO = 0.9

# wrk builds a request for each; without a key it does the same work.
SCRIPT = """
wrk.method = "POST"
%s
wrk.body = %s
local number = 0
function request()
    number = number + 1
    wrk.headers["%s"] = %s
    return wrk.format()
end
function done(summary)
    io.write(string.format("FIGURES %%d %%d %%d\\n", summary.requests, summary.duration,
        summary.errors.status + summary.errors.connect + summary.errors.read))
end
"""


def rate(built, round_number, header, value):
    headers = "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in deployment.headers_of(None).items())
    body = json.dumps(json.dumps({"messages": [{"body": {"pad": PAD}}]}))
    script = SCRIPT % (headers, body, header, value.replace("ROUND", str(round_number)))
    return deployment.wrk_script(f"http://{built.api.ready['listen']}/v2/queues/bench/messages", CONNECTIONS, SECONDS, script)


def measure():
    works = [("POST of 1 message", "X-Number", '"n-" .. number'),
             ("the same, each with another key", "Idempotency-Key", '"k-ROUND-" .. number'),
             ("the same, repeats of one", "Idempotency-Key", '"one"')]
    rates, failed = {name: [] for name, _, _ in works}, 0
    with deployment.deployment() as built:
        built.start_api()
        for round_number in range(ROUNDS):
            for name, header, value in works:
                per_second, bad = rate(built, round_number, header, value)
                rates[name].append(per_second)
                failed += bad
            built.call("DELETE", "/v2/queues/bench")
    plain = rates[works[0][0]]
    table = kit.Table(f"POST of 200-byte messages, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s",
                      ["work", "requests/s", "ratio to plain"])
    for name, _, _ in works:
        ratio = kit.median([ours / theirs for ours, theirs in zip(rates[name], plain)])
        table.add(name, kit.median(rates[name]), f"{ratio:.2f}")
        if name != works[0][0]:
            table.promise(f"{name}: {PROMISE_RATIO} of plain", ratio >= PROMISE_RATIO)
    table.promise("no request failed", failed == 0)
    return table
