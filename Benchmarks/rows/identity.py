"""What it costs to know who posts: API keys and tokens of a real Keystone beside callers that are believed."""
import json
import pathlib
import time
import urllib.request

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS, PROMISE = 15, 1, 64, 0.95
BODY = json.dumps({"messages": [{"body": {"pad": "x" * 188}}]})
PATH = "/v2/queues/bench/messages"
ROOT = pathlib.Path(kit.__file__).resolve().parent.parent


def keystone(built):
    """Starts the Keystone of the tests; returns its URL and a token of a member."""
    folder = built.folder / "keystone"
    folder.mkdir()
    server = deployment.Process(
        [str(ROOT / ".venv/bin/python"), str(ROOT / "Tests/TestKit/Scripts/identity.py"), str(folder)],
        {"HOME": str(folder)})
    built.processes.append(server)
    ready = folder / "ready.json"
    while not ready.exists():
        if server.process.poll() is not None:
            raise SystemExit("Keystone has ended; scripts/bootstrap --tests installs it")
        time.sleep(0.1)
    url = f"http://127.0.0.1:{json.loads(ready.read_text())['port']}"
    scope = {"project": {"name": "alpha", "domain": {"id": "default"}}}
    user = {"name": "member", "domain": {"id": "default"}, "password": "secret"}
    asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    request = urllib.request.Request(f"{url}/v3/auth/tokens", json.dumps(asked).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return url, answer.headers["X-Subject-Token"]


def measure():
    with deployment.deployment() as built:
        key_file = built.folder / "first.key"
        url, token = keystone(built)
        apis = {
            "none": (built.start_api(), []),
            "keys": (built.start_api({"HERALD_API_AUTH": "keys", "HERALD_API_KEYS_BOOTSTRAP_FILE": str(key_file)}), None),
            "keystone": (built.start_api({
                "HERALD_API_AUTH": "keystone", "HERALD_API_KEYSTONE_URL": url, "HERALD_API_KEYSTONE_USER": "herald",
                "HERALD_API_KEYSTONE_PASSWORD": "secret", "HERALD_API_KEYSTONE_PROJECT": "service"}),
                [("X-Auth-Token", token)]),
        }
        apis["keys"] = (apis["keys"][0], [("Authorization", f"Bearer {key_file.read_text().strip()}")])
        rates, cpu, ratios, failed = {name: [] for name in apis}, {name: [] for name in apis}, {}, 0
        for _ in range(ROUNDS):
            for name, (api, headers) in apis.items():
                before = api.cpu_seconds
                rate, bad = deployment.wrk(f"http://{api.ready['listen']}{PATH}", CONNECTIONS, SECONDS, BODY, more=headers)
                rates[name].append(rate)
                cpu[name].append((api.cpu_seconds - before) * 1e6 / (rate * SECONDS))
                failed += bad
            for name in apis:
                ratios.setdefault(name, []).append(rates[name][-1] / rates["none"][-1])
    table = kit.Table(f"POST of one 200-byte message, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s in turns",
                      ["api.auth", "requests/s", "API CPU µs/request", "ratio to none"])
    for name in apis:
        table.add(name, kit.median(rates[name]), f"{kit.median(cpu[name]):.1f}", f"{kit.median(ratios[name]):.3f}")
    for name in ["keys", "keystone"]:
        table.promise(f"{name} at {PROMISE} of none", kit.median(ratios[name]) >= PROMISE)
    table.promise("no request failed", failed == 0)
    return table
