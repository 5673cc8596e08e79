"""What TLS costs: the same posts to two APIs over one Redis, one in the clear and one behind https."""
import json
import pathlib
import subprocess
import tempfile

import deployment
import kit

ROUNDS, SECONDS, CONNECTIONS = 5, 3, 64
BODY = json.dumps({"messages": [{"body": {"pad": "x" * 188}}]})
PROMISE_CPU = 1.5


def certificate(folder):
    """A key of P-256 and a certificate of its own; settings that name them."""
    files = [str(pathlib.Path(folder, name)) for name in ("tls.crt", "tls.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return {"HERALD_API_TLS_CERTIFICATE_FILE": files[0], "HERALD_API_TLS_KEY_FILE": files[1]}


def measure():
    with tempfile.TemporaryDirectory(prefix="herald-tls-") as folder, deployment.deployment() as built:
        clear = built.start_api()
        secure = built.start_api(certificate(folder))
        rows = [("kept connections, in the clear", clear, f"http://{clear.ready['listen']}", ()),
                ("kept connections, TLS 1.3", secure, secure.ready["listen"], ()),
                ("a connection each, in the clear", clear, f"http://{clear.ready['listen']}", [("Connection", "close")]),
                ("a connection each, TLS 1.3", secure, secure.ready["listen"], [("Connection", "close")])]
        rates, cpu, failed = {row[0]: [] for row in rows}, {row[0]: [] for row in rows}, 0
        for _ in range(ROUNDS):
            for name, process, root, headers in rows:
                before = process.cpu_seconds
                rate, bad = deployment.wrk(f"{root}/v2/queues/bench/messages", CONNECTIONS, SECONDS, BODY, more=headers)
                rates[name].append(rate)
                cpu[name].append((process.cpu_seconds - before) * 1e6 / (rate * SECONDS))
                failed += bad
    table = kit.Table(f"POST of a 200-byte message, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s in turns",
                      ["connections", "requests/s", "API CPU µs/request", "ratio"])
    ratios = {}
    for clear_row, secure_row in [rows[:2], rows[2:]]:
        ratios[secure_row[0]] = kit.median([there / here for there, here in zip(rates[secure_row[0]], rates[clear_row[0]])])
        for name in (clear_row[0], secure_row[0]):
            table.add(name, kit.median(rates[name]), f"{kit.median(cpu[name]):.1f}",
                      f"{ratios[name]:.2f}" if name in ratios else "1.00")
    more = kit.median(cpu[rows[1][0]]) / kit.median(cpu[rows[0][0]])
    table.promise(f"at most {PROMISE_CPU} of the API CPU over kept connections ({more:.2f})", more <= PROMISE_CPU)
    table.note("wrk encrypts on the same machine: of requests/s it takes its own part.")
    table.promise("no request failed", failed == 0)
    return table
