"""What a thousand tokens a second that nothing is known of do to callers whose tokens are known."""
import json
import threading

import deployment
import kit
import quiet

SECONDS, ROUNDS, PROMISE = 8, 5, 1.5
PER_SECOND, CONNECTIONS = 1000, 50
BODY = json.dumps({"messages": [{"body": 1}]})
# A request each 50 ms on each connection. What stands before the number makes a token of the usual length.
LOAD = f"""
wrk.method = "POST"
wrk.body = {json.dumps(BODY)}
wrk.headers["Client-ID"] = "3381af92-2b9e-11e3-b191-71861300734c"
wrk.headers["Content-Type"] = "application/json"
local base, number = string.rep("t", 180), 0
function delay() return {1000 * CONNECTIONS // PER_SECOND} end
function request()
    if NEW then number = number + 1 end
    wrk.headers["X-Auth-Token"] = base .. SALT .. number
    return wrk.format()
end
function done(summary) io.write(string.format("FIGURES %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read)) end
"""


def load(built, is_new, salt):
    """Requests beside; each with a token of its own, or all with one."""
    script = f"local NEW, SALT = {'true' if is_new else 'false'}, '{salt}'\n{LOAD}"
    return deployment.wrk_script(f"http://{built.api.ready['listen']}/v2/queues/beside/messages", CONNECTIONS, SECONDS, script)


def measure():
    with deployment.deployment() as built:
        port = kit.free_port()
        built.processes.append(deployment.Process([kit.program("peers"), "bare-identity", "--port", str(port)]))
        kit.wait_for(port)
        built.start_api({
            "HERALD_API_AUTH": "keystone", "HERALD_API_KEYSTONE_URL": f"http://127.0.0.1:{port}",
            "HERALD_API_KEYSTONE_USER": "u", "HERALD_API_KEYSTONE_PASSWORD": "p"})
        known = quiet.Poster(built, [("X-Auth-Token", "known")])
        took, rates, failed = {"known": [], "new": []}, {"known": [], "new": []}, 0
        for number in range(ROUNDS):
            for name in took:
                beside = {}
                thread = threading.Thread(target=lambda: beside.update(
                    result=load(built, name == "new", f"{number}")))
                thread.start()
                took[name].append(known.post_for(SECONDS - 1))
                thread.join()
                rate, bad = beside["result"]
                rates[name].append(rate)
                failed += bad
    table = kit.Table(f"100 posts/s with a known token beside {PER_SECOND} posts/s of another caller, medians of {ROUNDS} rounds of {SECONDS} s in turns",
                      ["beside", "requests/s beside", "p50 ms", "p99 ms"])
    share = lambda times, part: sorted(times)[int((len(times) - 1) * part)] * 1000
    p99 = {name: kit.median([share(times, 0.99) for times in took[name]]) for name in took}
    for name, text in [("known", "one token, known"), ("new", "a new token each")]:
        table.add(text, kit.median(rates[name]), f"{kit.median([share(times, 0.5) for times in took[name]]):.2f}", f"{p99[name]:.2f}")
    table.promise(f"p99 with new tokens at most {PROMISE} of that with a known one ({p99['new'] / p99['known']:.2f})", p99["new"] <= PROMISE * p99["known"])
    table.promise("as many requests beside", kit.median(rates["new"]) >= 0.9 * kit.median(rates["known"]))
    table.promise("no request failed", failed == 0)
    return table
