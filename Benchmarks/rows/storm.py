"""Connections that come back all at once: a node with subscribed WebSocket connections is killed, and all of them go to another.

The subscriptions of the killed node are ended by others once it has said nothing for a while; the queue has both until then.
"""
import resource
import signal
import time

import deployment
import kit

CROWD = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 500)
LIMIT_S = 60
# A node counts as ended after 15 s, of which the last may have said that it lives 3 s before; then its sessions are ended in steps.
PROMISE_GONE_S, PROMISE_BACK_S = 30, 30


def measure():
    with deployment.deployment() as built:
        survivor = built.start_api()
        dying = built.start_api()
        built.start_notifier()
        built.api = survivor
        before = built.start_sessions(dying.ready["websocket"], CROWD, "storm")
        idle = survivor.rss_mb
        dying.process.send_signal(signal.SIGKILL)
        dying.process.wait()
        built.processes.remove(dying)
        start = time.monotonic()
        after = built.start_sessions(survivor.ready["websocket"], CROWD, "storm")
        back = time.monotonic() - start
        while subscriptions(built) > CROWD:
            if time.monotonic() - start > LIMIT_S:
                raise SystemExit(f"after {LIMIT_S} s {subscriptions(built):,} subscriptions are left")
            time.sleep(0.25)
        gone = time.monotonic() - start
        after.reset()
        built.post("storm", [{"t": time.time_ns()}])
        after.wait_for(CROWD)
        lost = before.figures()["ended"]
        grown = survivor.rss_mb - idle
    table = kit.Table("a node is killed, and its connections come to another",
                      ["connections", "back and subscribed s", "subscriptions of the dead node gone s", "MB more of the API"])
    table.add(f"{CROWD:,}", f"{back:.1f}", f"{gone:.1f}", f"{grown:.0f}")
    table.promise(f"all {CROWD:,} back and subscribed within {PROMISE_BACK_S} s", back <= PROMISE_BACK_S)
    table.promise(f"what the dead node left gone within {PROMISE_GONE_S} s", gone <= PROMISE_GONE_S)
    table.promise("each connection got the message that was posted then", True)
    table.promise("every connection of the dead node ended", lost == CROWD)
    return table


def subscriptions(built):
    """How many the queue has, as its keys say: a list would be a thousand pages."""
    keys = built.redis("KEYS", "*subscription-order:*storm")
    return sum(int(built.redis("ZCARD", key)[0]) for key in keys)
