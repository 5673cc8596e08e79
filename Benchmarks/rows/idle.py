"""What a deployment costs that has nothing to do, and how soon it is ready."""
import time

import deployment
import kit

ROUNDS, SECONDS = 5, 10
PROMISE_PSS_MB, PROMISE_CPU_PERCENT, PROMISE_READY_MS = 25, 0.5, 300


def measure():
    ready = {"herald-api": [], "herald-notifier": []}
    with deployment.deployment() as built:
        for _ in range(ROUNDS):
            for name, start in [("herald-api", built.start_api), ("herald-notifier", built.start_notifier)]:
                process = start()
                ready[name].append(process.ready_ms)
                process.stop()
                built.processes.remove(process)
        api, notifier = built.start_api(), built.start_notifier()
        built.post("q", [{"n": 1}])
        time.sleep(1)
        before = api.cpu_seconds, notifier.cpu_seconds
        time.sleep(SECONDS)
        rows = [("herald-api", api, before[0]), ("herald-notifier", notifier, before[1])]
        figures = [(name, process.rss_mb, process.pss_mb, process.own_mb, (process.cpu_seconds - cpu) / SECONDS * 100)
                   for name, process, cpu in rows]
    table = kit.Table(f"idle for {SECONDS} s; starts are medians of {ROUNDS}",
                      ["process", "RSS MB", "PSS MB", "of its own MB", "CPU %", "start to ready ms"])
    for name, rss, pss, own, cpu in figures:
        table.add(name, f"{rss:.0f}", f"{pss:.0f}", f"{own:.1f}", f"{cpu:.1f}", kit.median(ready[name]))
    table.promise(f"PSS of at most {PROMISE_PSS_MB} MB each", all(pss <= PROMISE_PSS_MB for _, _, pss, _, _ in figures))
    table.promise(f"no CPU (less than {PROMISE_CPU_PERCENT} %)", all(cpu < PROMISE_CPU_PERCENT for *_, cpu in figures))
    table.promise(f"ready within {PROMISE_READY_MS} ms",
                  all(kit.median(times) <= PROMISE_READY_MS for times in ready.values()))
    return table
