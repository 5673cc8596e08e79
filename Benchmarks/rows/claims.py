"""Claiming 10 messages and deleting them in one request, at the head of a short queue and of a deep one."""
import subprocess
import tempfile

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 3, 3, 8
DEPTHS = [100, 1_000_000]
PROMISE = 6_000
PAD = "x" * 188

# What a claim brings is deleted next, and ten new messages take its place, so that the queue stays as deep as it is.
SCRIPT = """
local path, post = "/v2/queues/%s/", '{"messages":[' .. string.rep('{"body":{"pad":"%s"}}', 10, ",") .. "]}"
local headers, threads, waiting = {%s}, {}, {}
claimed, failed = 0, 0

function setup(thread) threads[#threads + 1] = thread end

function request()
    if #waiting > 0 then return table.remove(waiting) end
    return wrk.format("POST", path .. "claims?limit=10", headers, '{"ttl":300,"grace":60}')
end

function response(status, fields, body)
    if status >= 300 then failed = failed + 1 end
    local claim = fields["Location"] and fields["Location"]:match("claims/(.+)$")
    if not claim then return end
    claimed = claimed + 1
    local ids = {}
    for id in body:gmatch('"id":"([^"]+)"') do ids[#ids + 1] = id end
    waiting[#waiting + 1] = wrk.format("POST", path .. "messages", headers, post)
    waiting[#waiting + 1] = wrk.format(
        "DELETE", path .. "messages?ids=" .. table.concat(ids, ",") .. "&claim_ids=" .. claim, headers)
end

function done(summary)
    local cycles, bad = 0, 0
    for _, thread in ipairs(threads) do
        cycles, bad = cycles + thread:get("claimed"), bad + thread:get("failed")
    end
    io.write(string.format("FIGURES %%d %%d %%d\\n", cycles, summary.duration, bad))
end
"""


def cycles(address, queue, seconds=SECONDS):
    """Cycles per second, and the answers that were neither 2xx."""
    headers = ",".join(f'["{name}"]="{value}"' for name, value in deployment.HEADERS.items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT % (queue, PAD, headers))
        script.flush()
        ran = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script.name, f"http://{address}"],
                             capture_output=True, text=True, check=True)
    line = next(line for line in ran.stdout.splitlines() if line.startswith("FIGURES"))
    count, microseconds, failed = (int(word) for word in line.split()[1:])
    return count / (microseconds / 1e6), failed


def measure():
    rates, failed = {depth: [] for depth in DEPTHS}, 0
    with deployment.deployment() as built:
        api = built.start_api()
        for depth in DEPTHS:
            for start in range(0, depth, 500):
                built.post(f"q{depth}", [{"pad": PAD}] * min(500, depth - start))
        for _ in range(ROUNDS):
            for depth in DEPTHS:
                rate, bad = cycles(api.ready["listen"], f"q{depth}")
                rates[depth].append(rate)
                failed += bad
    table = kit.Table(f"claim 10, delete 10, post 10: {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s",
                      ["depth of the queue", "cycles/s", "requests/s"])
    for depth in DEPTHS:
        table.add(f"{depth:,}", kit.median(rates[depth]), 3 * kit.median(rates[depth]))
    ratio = kit.median([shallow / deep for shallow, deep in zip(*(rates[depth] for depth in DEPTHS))])
    table.promise(f"{PROMISE:,} cycles a second", all(kit.median(rates[depth]) >= PROMISE for depth in DEPTHS))
    table.promise(f"the same at any depth (ratio {ratio:.2f}, at most 1.3)", ratio <= 1.3)
    table.promise("no request failed", failed == 0)
    return table
