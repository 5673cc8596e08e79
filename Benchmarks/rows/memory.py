"""What queues, messages and subscriptions take of Redis."""
import deployment
import kit

QUEUES, DEEP, DELIVERIES, PER_POST, BODY = 5_000, 100_000, 20_000, 10, "x" * 198


def measure():
    table = kit.Table(f"growth of used_memory; messages of {len(BODY) + 2} bytes, over {QUEUES:,} queues, {DEEP:,} in a deep one",
                      ["of each", "bytes", "with stream-node-max-bytes 1024"])
    usual, small = figures(), figures("--stream-node-max-bytes", "1024")
    for name in usual:
        table.add(name, usual[name], small[name])
    return table


def figures(*redis_arguments):
    with deployment.deployment(*redis_arguments) as built:
        built.start_api()
        found = {}

        def step(name, count, work):
            before = int(built.redis_info("memory")["used_memory"])
            work()
            found[name] = (int(built.redis_info("memory")["used_memory"]) - before) / count

        queues = [f"q{number}" for number in range(QUEUES)]
        step("empty queue", QUEUES, lambda: [built.call("PUT", f"/v2/queues/{name}", {}) for name in queues])
        step("first message of a queue", QUEUES, lambda: [built.post(name, [BODY]) for name in queues])
        step("message of a queue with ten, the first left out", QUEUES * 9, lambda: [built.post(name, [BODY] * 9) for name in queues])
        step("message of a deep queue", DEEP, lambda: [built.post("deep", [BODY] * PER_POST) for _ in range(DEEP // PER_POST)])
        step("subscription", QUEUES, lambda: [built.subscribe(name, f"https://receiver{number}.example/hook")
                                              for number, name in enumerate(queues)])
        # No notifier runs: events of its messages stay.
        built.subscribe("held", "https://receiver.example/hook")
        step("message of a deep queue that waits for a notifier", DELIVERIES,
             lambda: [built.post("held", [BODY] * PER_POST) for _ in range(DELIVERIES // PER_POST)])
        return found
